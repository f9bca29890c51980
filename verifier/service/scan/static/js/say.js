// What the page says: the words come with the page, in its language; spoken once each, and shown.

const words = new Map();
for (const each of document.getElementById("say-words").content.children) words.set(each.dataset.say, each.textContent);

export function word(name, places = {}) {
  return words.get(name).replace(/\{(\w+)\}/g, (_, place) => places[place]);
}

export function say(name, places) {
  tell(name ? word(name, places) : "");
}

export function tell(text) {
  const status = document.getElementById("say");
  if (status.textContent !== text) status.textContent = text;
  for (const shown of document.querySelectorAll(".said")) shown.textContent = text;
}

export function alertOf(text) {
  document.getElementById("alert").textContent = text;
}
