"""icard as a drawer: a text to a PNG file's bytes, read back before it is handed out."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.protocol import Verify, serve
from icard_crypto import qr


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Level M, 8 pixels a module, a quiet zone of 4: as all drawers here."""

    def draw(text: Any) -> Any:
        return qr.draw_png(text, level="M")

    return draw


if __name__ == "__main__":
    serve(prepare)
