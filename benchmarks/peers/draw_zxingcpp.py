"""The drawer zxing-cpp alone: a text to a PNG file's bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import zxingcpp
from PIL import Image

from benchmarks.peers.protocol import Verify, serve


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Level M, 8 pixels a module, a quiet zone of 4."""

    def draw(text: Any) -> Any:
        barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        out = BytesIO()
        Image.fromarray(barcode.to_image(scale=8)).save(out, "PNG")
        return out.getvalue()

    return draw


if __name__ == "__main__":
    serve(prepare)
