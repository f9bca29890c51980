"""Render an untrusted file in a child process with hard limits, one process for each file.

Promises:

1. Nothing of a file is decoded in this process but its first bytes. A process that was taken over by one file never
   sees another one.
2. A file that takes more than :data:`SECONDS` or the memory of :mod:`issuer.documents.drawing_child`, or that ends its
   process, is ``upload.costly``; one that can't be read is ``upload.broken``.
3. At most :data:`AT_ONCE` files are looked at at one time; a caller that waits longer than a file may take gets
   ``upload.busy``.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from icard_crypto.errors import Invalid, NotFound, StateError, Unavailable
from icard_crypto.limits import MIB
from icard_crypto.pictures.pdf import is_pdf

__all__ = ["AT_ONCE", "SECONDS", "Looked", "Photo", "draw_page", "look", "look_at_photo", "media_type_of", "read_codes"]

AT_ONCE: Final = 2
SECONDS: Final = 10.0
#: Bytes of the largest answer: a page as JPEG.
_LONGEST: Final = 16 * MIB
_PART: Final = 65_536
_CHILD: Final = "issuer.documents.drawing_child"
_room = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file is: its media type, and how many pages it has (a picture: 1)."""

    media_type: str
    pages: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of a person as it was measured, and as it is kept.

    Args:
        width, height: pixels as handed in, upright.
        white: the share of the background's pixels that are white, 0 to 1.
        framed: how many of the four edges have a band of their own colour.
        jpeg: scaled to the size of the rule; empty where the photo is smaller or of another shape.
    """

    width: int
    height: int
    white: float
    framed: int
    jpeg: bytes = field(repr=False)


def media_type_of(data: bytes) -> str | None:
    """What a file is by its first bytes: PDF, PNG or JPEG; None: none of these."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "application/pdf" if is_pdf(data) else None


def look(data: bytes, media_type: str) -> Looked:
    """Read a file as what it is.

    Raises:
        Invalid: ``upload.broken``, ``upload.pages``, ``upload.costly``.
        Unavailable: ``upload.busy``.
    """
    answer, _ = _asked({"do": "look", "type": media_type}, data)
    return Looked(media_type, int(answer["pages"]))


def draw_page(data: bytes, media_type: str, number: int) -> bytes:
    """A page as JPEG, drawn again: no byte of the file itself.

    Args:
        number: from 1.

    Raises:
        NotFound: ``upload.no_page``, and as :func:`look`.
    """
    return _asked({"do": "page", "type": media_type, "number": number}, data)[1]


def look_at_photo(data: bytes, media_type: str, rule: Mapping[str, Any]) -> Photo:
    """Measure a photo by the values of a rule (:mod:`issuer.documents.photos`).

    Raises:
        StateError: as :func:`look`.
    """
    answer, jpeg = _asked({"do": "photo", "type": media_type, "rule": dict(rule)}, data)
    return Photo(answer["width"], answer["height"], answer["white"], answer["framed"], jpeg)


def read_codes(data: bytes, media_type: str) -> list[str]:
    """The texts of the QR codes in a picture.

    Raises:
        StateError: as :func:`look`.
    """
    answer, _ = _asked({"do": "read", "type": media_type}, data)
    return [str(text) for text in answer["texts"]]


def _asked(request: Mapping[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    head = json.dumps(request).encode() + b"\n"
    if not _room.acquire(timeout=SECONDS):
        raise Unavailable("upload.busy")
    try:
        with _child() as child:
            answer = _exchange(child, head + data)
    finally:
        _room.release()
    first, _, rest = answer.partition(b"\n")
    try:
        found = json.loads(first)
    except ValueError:
        raise Invalid("upload.costly") from None
    if "error" in found:
        code = found["error"] if found["error"] in _FAULTS else "upload.broken"
        raise _FAULTS[code](code, expected=str(found["expected"])[:80], found=str(found["found"])[:80])
    return found, rest


#: What a child may say was wrong.
_FAULTS: Final[Mapping[str, type[StateError]]] = {
    "upload.broken": Invalid,
    "upload.costly": Invalid,
    "upload.no_page": NotFound,
    "upload.pages": Invalid,
}


@contextlib.contextmanager
def _child() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of this package
        # -P: the working folder is nobody's library.
        (sys.executable, "-P", "-m", _CHILD),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("ICARD_")},
    )
    try:
        yield child
    finally:
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        child.wait()


def _exchange(child: subprocess.Popen[bytes], request: bytes) -> bytes:
    """Send all, then read all, until the time is over; an answer that is too long, or none, is the child's loss."""
    if child.stdin is None or child.stdout is None:
        raise Invalid("upload.costly")
    end = time.monotonic() + SECONDS
    asks, answers = child.stdin.fileno(), child.stdout.fileno()
    os.set_blocking(asks, False)
    left = memoryview(request)
    with contextlib.suppress(BrokenPipeError):
        while left:
            _wait(asks, select.POLLOUT, end)
            left = left[os.write(asks, left[:_PART]) :]
    # Its buffer is empty: what was written went past it.
    child.stdin.close()
    answer = bytearray()
    while True:
        _wait(answers, select.POLLIN, end)
        part = os.read(answers, _PART)
        if not part:
            return bytes(answer)
        answer += part
        if len(answer) > _LONGEST:
            raise Invalid("upload.costly")


def _wait(stream: int, for_what: int, end: float) -> None:
    poll = select.poll()
    poll.register(stream, for_what)
    if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
        raise Invalid("upload.costly", expected=f"at most {SECONDS:g} s")
