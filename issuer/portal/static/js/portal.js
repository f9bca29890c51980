// Conveniences; every page works without them.
"use strict";

// The summary of errors is read first.
document.querySelector("[data-focus]")?.focus();

// A form that is on its way is not sent again: its answer may renew the session, and a second one would find it gone.
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// An invitation's secret stands behind the # of its address, which no server sees: put it into the form and forget it.
const fragment = document.querySelector("form[data-fragment]");
if (fragment && location.hash.length > 1) {
  document.getElementById(fragment.dataset.fragment).value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
}

// Beijing time by the service's clock, running: a picture of the page stands still.
for (const clock of document.querySelectorAll("[data-clock]")) {
  const begun = Number(clock.dataset.clock) * 1000 - performance.now();
  const tick = () => {
    clock.textContent = new Date(begun + performance.now()).toLocaleTimeString("en-GB", { timeZone: "Asia/Shanghai" });
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
