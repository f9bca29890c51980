// A hand scanner types. Its bursts have gaps shorter than any person's; one that is slower is known by how a card's code
// begins. Both are taken wherever the focus is, unless in another text field; what they type presses and changes nothing.

const GAP = 30;
const SILENCE = 150;
// Of scanners by Bluetooth, and of a person who types a code: so much longer than the gaps before is an end.
const SLOW = 300;
const PATIENCE = 5;
// A card's code that is still coming: a machine that stalls must not make two scans of one, and most scanners say the end.
const CARD_SILENCE = 600;
const SURE = 4;
const SHORTEST = 8;
// How a card's code begins, behind what a scanner may put before it, and as other keyboards type it. The service names
// what is wrong.
const CARD = /^.{0,8}(?:IC[1&+!].|\u0428\u04211.)/i;
const FULL_WIDTH = /[\u3000\uff01-\uff5e]/;
const TEXT_FIELDS = "textarea, input:not([type=file], [type=checkbox], [type=radio], [type=submit], [type=button])";

export class HandScanner {
  constructor({ field, receiving, received, wrongMethod }) {
    Object.assign(this, { field, receiving, received, wrongMethod });
    this.pressed = new Set();
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
    this.slowest = 0;
    this.card = false;
  }

  get sure() {
    return this.card || (this.text.length >= SURE && this.slowest <= GAP);
  }

  // How long after a character the next one still belongs to the same scan.
  get silence() {
    if (this.card) return Math.max(CARD_SILENCE, PATIENCE * this.slowest);
    return this.sure ? SILENCE : SLOW;
  }

  elsewhere(target) {
    return target !== this.field && target instanceof Element && target.closest(TEXT_FIELDS) !== null;
  }

  down(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || this.elsewhere(event.target)) return;
    const ends = event.key === "Enter" || event.key === "Tab";
    if (ends && this.sure) {
      this.swallow(event);
      this.finish();
      return;
    }
    const composing = event.isComposing || event.key === "Process" || event.keyCode === 229;
    if (!composing && event.key.length !== 1) return;
    const gap = event.timeStamp - this.last;
    if (gap > this.silence) this.clear();
    else this.slowest = Math.max(this.slowest, this.sure && !this.card ? 0 : gap);
    this.last = event.timeStamp;
    if (composing || FULL_WIDTH.test(event.key)) {
      if (gap <= GAP || FULL_WIDTH.test(event.key)) this.wrongMethod();
      this.clear();
      return;
    }
    // A list would take a scan's first letter for a choice; the space bar opens it.
    if (event.target instanceof HTMLSelectElement && (event.key !== " " || this.text)) this.swallow(event);
    this.text += event.key;
    this.card ||= this.text.length <= 12 && CARD.test(this.text);
    if (this.sure) {
      this.swallow(event);
      if (event.target === this.field) this.field.value = "";
      this.receiving();
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.finish(), this.silence);
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
    const { text, sure } = this;
    this.clear();
    if (!sure) return;
    this.received(text.length >= SHORTEST ? text : null);
  }
}
