// Conveniences; every page works without them.
"use strict";

// The summary of errors is read first.
document.querySelector("[data-focus]")?.focus();

// An invitation's secret stands behind the # of its address, which no server sees: put it into the form and forget it.
const fragment = document.querySelector("form[data-fragment]");
if (fragment && location.hash.length > 1) {
  document.getElementById(fragment.dataset.fragment).value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
}

// The moment at which a page with a code was checked, so that an old picture of it can be told.
for (const clock of document.querySelectorAll("[data-clock]")) {
  const tick = () => {
    clock.textContent = new Date().toLocaleTimeString("en-GB", { timeZone: "Asia/Shanghai" });
  };
  tick();
  setInterval(tick, 1000);
}

// The screen stays on while a code is shown on the whole of it.
if (document.querySelector("[data-awake]") && navigator.wakeLock) {
  const stayOn = () => document.visibilityState === "visible" && navigator.wakeLock.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", stayOn);
  stayOn();
}
