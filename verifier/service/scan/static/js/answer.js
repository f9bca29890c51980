// The answer on the screen, and how long it stays there: nobody's data is left on a counter.

import { alertOf, say, tell, word } from "./say.js";
import { setting } from "./settings.js";
import { signal } from "./signals.js";

const COUNTDOWN = 10;
// A press this soon was meant for what stood there before.
const SETTLING = 600;
const held = document.getElementById("held");
const title = document.title;
let urls = [];
let clock = null;
let until = 0;
let nextAt = Infinity;
let unsettled = null;
let goOn = () => {};
let leave = () => {};

export const shown = () => document.body.dataset.answer === "shown";
export const root = () => held.querySelector("[data-outcome]");
export const isPending = () => held.querySelector(".pending") !== null;
export const settling = () => unsettled !== null;

// next() is told of an answer whose next scan begins by itself, forgotten() of one whose data went because nobody came.
export function whenOver(next, forgotten) {
  goOn = next;
  leave = forgotten;
}

export function parse(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html").body;
  return { parsed, key: parsed.querySelector("[data-key]")?.dataset.key };
}

// The answer before leaves the screen with all that is in it; nothing can be pressed that belonged to it.
export function pending() {
  clear();
  held.replaceChildren(document.getElementById("pending").content.cloneNode(true));
  document.body.dataset.answer = "shown";
  document.title = `${word("checking_new")} ${title}`;
  settle();
  held.querySelector("h1").focus({ preventScroll: true });
  scrollTo(0, 0);
}

function settle() {
  clearTimeout(unsettled);
  const actions = held.querySelector(".actions");
  actions.inert = true;
  unsettled = setTimeout(() => {
    unsettled = null;
    actions.inert = false;
  }, SETTLING);
}

export function show(nodes, { environment } = {}) {
  drop();
  held.replaceChildren(...nodes);
  settle();
  const top = root();
  const outcome = top.dataset.outcome;
  document.body.dataset.answer = "shown";
  const tests = held.querySelector('[data-environment="test"]') !== null;
  band(tests || environment === "test", tests);
  for (const image of held.querySelectorAll("img[data-photo]")) reveal(image);
  document.title = `${top.dataset.title} ${title}`;
  begin(outcome);
  signal(outcome === "SEVERAL" ? worst() : outcome);
  const heading = held.querySelector("h1");
  // With automatic next the focus stays, since it would be taken away again in a moment.
  if (nextAt < Infinity) alertOf((heading.querySelector(".unseen") ?? heading).textContent);
  else heading.focus({ preventScroll: true });
  scrollTo(0, 0);
  tell("");
}

export function showTemplate(id, edit = () => {}) {
  const copy = document.getElementById(id).content.cloneNode(true);
  edit(copy);
  show([...copy.childNodes], { environment: document.body.dataset.pageEnvironment });
}

function worst() {
  return held.querySelector("article[data-outcome]").dataset.outcome;
}

function band(test, real) {
  document.body.dataset.environment = test ? "test" : "production";
  for (const each of document.querySelectorAll(".band span")) each.textContent = word(real ? "test_band" : "test_page");
}

// A photo is a blob for as long as the answer is there.
function reveal(image) {
  const bytes = Uint8Array.from(atob(image.dataset.photo), (each) => each.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: image.dataset.media }));
  urls.push(url);
  delete image.dataset.photo;
  image.addEventListener("error", () => {
    image.hidden = true;
    image.nextElementSibling.hidden = false;
  });
  image.src = url;
}

function begin(outcome) {
  const next = Number(setting("next"));
  nextAt = outcome === "VALID" && next > 0 ? Date.now() + next * 1000 : Infinity;
  touch();
  clock ||= setInterval(tick, 250);
}

// Any key or touch restarts the countdown (WCAG 2.2.1).
export function touch() {
  until = Date.now() + Number(setting("keep")) * 1000;
}

function tick() {
  const left = Math.ceil((until - Date.now()) / 1000);
  const line = held.querySelector(".countdown");
  const personal = held.querySelector(".personal") !== null;
  if (line) {
    line.hidden = !personal || left > COUNTDOWN;
    line.textContent = line.hidden ? "" : word("goes_in", { seconds: Math.max(left, 0) });
  }
  const label = held.querySelector(".next-in");
  if (label) {
    label.hidden = nextAt === Infinity;
    label.textContent = label.hidden ? "" : word("next_in", { seconds: Math.max(Math.ceil((nextAt - Date.now()) / 1000), 0) });
  }
  if (Date.now() >= nextAt) goOn();
  else if (left <= 0 && personal) forget();
}

// The data go; what must wait for someone (red, amber) waits on without them.
function forget() {
  if (root().dataset.outcome === "VALID" || root().dataset.outcome === "SEVERAL") {
    clear();
    leave();
    say("removed");
    return;
  }
  strip();
}

function strip() {
  for (const each of held.querySelectorAll(".personal")) each.remove();
  release();
  held.querySelector(".countdown")?.setAttribute("hidden", "");
}

// "No match": the same answer in the form of a refusal; nothing is sent or kept.
export function notHolder() {
  const article = held.querySelector("article");
  strip();
  held.querySelector(".photo")?.remove();
  delete article.dataset.photoShown;
  const copy = document.getElementById("not-holder").content.cloneNode(true);
  const test = held.querySelector(".chip");
  article.querySelector(".do")?.remove();
  article.querySelector(".panel").replaceWith(copy);
  if (test) article.querySelector(".headline").append(test);
  article.dataset.outcome = "NOT_HOLDER";
  held.querySelector(".actions").replaceWith(document.getElementById("actions-next").content.cloneNode(true));
  nextAt = Infinity;
  settle();
  document.title = `${article.querySelector(".word").textContent} ${title}`;
  signal("INVALID");
  article.querySelector("h1").focus({ preventScroll: true });
  scrollTo(0, 0);
}

function release() {
  for (const url of urls) URL.revokeObjectURL(url);
  urls = [];
}

function drop() {
  release();
  held.replaceChildren();
  clearTimeout(unsettled);
  unsettled = null;
  nextAt = Infinity;
  alertOf("");
}

export function clear() {
  drop();
  clearInterval(clock);
  clock = null;
  document.body.dataset.answer = "none";
  document.title = title;
  band(document.body.dataset.pageEnvironment === "test", false);
}
