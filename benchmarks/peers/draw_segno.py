"""The drawer segno: a text to a PNG file's bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import segno

from benchmarks.peers.protocol import Verify, serve


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Level M and not more, 8 pixels a module, a quiet zone of 4."""

    def draw(text: Any) -> Any:
        out = BytesIO()
        segno.make(text, error="m", boost_error=False, micro=False).save(out, kind="png", scale=8, border=4)
        return out.getvalue()

    return draw


if __name__ == "__main__":
    serve(prepare)
