"""What a caller of the verifier passes: the time, and what was shown.

Promises:

1. What is no moment and no code is :class:`UsageError`, with what was expected; nothing that is shown can cause it.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import Final

from icard_crypto import limits
from icard_crypto.errors import DecodeError

from .errors import UsageError

__all__ = ["LATEST", "Now", "Shown", "plain_codes", "plain_shown", "whole_seconds"]

Shown = str | bytes | bytearray | memoryview
Now = int | float | datetime.datetime

LATEST: Final = 253_402_300_800
"""The end of the year 9999 in seconds: what is beyond it was given in milliseconds, and would end every card."""


def whole_seconds(now: object) -> int:
    """Unix time from what a caller gives.

    Raises:
        UsageError: ``usage.now``.
    """
    if isinstance(now, datetime.datetime):
        if now.tzinfo is None or now.utcoffset() is None:
            raise UsageError("usage.now", path="now", expected="a datetime with a zone", found="one without")
        now = now.timestamp()
    if isinstance(now, bool) or not isinstance(now, int | float) or not math.isfinite(now):
        raise UsageError("usage.now", path="now", expected="Unix time or a datetime", found=type(now).__name__)
    if not now < LATEST:
        raise UsageError("usage.now", path="now", expected="seconds, not milliseconds", found=repr(now)[:20])
    return math.floor(now)


def plain_shown(shown: object) -> str | bytes:
    """Exactly str or bytes, so that no subclass can answer differently from one check to the next.

    Raises:
        UsageError: ``usage.shown``.
    """
    if isinstance(shown, str):
        return str.__str__(shown)
    if isinstance(shown, bytes | bytearray | memoryview):
        try:
            view = memoryview(shown)
        except ValueError:
            raise UsageError("usage.shown", path="shown", expected="bytes", found="a released memoryview") from None
        # One byte more than is ever read: the rest would be copied only to be refused for its size.
        return view.tobytes() if view.nbytes <= limits.CARD_BYTES else bytes(limits.CARD_BYTES + 1)
    raise UsageError("usage.shown", path="shown", expected="str or bytes", found=type(shown).__name__)


def plain_codes(shown: object, workers: object) -> tuple[list[str | bytes], dict[int, DecodeError]]:
    """Many codes, each as :func:`plain_shown` gives it, and by row the errors of what is none, in whose place is "".

    Raises:
        UsageError: ``usage.many``, ``usage.workers``.
    """
    if isinstance(shown, str | bytes | bytearray | memoryview | Mapping) or not isinstance(shown, Iterable):
        raise UsageError("usage.many", path="shown", expected="a list of codes", found=type(shown).__name__)
    if workers is not None and (type(workers) is not int or workers < 1):
        raise UsageError("usage.workers", path="workers", expected="a whole number from 1", found=repr(workers)[:20])
    codes: list[str | bytes] = []
    nothing: dict[int, DecodeError] = {}
    for row, code in enumerate(shown):
        try:
            codes.append(code if type(code) is str or type(code) is bytes else plain_shown(code))
        except UsageError as fault:
            nothing[row] = DecodeError("text.not_text", path=f"[{row}]", expected="str or bytes", found=fault.found)
            codes.append("")
    return codes, nothing
