// Begins the page where the browser has what the page needs. Elsewhere the forms, which need no script, are all there is,
// and a hint says why: written so that any browser can read it.

(function () {
  "use strict";

  // OffscreenCanvas in 2d came last: Safari 16.4.
  function able() {
    try {
      return Boolean(new OffscreenCanvas(1, 1).getContext("2d")) && "timeout" in AbortSignal && CSS.supports("container-type: inline-size");
    } catch (error) {
      return false;
    }
  }

  function withoutScripts() {
    var style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "static/css/noscript.css";
    document.head.appendChild(style);
    document.getElementById("browser-old").hidden = false;
  }

  if (!able()) {
    withoutScripts();
    return;
  }
  var page = document.createElement("script");
  page.type = "module";
  page.src = "static/js/app.js";
  page.onerror = withoutScripts;
  document.head.appendChild(page);
})();
