"""The codes in a picture, read in a child process with limits.

Promises:

1. No byte of a picture is looked at in this process; a picture that kills its reader is a problem for its own request.
2. Pictures have a queue of their own: when it is full they are 503 with Retry-After, and texts go on.
3. A picture that cannot be opened is a problem ``picture.*``, not a verdict: it shows nothing. One without a code is an
   empty list.
"""

from __future__ import annotations

import json
from typing import Any, Final

from icard_crypto.errors import DecodeError, catalogue
from verifier.runtime.http.problems import Problem

from .children import Busy, ChildPool, Late, Lost
from .limits import PICTURE_SECONDS

__all__ = ["PictureReader"]

_MOST_ANSWER: Final = 4 * 1024 * 1024
_RETRY: Final = {"Retry-After": "2"}


class PictureReader:
    """Reads pictures in at most ``count`` children."""

    def __init__(self, count: int) -> None:
        self.pool = ChildPool(
            "verifier.service.picture_child",
            count=count,
            waiting=4 * count,
            seconds=PICTURE_SECONDS,
            most=_MOST_ANSWER,
        )

    async def codes(self, picture: bytes, *, thorough: bool) -> list[str | bytes]:
        """The contents of all codes in a picture, in reading order.

        Args:
            picture: bytes of a PNG, JPEG or WebP file.
            thorough: False makes one try only, for the frames of a camera.

        Raises:
            DecodeError: ``picture.*``.
            Problem: ``serve.pictures_busy``, ``serve.picture_lost``, ``serve.picture_late``.
        """
        try:
            packed = await self.pool.ask((b"1" if thorough else b"0") + picture)
            return _read(json.loads(packed))
        except Busy:
            raise Problem("serve.pictures_busy", status=503, headers=_RETRY) from None
        except Late:
            raise Problem("serve.picture_late", status=422, expected=f"at most {PICTURE_SECONDS:g} s") from None
        except (Lost, ValueError, KeyError, TypeError):
            raise Problem("serve.picture_lost", status=500) from None


def _read(answer: Any) -> list[str | bytes]:
    """A child's answer; whoever took the child over may have written it."""
    if "error" in answer:
        fault = answer["error"]
        if fault["code"] not in catalogue() or not fault["code"].startswith("picture."):
            raise ValueError
        expected, found = (None if fault[name] is None else str(fault[name]) for name in ("expected", "found"))
        raise DecodeError(fault["code"], expected=expected, found=found)
    return [str(each["text"]) if "text" in each else bytes.fromhex(each["hex"]) for each in answer["codes"]]
