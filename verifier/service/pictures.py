"""The codes in a picture, read in a child process with limits.

Promises:

1. No byte of a picture is looked at in this process; a picture that kills its reader is a problem for its own request.
2. Pictures have a queue of their own: when it is full they are 503 with Retry-After, and texts go on.
3. A picture that cannot be opened is a problem ``picture.*``, not a verdict: it shows nothing. One without a code is an
   empty list.
4. Where the system has no filter for the calls of a reader, one line of the log says so when the first picture comes.
"""

from __future__ import annotations

from typing import Final

import structlog

from verifier.runtime.http.problems import Problem

from .children import Busy, ChildPool, Late, Lost
from .limits import PICTURE_SECONDS
from .picture_contents import IS_FILTERED, Way, read_answer

__all__ = ["PictureReader"]

_log: structlog.stdlib.BoundLogger = structlog.get_logger("icard.pictures")
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
        self._looked = False

    async def codes(self, picture: bytes, *, thorough: bool) -> list[str | bytes]:
        """The contents of all codes in a picture, in reading order.

        Args:
            picture: bytes of a PNG, JPEG or WebP file.
            thorough: False makes one try only, for the frames of a camera.

        Raises:
            DecodeError: ``picture.*``: also where some codes were found, and there may be more.
            Problem: ``serve.pictures_busy``, ``serve.picture_lost``, ``serve.picture_late``.
        """
        try:
            await self._look_for_filter()
            packed = await self.pool.ask((Way.SERVICE if thorough else Way.QUICK).value + picture)
            found = read_answer(packed)
        except Busy:
            raise Problem("serve.pictures_busy", status=503, headers=_RETRY) from None
        except Late:
            raise Problem("serve.picture_late", status=422, expected=f"at most {PICTURE_SECONDS:g} s") from None
        except (Lost, ValueError, KeyError, TypeError, AttributeError):
            raise Problem("serve.picture_lost", status=500) from None
        if found.error is not None:
            raise found.error
        return found.codes

    async def _look_for_filter(self) -> None:
        # Before the first picture: afterwards a reader could be somebody else's, and lie.
        if not self._looked:
            answer = await self.pool.ask(IS_FILTERED)
            if not self._looked and answer != b"1":
                _log.warning("pictures are read without a filter of system calls")
            self._looked = True
