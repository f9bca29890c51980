// Begins the page where the browser has what the page needs. Elsewhere the forms, which need no script, are all there is,
// and a hint says why: written so that any browser can read it. A press that comes before the scripts is kept and done
// when they are there.

(function () {
  "use strict";

  var here = document.currentScript.src.replace(/js\/start\.js$/, "");
  var pressed = null;

  // OffscreenCanvas in 2d came last: Safari 16.4.
  function able() {
    try {
      return Boolean(new OffscreenCanvas(1, 1).getContext("2d")) && "timeout" in AbortSignal && CSS.supports("container-type: inline-size");
    } catch (error) {
      return false;
    }
  }

  function withoutScripts() {
    document.removeEventListener("click", early, true);
    var style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = here + "css/noscript.css";
    document.head.appendChild(style);
    document.getElementById("browser-old").hidden = false;
  }

  // The last press counts, and says at once that it was heard.
  function early(event) {
    var button = event.target.closest ? event.target.closest("[data-do]") : null;
    if (!button) return;
    if (pressed) pressed.removeAttribute("aria-busy");
    pressed = button;
    button.setAttribute("aria-busy", "true");
  }

  function ready() {
    document.removeEventListener("click", early, true);
    if (!pressed) return;
    pressed.removeAttribute("aria-busy");
    pressed.click();
  }

  function begin() {
    if (!able()) {
      withoutScripts();
      return;
    }
    var page = document.createElement("script");
    page.type = "module";
    page.src = here + "js/app.js";
    page.onerror = withoutScripts;
    document.head.appendChild(page);
  }

  document.addEventListener("click", early, true);
  document.addEventListener("icard-ready", ready);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
