"""What the codes in a picture or a PDF say, within a time; and the form in which one process tells another.

Promises:

1. All codes, or what is missing is reported: an error beside the codes that were found.
2. Of a PDF, pages are looked at one by one; one that is hard to look at hides no code of the others.
3. An answer is read as whoever took its writer over may have written it: so many codes, so long, and of an error its
   code alone, for any text of its writer's might be of a picture that somebody else sent before.
"""

from __future__ import annotations

import json
import time
from enum import Enum
from typing import Any, Final, NamedTuple

from icard_crypto import limits, qr
from icard_crypto.encoding import strict_json
from icard_crypto.errors import DecodeError, MissingPart, catalogue
from icard_crypto.pictures import pdf

from .limits import PICTURE_CODES, PICTURE_SECONDS

__all__ = ["COMMAND_SECONDS", "IS_FILTERED", "Contents", "Way", "contents", "read_answer", "write_answer"]

COMMAND_SECONDS: Final = 60.0
"""For one picture or PDF of a command, until its reader is ended."""
IS_FILTERED: Final = b"?"
"""The request that asks a reader whether the system filters its calls."""
#: Of the time that a reader has before it is ended: a code that was found by then is worth more than none.
_SHARE: Final = 0.8


class Way(Enum):
    """How a picture is looked at; the value is in front of a request."""

    QUICK = b"0"
    """One try, for the frames of a camera."""
    SERVICE = b"1"
    """All tries; of a PDF only where no page had a code at once: drawings on a page are seldom photographs."""
    COMMAND = b"2"
    """All tries on every page, and more time."""

    @property
    def seconds(self) -> float:
        """Until the reader is ended."""
        return COMMAND_SECONDS if self is Way.COMMAND else PICTURE_SECONDS


class Contents(NamedTuple):
    """What was found, each once, in reading order; and why there may be more."""

    codes: list[str | bytes]
    error: DecodeError | None = None


def contents(data: bytes, way: Way) -> Contents:
    """What the codes in a picture or in a PDF say.

    Raises:
        DecodeError: ``picture.*``; ``picture.too_many_codes``: more than :data:`PICTURE_CODES`.
        MissingPart: a reader is not installed.
    """
    seconds = _SHARE * way.seconds
    if not pdf.is_pdf(data):
        codes = qr.read(data, thorough=way is not Way.QUICK, deadline=seconds)
        return Contents(_few({code.content: None for code in codes}))
    end = time.monotonic() + seconds
    found: dict[str | bytes, None] = {}
    error = None
    for thorough in {Way.QUICK: (False,), Way.SERVICE: (False, True), Way.COMMAND: (True,)}[way]:
        for number, page in enumerate(pdf.pages(data), 1):
            left = end - time.monotonic()
            if left <= 0:
                late = DecodeError(
                    "picture.late", expected=f"all pages within {seconds:g} s", found=f"{number - 1} pages"
                )
                return Contents(_few(found), late)
            try:
                found |= {code.content: None for code in qr.read(page, thorough=thorough, deadline=left)}
            except DecodeError as fault:
                if fault.code != "picture.late":
                    raise
                error = fault
        if found:
            break
    return Contents(_few(found), error)


def _few(found: dict[str | bytes, None]) -> list[str | bytes]:
    if len(found) > PICTURE_CODES:
        raise DecodeError("picture.too_many_codes", expected=f"at most {PICTURE_CODES} codes", found=f"{len(found)}")
    return list(found)


def write_answer(data: bytes, way: Way) -> bytes:
    """:func:`contents` as JSON, faults too."""
    try:
        codes, error = contents(data, way)
    except (DecodeError, MissingPart) as fault:
        return _packed([], fault)
    return _packed(codes, error)


def _packed(codes: list[str | bytes], error: DecodeError | MissingPart | None) -> bytes:
    answer: dict[str, Any] = {
        "codes": [{"text": each} if isinstance(each, str) else {"hex": each.hex()} for each in codes],
        "error": None if error is None else error.code,
    }
    return json.dumps(answer, ensure_ascii=True).encode("ascii")


def read_answer(packed: bytes) -> Contents:
    """What :func:`write_answer` wrote (promise 3).

    Raises:
        MissingPart: a reader is not installed.
        ValueError, KeyError, TypeError, AttributeError: it is no such answer.
    """
    answer = strict_json.loads(packed)
    codes = [_code(each) for each in answer["codes"][: PICTURE_CODES + 1]]
    if len(codes) > PICTURE_CODES:
        raise ValueError
    code = answer["error"]
    if code is None:
        return Contents(codes)
    if code in ("qr.extra_missing", "cli.extra_missing"):
        raise MissingPart(code)
    if code not in catalogue() or not code.startswith("picture."):
        raise ValueError
    return Contents(codes, DecodeError(code))


def _code(each: dict[str, Any]) -> str | bytes:
    text, most = (each["text"], limits.CARD_TEXT) if "text" in each else (each["hex"], 2 * limits.CARD_BYTES)
    if not isinstance(text, str) or len(text) > most:
        raise ValueError
    return text if "text" in each else bytes.fromhex(text)
