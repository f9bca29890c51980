// A hand scanner types: bursts with gaps shorter than any person's, ended by Enter, Tab or silence. They are taken
// wherever the focus is, unless in another field; what they type presses nothing.

const GAP = 30;
const SILENCE = 150;
const SURE = 4;
const SHORTEST = 8;
const FULL_WIDTH = /[\u3000\uff01-\uff5e]/;

export class HandScanner {
  constructor({ field, receiving, received, wrongMethod }) {
    Object.assign(this, { field, receiving, received, wrongMethod });
    this.clear();
    document.addEventListener("keydown", (event) => this.down(event), true);
    document.addEventListener("keyup", (event) => this.up(event), true);
    field.addEventListener("compositionstart", () => wrongMethod());
    field.addEventListener("input", () => FULL_WIDTH.test(field.value) && wrongMethod());
  }

  clear() {
    clearTimeout(this.timer);
    this.text = "";
    this.last = -Infinity;
    this.pressed = new Set();
  }

  get sure() {
    return this.text.length >= SURE;
  }

  elsewhere(event) {
    const target = event.target;
    return target !== this.field && target instanceof Element && target.closest("input, textarea, select") !== null;
  }

  down(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || this.elsewhere(event)) return;
    const gap = event.timeStamp - this.last;
    const ends = event.key === "Enter" || event.key === "Tab";
    if (ends && this.sure) {
      this.swallow(event);
      this.finish();
      return;
    }
    const composing = event.isComposing || event.key === "Process" || event.keyCode === 229;
    if (!composing && event.key.length !== 1) return;
    if (gap > (this.sure ? SILENCE : GAP)) this.text = "";
    this.last = event.timeStamp;
    if (composing || FULL_WIDTH.test(event.key)) {
      if (gap <= GAP || FULL_WIDTH.test(event.key)) this.wrongMethod();
      this.text = "";
      return;
    }
    this.text += event.key;
    if (this.sure) {
      this.swallow(event);
      if (event.target === this.field) this.field.value = "";
      this.receiving();
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.finish(), SILENCE);
  }

  // The release of a key that was swallowed presses nothing either.
  up(event) {
    if (this.pressed.delete(event.key)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }

  swallow(event) {
    this.pressed.add(event.key);
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  finish() {
    const text = this.text;
    const sure = this.sure;
    clearTimeout(this.timer);
    this.text = "";
    this.last = -Infinity;
    if (!sure) return;
    if (text.length >= SHORTEST) this.received(text);
    else this.received(null);
  }
}
