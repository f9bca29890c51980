"""The reader zxing-cpp alone: a PNG file's bytes to the texts in it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import zxingcpp
from PIL import Image

from benchmarks.peers.protocol import Verify, serve


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """QR codes only, with its own defaults, which already try turned, inverted and smaller."""

    formats: Any = zxingcpp.BarcodeFormat.QRCode

    def read(png: Any) -> Any:
        image = Image.open(BytesIO(png)).convert("L")
        return [barcode.text for barcode in zxingcpp.read_barcodes(image, formats=formats)]

    return read


if __name__ == "__main__":
    serve(prepare)
