"""The reader OpenCV: a PNG file's bytes to the texts in it, as its documentation does it."""

from __future__ import annotations

from typing import Any

import cv2  # type: ignore[import-not-found]
import numpy as np

from benchmarks.peers.protocol import Verify, serve


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """It has two readers; the newer one, behind ``QRCodeDetectorAruco``, finds more of the poor ones."""
    detector = cv2.QRCodeDetectorAruco()

    def read(png: Any) -> Any:
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        _, texts, _, _ = detector.detectAndDecodeMulti(image)
        return [text for text in texts if text]

    return read


if __name__ == "__main__":
    serve(prepare)
