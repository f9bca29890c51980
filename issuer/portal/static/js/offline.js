// The service worker of the codes that a holder keeps on the phone: without a connection, they are shown instead of nothing.
// It keeps what the page has put into its cache, and nothing of its own; with a connection, every page comes from the service.
"use strict";

const KEPT = "icard-kept";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate") event.respondWith(fetch(event.request).catch(() => keptPage(url)));
  else if (url.pathname.startsWith("/portal/static/")) event.respondWith(keptFile(event.request));
});

// The page that was asked for, else the first that was kept.
async function keptPage(url) {
  const cache = await caches.open(KEPT);
  const pages = (await cache.keys()).filter((key) => new URL(key.url).searchParams.has("kept"));
  const code = url.searchParams.get("code");
  const wanted = pages.find((key) => new URL(key.url).searchParams.get("code") === code) || pages[0];
  return wanted ? cache.match(wanted) : Response.error();
}

async function keptFile(request) {
  const found = (await caches.has(KEPT)) && (await (await caches.open(KEPT)).match(request));
  return found || fetch(request);
}
