"""``python -m verifier.service.picture_child``: reads the codes in pictures from untrusted sources, in a process of its
own.

Promises:

1. Before the first picture is looked at, it gives up what :func:`icard_crypto.platform_parts.confine` says: a decoder
   that was taken over can neither change the state nor read a key.
2. Each request is one byte (:class:`.picture_contents.Way`) and the bytes of a picture or a PDF; each answer is that of
   :func:`.picture_contents.write_answer`. To :data:`.picture_contents.IS_FILTERED` it answers ``1`` where the system
   filters its calls, else ``0``.
"""

from __future__ import annotations

import contextlib
from typing import Final

from icard_crypto import qr
from icard_crypto.errors import IcardError
from icard_crypto.limits import MIB
from icard_crypto.pictures.preload import load_decoders
from icard_crypto.platform_parts import confine

from .child_side import serve
from .picture_contents import IS_FILTERED, Way, write_answer

__all__ = ["MEMORY", "main", "prepare", "read"]

MEMORY: Final = 768 * MIB
"""Bytes of address space; the largest pictures that are opened, in all their tries, took 340 MiB."""


def main() -> None:
    """Read pictures until the input ends."""
    filtered = b"1" if prepare() else b"0"
    serve(lambda request: filtered if request == IS_FILTERED else read(request))


def prepare() -> bool:
    """Give up what promise 1 says, once all that reads pictures is loaded; whether the system has a filter for it."""
    with contextlib.suppress(IcardError):
        for picture in load_decoders():
            qr.read(picture)
    return confine(MEMORY)


def read(request: bytes) -> bytes:
    """One request's answer."""
    return write_answer(request[1:], Way(request[:1]))


if __name__ == "__main__":
    main()
