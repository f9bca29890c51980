"""How long a person waits: from the first clear frame of a film (:mod:`tools.film`) to the verdict on the screen.

A clear frame counts from the moment at which the browser hands it to the screen, by the bar at its edge; a verdict from
the second frame of the screen after it was put in, which is when it has been painted.
"""

from __future__ import annotations

from playwright.sync_api import Page

__all__ = ["CLOCK", "READER", "milliseconds"]

#: Looks at the bar of each frame; the film is 1280 wide. What was seen first when the film was clear does not count.
CLOCK = """
(() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  window.barIsWhite = (video) => {
    context.drawImage(video, video.videoWidth / 32, video.videoHeight / 2, 8, 8, 0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data[0] > 128;
  };
  addEventListener("DOMContentLoaded", () => {
    const video = document.getElementById("video");
    let blurred = false;
    const look = (now, frame) => {
      const white = barIsWhite(video);
      if (white && blurred) window.clearAt ??= frame.presentationTime;
      blurred ||= !white;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    new MutationObserver((_, observer) => {
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame((now) => (window.answeredAt = now)));
    }).observe(document.getElementById("held"), { childList: true });
  });
})();
"""

#: A reader of the browser that reads a clear frame, and no other, in no time; ``inView`` is what it reads.
READER = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect(video) { return barIsWhite(video) && window.clearAt ? [{ rawValue: window.inView }] : []; }
};
"""


def milliseconds(page: Page) -> float | None:
    """From the first clear frame to the verdict; None where the verdict came before any frame was clear."""
    page.wait_for_function("() => window.answeredAt", timeout=60_000)
    taken: float | None = page.evaluate("window.clearAt ? answeredAt - clearAt : null")
    return taken
