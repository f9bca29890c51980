// Looks for codes in the camera's picture: with the browser's own reader where there is one, else by asking the service
// about frames, one at a time.

import { headers, NoAnswer, settle } from "./ask.js";
import { query } from "./settings.js";

const PAUSE = 80;
// In turn: a smaller frame is quicker and forgives blur, the largest reads a dense code from further away.
const SIDES = [800, 1280];

export async function ownReader() {
  try {
    const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
    return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
  } catch {
    return null;
  }
}

export class Finder {
  // found({text} or {html}) is told of codes, trouble(error) of a service that does not answer.
  constructor(video, found, trouble) {
    this.video = video;
    this.found = found;
    this.trouble = trouble;
    this.turn = 0;
    this.tries = 0;
    this.reader = undefined;
  }

  pause() {
    this.turn += 1;
  }

  async look() {
    const turn = ++this.turn;
    if (this.reader === undefined) this.reader = await ownReader();
    while (turn === this.turn) {
      const begun = performance.now();
      let wait = PAUSE;
      if (this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.video.videoWidth) {
        try {
          const found = await this.once();
          this.failing = 0;
          if (found && turn === this.turn) this.found(found);
        } catch (error) {
          if (turn === this.turn) wait = this.afterTrouble(error);
        }
      }
      await new Promise((done) => setTimeout(done, Math.max(0, wait - (performance.now() - begun))));
    }
  }

  // Busy once is a reason to wait; five seconds without any answer are a reason to say so.
  afterTrouble(error) {
    if (!(error instanceof NoAnswer)) return 1000;
    this.failing ||= performance.now();
    if (!error.busy || performance.now() - this.failing > 5000) {
      this.failing = 0;
      this.trouble(error);
    }
    return Math.max(PAUSE, error.after * 1000);
  }

  async once() {
    this.tries += 1;
    if (this.reader) {
      let codes;
      try {
        codes = await this.reader.detect(this.video);
      } catch {
        this.reader = null;
        return null;
      }
      const texts = new Set(codes.map((code) => code.rawValue).filter(Boolean));
      if (texts.size === 0) return null;
      if (texts.size === 1) return { text: [...texts][0] };
      // Which of several counts is not ours to guess: the service lists them all.
    }
    const html = await this.askAboutFrame();
    return html ? { html } : null;
  }

  async askAboutFrame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    // The largest square in the middle: all that the frame on the screen shows, and what is cut off beside it.
    const side = Math.min(width, height);
    const size = Math.min(side, SIDES[this.tries % SIDES.length]);
    const resize = { resizeWidth: size, resizeHeight: size, resizeQuality: "medium" };
    const bitmap = await createImageBitmap(this.video, (width - side) / 2, (height - side) / 2, side, side, resize);
    this.worker ||= new Worker(new URL("frames-worker.js", import.meta.url));
    const answer = await new Promise((done, failed) => {
      this.worker.onmessage = ({ data }) => done(data);
      this.worker.onerror = failed;
      const url = new URL(`answer${query({ quick: "1" })}`, location.href).href;
      this.worker.postMessage({ bitmap, url, headers: headers("image/jpeg") }, [bitmap]);
    });
    return settle(answer.status, answer.after, answer.text);
  }
}
