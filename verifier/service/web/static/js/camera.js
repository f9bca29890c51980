// The camera: its stream, its torch, which of several.

export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
    this.device = null;
  }

  get on() {
    return this.stream !== null;
  }

  get track() {
    return this.stream?.getVideoTracks()[0];
  }

  // Fails with the name of the words that say why.
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("camera_insecure");
    this.stop();
    const which = this.device ? { deviceId: { exact: this.device } } : { facingMode: { ideal: "environment" } };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { ...which, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (error) {
      const names = { NotAllowedError: "camera_blocked", SecurityError: "camera_blocked", NotReadableError: "camera_busy", AbortError: "camera_busy" };
      throw new Error(names[error.name] ?? "camera_none");
    }
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {});
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
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
    await this.start();
  }
}
