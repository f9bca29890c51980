// Settings stand in the address and nowhere else: the browser keeps nothing, and a bookmark is a gate's set-up.

const DEFAULTS = { sound: "off", vibration: "on", next: "0", keep: "30", theme: "as_device" };
const asked = new URLSearchParams(location.search);

export const language = document.body.dataset.language;

export function setting(name) {
  const select = document.getElementById(`set-${name}`);
  const value = asked.get(name);
  return [...select.options].some((option) => option.value === value) ? value : DEFAULTS[name];
}

export function change(name, value) {
  asked.set(name, value);
  if (value === DEFAULTS[name]) asked.delete(name);
  history.replaceState(null, "", address());
  for (const link of document.querySelectorAll(".languages a")) {
    const there = new URLSearchParams(asked);
    there.set("lang", link.dataset.language);
    link.href = `./?${there}`;
  }
}

function address() {
  const query = asked.toString();
  return query ? `./?${query}` : "./";
}

// What a request needs: the language and the rule, never anything that was shown.
export function query(more = {}) {
  return `?${new URLSearchParams({ lang: language, rule: document.body.dataset.rule, ...more })}`;
}
