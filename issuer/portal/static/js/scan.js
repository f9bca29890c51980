// The camera on the page by which a card is found. What it sees is asked about a frame at a time; a frame that has a code
// is sent as a picture that was chosen would be. It begins after the scan page's own camera (static_files.py).

const part = document.querySelector("[data-scan]");
const video = document.getElementById("video");
const form = part.closest("form");
const file = form.querySelector("input[type=file]");
const [starts, stops] = ["start", "stop"].map((name) => part.querySelector(`[data-do=${name}]`));
const camera = new Camera(video, () => off("camera_none"));
const SIDE = 1280;
const PAUSE = 400;
const QUALITY = 0.8;

const pause = (time) => new Promise((done) => setTimeout(done, time));

function say(name) {
  part.querySelector("[data-say]").textContent = name ? part.querySelector(`[data-word=${name}]`).textContent : "";
}

function off(name = "") {
  camera.stop();
  video.hidden = stops.hidden = true;
  starts.hidden = false;
  say(name);
}

async function frame() {
  const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

// Whether the service finds one code in a frame; null: it is busy.
async function has(blob) {
  const asked = new FormData(form);
  asked.set("picture", blob, "frame.jpg");
  asked.set("frame", "1");
  const { status } = await fetch(form.action, { method: "POST", body: asked, cache: "no-store", redirect: "manual" });
  if (status === 204) return true;
  if (status === 422) return false;
  if (status === 429 || status === 503) return null;
  throw new Error(status);
}

async function look() {
  while (camera.on) {
    const blob = video.videoWidth ? await frame() : null;
    const found = blob && (await has(blob));
    if (!camera.on) return;
    if (found) {
      const chosen = new DataTransfer();
      chosen.items.add(new File([blob], "frame.jpg", { type: "image/jpeg" }));
      file.files = chosen.files;
      off();
      form.requestSubmit();
      return;
    }
    await pause(found === null ? 1000 : PAUSE);
  }
}

starts.addEventListener("click", async () => {
  starts.hidden = true;
  try {
    if (!(await camera.start())) return;
  } catch (error) {
    off(error.message);
    return;
  }
  video.hidden = stops.hidden = false;
  say("looking");
  look().catch(() => off("no_answer"));
});
stops.addEventListener("click", () => off());
addEventListener("pagehide", () => off());
part.hidden = false;
