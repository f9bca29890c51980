"""icard as a reader of pictures: a PNG file's bytes to the texts in it."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.protocol import Verify, serve
from icard_crypto import qr


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """All of its tries, as for a file."""

    def read(png: Any) -> Any:
        return [code.content for code in qr.read(png)]

    return read


if __name__ == "__main__":
    serve(prepare)
