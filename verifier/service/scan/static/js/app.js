// The scan page: what leads to what.

import { age, ask, NoAnswer, Refused, update } from "./ask.js";
import * as answer from "./answer.js";
import { Camera } from "./camera.js";
import { Finder } from "./finder.js";
import { listen, prepared } from "./intake.js";
import { say, word } from "./say.js";
import { HandScanner } from "./scanner.js";
import { change, setting } from "./settings.js";
import { unlock } from "./signals.js";

const body = document.body;
const find = (selector) => document.querySelector(selector);
const video = find("#video");
const field = find("#code");
const camera = new Camera(video, () => denied("camera_none"));

const SAME = 3000;
const REST = 60000;
const HINTS = [[5000, "hint_near"], [10000, "hint_light"]];
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_TEXT = 8192;
// What the service says in a developer's words, in those of the page.
const REFUSALS = { "http.content_type": "file_kind", "picture.not_a_picture": "file_kind", "http.too_large": "file_large", "picture.too_large": "file_large" };

let turn = 0;
let last = null;
let ignored = { at: -Infinity };
let timers = [];
let wanted = false;

const finder = new Finder(video, onFound, (error) => (finder.pause(), noAnswer(error)));

// --- checking -------------------------------------------------------------------------------------------------------

async function check(source, spoken = "seen") {
  const mine = ++turn;
  last = source;
  finder.pause();
  stopTimers();
  // Whoever stands there next must not pass on the answer before.
  if (answer.shown()) answer.pending();
  say(spoken);
  const slow = setTimeout(() => say("checking"), 700);
  try {
    const html = source.text ? await ask(source.text, "text/plain") : await ask(source.blob, source.blob.type || "image/png");
    if (mine !== turn) return;
    if (html === null) noteOf("no_code", "note-picture");
    else present(answer.parse(html), source.text);
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Refused) refusedWith(error.problem, source.blob ? "note-picture" : "note");
    else if (error instanceof NoAnswer) noAnswer(error);
    else throw error;
  } finally {
    clearTimeout(slow);
  }
}

function present({ parsed, key }, text) {
  ignored = { key, text, at: Infinity };
  answer.show([...parsed.childNodes]);
}

function note(fact, order, template = "note") {
  answer.showTemplate(template, (copy) => {
    copy.querySelector(".note").dataset.title = fact;
    copy.querySelector("h1").textContent = fact;
    copy.querySelector("h1 + p").textContent = order ?? "";
  });
}

function noteOf(name, template) {
  note(word(name), word(`${name}_do`), template);
}

function refusedWith(problem, template) {
  const own = REFUSALS[problem.code];
  if (own) noteOf(own, template);
  else note(problem.title, problem.hint, template);
}

function noAnswer(error) {
  stopTimers();
  answer.showTemplate("no-answer", (copy) => {
    const fact = copy.querySelector(".fact");
    if (error.busy) fact.textContent = word("busy_fact");
    else if (!navigator.onLine) fact.textContent = word("offline_fact");
    // What is heard on arrival has the reason too.
    copy.querySelector(".verdict .unseen").textContent += ` ${fact.textContent}`;
  });
}

// Whatever was shown before has gone when this is called: what came instead is on the screen.
async function checkFiles(files) {
  ++turn;
  if (answer.shown()) answer.pending();
  if (files.length > 1) return noteOf("one_file", "note-picture");
  const mine = turn;
  say("checking");
  const blob = await prepared(files[0]);
  if (mine !== turn) return;
  if (blob.size > MOST_BYTES) noteOf("file_large", "note-picture");
  else await check({ blob }, "checking");
}

function checkText(text) {
  const code = text.trim();
  if (code.length > MOST_TEXT) {
    ++turn;
    noteOf("text_large");
  } else if (code) check({ text: code });
}

// --- the camera -----------------------------------------------------------------------------------------------------

