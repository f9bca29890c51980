"""Bytes from a client that sends faster than they are worked on, or that reads nothing until it has sent everything.

Promises:

1. In memory there is never more than :data:`IN_MEMORY`; the rest lies in a file without a name, which goes when the
   spool is closed or the process dies. What was taken out is given back once everything was.
2. One puts, one takes.
"""

from __future__ import annotations

import asyncio
import tempfile
from types import TracebackType
from typing import Final

__all__ = ["IN_MEMORY", "Spool"]

IN_MEMORY: Final = 1024 * 1024
_PIECE: Final = 256 * 1024


class Spool:
    """A queue of bytes; ``put`` never waits.

    Args:
        whole: nothing is given out before everything has come.

    Attributes:
        ended: nothing more will come.
        fault: why that is too early; None: it is not.
    """

    def __init__(self, *, whole: bool) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by __exit__
        self._written = self._read = 0
        self.ended = False
        self.fault: str | None = None
        self._whole = whole
        self._news = asyncio.Event()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def put(self, data: bytes) -> None:
        """Add bytes."""
        self._file.seek(self._written)
        self._file.write(data)
        self._written += len(data)
        self._news.set()

    def end(self, fault: str | None = None) -> None:
        """Nothing more will come; the code of a fault says why that is too early."""
        if not self.ended:
            self.ended, self.fault = True, fault
        self._news.set()

    async def take(self) -> bytes:
        """The next bytes, waited for; none at the end."""
        while not self.ended and (self._whole or self._read == self._written):
            self._news.clear()
            await self._news.wait()
        self._file.seek(self._read)
        data = self._file.read(_PIECE)
        self._read += len(data)
        if self._read == self._written:
            self._file.seek(0)
            self._file.truncate()
            self._read = self._written = 0
        return data
