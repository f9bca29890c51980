"""``python -m verifier.service.picture_child``: reads the codes in pictures from strangers, in a process of its own.

Promises:

1. Before the first picture is looked at, it gives up: more memory than :data:`MEMORY`, writing files, opening more than
   a few, and leaving a core file, since a photograph of a card may be in its memory.
2. Each request is one byte, ``1`` for all tries and ``0`` for one, and the bytes of a picture or a PDF, whose pages are
   looked at one by one; each answer is JSON:
   ``{"codes": [{"text": ...} or {"hex": ...}]}`` or ``{"error": {"code", "expected", "found"}}``.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any, Final

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from icard_crypto.limits import MIB
from icard_crypto.pictures import pdf
from icard_crypto.platform_parts import confine

from .children import serve
from .limits import PICTURE_CODES, PICTURE_SECONDS

__all__ = ["MEMORY", "contents", "main"]

MEMORY: Final = 768 * MIB
"""Bytes of address space; the largest pictures that are opened, in all their tries, took 340 MiB."""


def main() -> None:
    """Read pictures until the input ends."""
    # Its library is loaded while files may still be opened.
    with contextlib.suppress(ImportError):
        import pypdfium2  # noqa: F401
    confine(MEMORY)
    serve(read)


def read(request: bytes) -> bytes:
    """One request's answer."""
    try:
        found = contents(request[1:], thorough=request[:1] == b"1")
    except DecodeError as error:
        return _packed({"error": {"code": error.code, "expected": error.expected, "found": error.found}})
    return _packed({"codes": [{"text": each} if isinstance(each, str) else {"hex": each.hex()} for each in found]})


def contents(data: bytes, *, thorough: bool) -> list[str | bytes]:
    """What the codes in a picture or in a PDF say, each once.

    Args:
        thorough: False makes one try only. Of a PDF every page gets that one first, and all tries only where no page
            had a code: drawings on a page are seldom photographs.

    Raises:
        DecodeError: ``picture.*``; ``picture.too_many_codes``: more than :data:`PICTURE_CODES`.
    """
    # A little before the child is ended: a code that was found by then is worth more than none.
    end = time.monotonic() + 0.8 * PICTURE_SECONDS
    if not pdf.is_pdf(data):
        return _few({code.content: None for code in qr.read(data, thorough=thorough, deadline=0.8 * PICTURE_SECONDS)})
    for tries in (False, True) if thorough else (False,):
        found: dict[str | bytes, None] = {}
        for page in pdf.pages(data):
            left = end - time.monotonic()
            if left <= 0:
                return _few(found)
            found |= {code.content: None for code in qr.read(page, thorough=tries, deadline=left)}
        if found:
            return _few(found)
    return []


def _few(found: dict[str | bytes, None]) -> list[str | bytes]:
    if len(found) > PICTURE_CODES:
        raise DecodeError("picture.too_many_codes", expected=f"at most {PICTURE_CODES} codes", found=f"{len(found)}")
    return list(found)


def _packed(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=True).encode("ascii")


if __name__ == "__main__":
    main()