function onFound({ text, html }) {
  const parts = html ? answer.parse(html) : { key: null };
  const same = text ? text === ignored.text : parts.key === ignored.key;
  if (same && performance.now() - ignored.at < SAME) return;
  body.dataset.seen = "";
  setTimeout(() => delete body.dataset.seen, 150);
  finder.pause();
  if (text) {
    check({ text });
    return;
  }
  ++turn;
  last = null;
  stopTimers();
  present(parts);
}

function start() {
  if (answer.shown()) next();
  return open(() => camera.start());
}

// From a press to a picture; whoever stops or leaves meanwhile gets none.
async function open(begin) {
  wanted = true;
  show("starting");
  say("starting");
  if (!find(".scan").contains(document.activeElement)) find('[data-do="stop"]').focus({ preventScroll: true });
  try {
    if (!(await begin())) return;
  } catch (error) {
    denied(error.message);
    return;
  }
  show("scanning");
  const torch = find('[data-do="torch"]');
  torch.hidden = !camera.hasTorch;
  torch.setAttribute("aria-pressed", "false");
  find('[data-do="turn"]').hidden = (await camera.others()).length < 2;
  if (answer.shown() || !camera.on) return;
  say("camera_on");
  look();
}

function look() {
  for (const each of document.querySelectorAll(".later")) each.hidden = true;
  stopTimers();
  timers = HINTS.map(([after, hint]) => setTimeout(() => hintOf(hint), after));
  timers.push(setTimeout(rest, REST));
  finder.look();
}

function hintOf(hint) {
  say(hint === "hint_light" && !camera.hasTorch ? "hint_photo" : hint);
  if (hint === "hint_light") for (const each of document.querySelectorAll(".later")) each.hidden = false;
}

function rest() {
  if (answer.shown()) return;
  finder.pause();
  camera.stop();
  show("resting");
  say("resting");
}

function stop() {
  wanted = false;
  finder.pause();
  stopTimers();
  camera.stop();
  show("ready");
  say("");
  find(".start").focus();
}

function denied(why) {
  wanted = false;
  finder.pause();
  stopTimers();
  camera.stop();
  show("denied");
  find("#denied-title").textContent = word(why);
  const steps = { camera_blocked: ["step_lock", "step_allow", "step_again"], camera_insecure: ["step_https"] }[why] ?? ["step_connect"];
  find("#denied-steps").replaceChildren(...steps.map((name) => Object.assign(document.createElement("li"), { textContent: word(name) })));
  if (answer.shown()) return;
  say("");
  find(".denied h2").focus();
}

function show(input) {
  body.dataset.input = input;
  find(".ready").hidden = input !== "ready";
  find(".denied").hidden = input !== "denied";
  find(".scan").hidden = !["starting", "scanning", "resting"].includes(input);
  find(".resume").hidden = input !== "resting";
}

function stopTimers() {
  timers.forEach(clearTimeout);
  timers = [];
}

// --- what comes next ------------------------------------------------------------------------------------------------

function next() {
  ++turn;
  last = null;
  ignored.at = performance.now();
  answer.clear();
  if (camera.on) {
    say("");
    look();
    find('[data-do="stop"]').focus({ preventScroll: true });
  } else {
    say("ready_next");
    // Not on a button: the Enter of a slow scanner would press it.
    find("#title").focus({ preventScroll: true });
  }
}

// Nobody was there for as long as data may stay: the next scan begins with a tap, and the camera is off until then.
function forgotten() {
  last = null;
  ignored.at = performance.now();
  if (camera.on) rest();
}
answer.whenOver(next, forgotten);

async function updateLists() {
  const source = last;
  const mine = ++turn;
  say("updating");
  try {
    await update();
  } catch (error) {
    // Another code was shown meanwhile: its answer stands, not what became of these lists.
    if (mine !== turn) return;
    say("");
    if (error instanceof Refused) refusedWith(error.problem);
    else noAnswer(error);
    return;
  }
  showAge();
  if (mine !== turn) return;
  if (source) await check(source, "checking");
  else next();
}

