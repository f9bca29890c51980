"""The drawer qrcode: a text to a PNG file's bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import qrcode

from benchmarks.peers.protocol import Verify, serve


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Level M, 8 pixels a module, a quiet zone of 4."""

    def draw(text: Any) -> Any:
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=4)
        code.add_data(text)
        out = BytesIO()
        code.make_image().save(out, "PNG")
        return out.getvalue()

    return draw


if __name__ == "__main__":
    serve(prepare)
