// The camera: its stream, its torch, which of several.

export class Camera {
  // lost() is told of a camera that ended by itself: unplugged, taken away, or forbidden while it was on.
  constructor(video, lost) {
    this.video = video;
    this.lost = lost;
    this.stream = null;
    this.device = null;
    this.turns = 0;
  }

  get on() {
    return this.stream !== null;
  }

  get track() {
    return this.stream?.getVideoTracks()[0];
  }

  // Whether it is on: whoever was asked for the permission may have left meanwhile. Fails with the name of the words
  // that say why.
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("camera_insecure");
    this.stop();
    const turn = this.turns;
    const which = this.device ? { deviceId: { exact: this.device } } : { facingMode: { ideal: "environment" } };
    const wanted = { audio: false, video: { ...which, width: { ideal: 1920 }, height: { ideal: 1080 } } };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(wanted);
    } catch (error) {
      if (turn !== this.turns) return false;
      // One that is gone must not be asked for again.
      this.device = null;
      const names = { NotAllowedError: "camera_blocked", SecurityError: "camera_blocked", NotReadableError: "camera_busy", AbortError: "camera_busy" };
      throw new Error(names[error.name] ?? "camera_none");
    }
    if (turn !== this.turns) {
      end(stream);
      return false;
    }
    this.stream = stream;
    this.track.addEventListener("ended", () => stream === this.stream && this.lost());
    this.video.srcObject = stream;
    await this.video.play().catch(() => {});
    return turn === this.turns;
  }

  stop() {
    this.turns += 1;
    if (this.stream) end(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }

  get hasTorch() {
    return Boolean(this.track?.getCapabilities?.().torch);
  }

  async torch(on) {
    await this.track?.applyConstraints({ advanced: [{ torch: on }] });
  }

  async others() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "videoinput").map((device) => device.deviceId);
  }

  async turn() {
    const all = await this.others();
    this.device = all[(all.indexOf(this.track?.getSettings().deviceId) + 1) % all.length];
    return this.start();
  }
}

function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}