async function showAge() {
  try {
    const { html, level } = await age();
    find("#age").className = `age age-${level}`;
    find("#age").replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  } catch {
    // What was true a while ago must not stand there as if it still were.
    find("#age").className = "age age-over";
    find("#age span").textContent = word("age_unknown");
  }
}

// Nothing of anybody stays when the page is left, hidden or locked.
function leave() {
  ++turn;
  last = null;
  ignored = { at: -Infinity };
  field.value = "";
  find("#picture").value = "";
  finder.pause();
  stopTimers();
  camera.stop();
  if (answer.shown()) answer.clear();
  if (wanted) show("resting");
  say("");
}

// --- wiring ---------------------------------------------------------------------------------------------------------

const doing = {
  start,
  stop,
  photo: () => find("#picture").click(),
  paste: async () => {
    try {
      checkText(await navigator.clipboard.readText());
    } catch {
      openTyped();
    }
  },
  type: () => {
    openTyped();
    say("scanner_ready");
  },
  torch: async () => {
    const button = find('[data-do="torch"]');
    const on = button.getAttribute("aria-pressed") !== "true";
    await camera.torch(on);
    button.setAttribute("aria-pressed", String(on));
  },
  turn: () => open(() => camera.turn()),
};

const acting = {
  next,
  "no-match": () => {
    last = null;
    answer.notHolder();
  },
  again: () => (last ? check(last) : next()),
  update: updateLists,
};

function openTyped() {
  body.dataset.typed = "open";
  find('[data-do="type"]').setAttribute("aria-expanded", "true");
  field.focus();
}

document.addEventListener("click", (event) => {
  unlock();
  const menu = find(".settings[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
  const button = event.target instanceof Element && event.target.closest("[data-do], [data-act]");
  if (!button) return;
  if (answer.settling() && (button.dataset.act || button.dataset.do === "start")) return;
  if (button.dataset.do) doing[button.dataset.do]();
  else acting[button.dataset.act]();
});

document.addEventListener("keydown", (event) => {
  answer.touch();
  unlock();
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const menu = find(".settings[open]");
  if (menu) {
    menu.open = false;
    find(".settings summary").focus();
  } else if (answer.shown()) answer.settling() || next();
  else if (wanted) stop();
});
document.addEventListener("pointerdown", answer.touch);

find("#picture").addEventListener("change", (event) => {
  const files = [...event.target.files];
  event.target.value = "";
  if (files.length) checkFiles(files);
});
find("#picture-form").addEventListener("submit", (event) => event.preventDefault());
find("#code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value;
  field.value = "";
  find("#code-error").hidden = true;
  checkText(text);
});

listen({ files: checkFiles, text: checkText });

new HandScanner({
  field,
  receiving: () => {
    if (answer.shown() && !answer.isPending()) {
      ++turn;
      answer.pending();
    }
    say("receiving");
  },
  received: (text) => {
    field.value = "";
    find("#code-error").hidden = true;
    if (text) checkText(text);
    else if (answer.isPending()) next();
    else say("");
  },
  wrongMethod: () => {
    say("input_method");
    find("#code-error").textContent = word("input_method");
    find("#code-error").hidden = false;
    field.value = "";
  },
});

// Where the operator has fixed the rule there is no list.
find("select#rule")?.addEventListener("change", (event) => {
  change("rule", event.target.value);
  body.dataset.rule = event.target.value;
  showAge();
  if (answer.shown() && last) check(last, "checking");
});
find("#settings").addEventListener("change", (event) => {
  change(event.target.name, event.target.value);
  document.documentElement.toggleAttribute("data-theme", false);
  if (setting("theme") === "light") document.documentElement.dataset.theme = "light";
  unlock();
});
find("#settings").addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave();
  else if (wanted) start();
  if (!document.hidden) showAge();
});
addEventListener("pagehide", leave);
setInterval(() => document.hidden || showAge(), REST);
body.dataset.ready = "";
document.dispatchEvent(new Event("icard-ready"));
