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

// What is worked on a part at a time goes on by itself.
document.querySelector("form[data-continue]")?.requestSubmit();
const onward = document.querySelector("a[data-continue]");
if (onward) addEventListener("load", () => location.replace(onward.href));

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

// A holder's codes on the phone, for where there is no connection: only on request, and removed by one button.
const keeping = document.querySelector("[data-keep]");
if (keeping && navigator.serviceWorker && window.caches) {
  const name = "icard-kept";
  const show = async () => {
    const kept = await caches.has(name);
    for (const part of keeping.querySelectorAll("[data-kept]")) part.hidden = (part.dataset.kept === "yes") !== kept;
  };
  const store = async () => {
    const answers = [];
    for (const url of keeping.dataset.keep.split(" ")) {
      const answer = await fetch(url, { cache: "no-store" });
      if (!answer.ok || answer.redirected) throw new Error(url);
      answers.push([url, answer]);
    }
    const cache = await caches.open(name);
    for (const [url, answer] of answers) await cache.put(url, answer);
  };
  keeping.querySelector("[data-do=keep]").addEventListener("click", async () => {
    try {
      await navigator.serviceWorker.register(keeping.dataset.worker, { scope: "/portal/" });
      await store();
    } catch {
      keeping.querySelector("[data-failed]").hidden = false;
    }
    await show();
  });
  // What is kept is the newest code each time that the card is opened with a connection.
  const renewed = caches.has(name).then((kept) => kept && store()).catch(() => {});
  keeping.querySelector("[data-do=remove]").addEventListener("click", async () => {
    // A renewal that is on its way would bring the cache back.
    await renewed;
    await caches.delete(name);
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
    await show();
  });
  keeping.hidden = false;
  show();
}
