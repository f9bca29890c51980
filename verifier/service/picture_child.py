"""``python -m verifier.service.picture_child``: reads the codes in pictures from strangers, in a process of its own.

Promises:

1. Before the first picture is looked at, it gives up: more memory than :data:`MEMORY`, writing files, opening more than
   a few, and leaving a core file, since a photograph of a card may be in its memory.
2. Each request is one byte, ``1`` for all tries and ``0`` for one, and a picture's bytes; each answer is JSON:
   ``{"codes": [{"text": ...} or {"hex": ...}]}`` or ``{"error": {"code", "expected", "found"}}``.
"""

from __future__ import annotations

import json
import resource
from typing import Any, Final

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from icard_crypto.limits import MIB

from .children import serve
from .limits import PICTURE_CODES, PICTURE_SECONDS

__all__ = ["MEMORY", "main"]

MEMORY: Final = 768 * MIB
"""Bytes of address space; the largest pictures that are opened, in all their tries, took 340 MiB."""


def main() -> None:
    """Read pictures until the input ends."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(kind, (most, most))
    serve(read)


def read(request: bytes) -> bytes:
    """One request's answer."""
    try:
        # A little before the child is ended: a code that was found by then is worth more than none.
        codes = qr.read(memoryview(request)[1:], thorough=request[:1] == b"1", deadline=0.8 * PICTURE_SECONDS)
        if len(codes) > PICTURE_CODES:
            expected = f"at most {PICTURE_CODES} codes"
            raise DecodeError("picture.too_many_codes", expected=expected, found=f"{len(codes)}")
    except DecodeError as error:
        return _packed({"error": {"code": error.code, "expected": error.expected, "found": error.found}})
    contents = [code.content for code in codes]
    return _packed({"codes": [{"text": each} if isinstance(each, str) else {"hex": each.hex()} for each in contents]})


def _packed(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=True).encode("ascii")


if __name__ == "__main__":
    main()
