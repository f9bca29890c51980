// Sound and vibration: told apart by rhythm, not by pitch, since one hears it in a noisy place. The holder hears it too,
// so a refusal is no louder than anything else.

import { setting } from "./settings.js";

const RHYTHMS = {
  VALID: { sound: [120], vibration: [80] },
  INVALID: { sound: [250, 120, 250], vibration: [250, 120, 250] },
  INDETERMINATE: { sound: [100, 80, 100, 80, 100], vibration: [80, 80, 80, 80, 80] },
};
const PITCH = 660;
const LOUDNESS = 0.25;
let audio = null;

// Browsers let a page make sounds only once someone has pressed something; a hand scanner's keys count too.
export function unlock() {
  if (setting("sound") !== "on") return;
  audio ||= new AudioContext();
  audio.resume();
}

export function signal(outcome) {
  const rhythm = RHYTHMS[outcome];
  if (!rhythm) return;
  if (setting("vibration") === "on") navigator.vibrate?.(rhythm.vibration);
  if (setting("sound") === "on" && audio) play(rhythm.sound);
}

function play(rhythm) {
  let at = audio.currentTime;
  rhythm.forEach((length, index) => {
    const end = at + length / 1000;
    if (index % 2 === 0) {
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.frequency.value = PITCH;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.01);
      gain.gain.setValueAtTime(LOUDNESS, end - 0.01);
      gain.gain.linearRampToValueAtTime(0, end);
      tone.connect(gain).connect(audio.destination);
      tone.start(at);
      tone.stop(end);
    }
    at = end;
  });
}
