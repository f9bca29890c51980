"""A queue on disk for clients that send faster than their bytes are processed, or read only after sending everything.

Promises:

1. What has come lies in a file without a name, which goes when the spool is closed or the process dies. What was taken
   out is given back once everything was.
2. One puts, one takes.
3. What the disk has no room for is not there at all: what was put before can still be taken.
"""

from __future__ import annotations

import asyncio
import tempfile
from types import TracebackType
from typing import Final

__all__ = ["Spool"]

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
        # 3: a buffer would try again to write what failed.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by __exit__
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
        """Add bytes.

        Raises:
            OSError: there is no room for them.
        """
        self._file.seek(self._written)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
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
        data = self._file.read(min(_PIECE, self._written - self._read))
        self._read += len(data)
        if self._read == self._written:
            self._file.seek(0)
            self._file.truncate()
            self._read = self._written = 0
        return data
