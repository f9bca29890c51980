"""A zlib stream of which single bytes are read without keeping what it inflates to.

The stream is inflated once and thrown away; every :data:`APART` bytes of what comes out, the state of the inflater is
kept. From there a byte further on costs the inflating of at most :data:`APART` bytes. A state takes about 40 KiB, a
twelfth of the bytes between two of them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

from icard_crypto import limits
from icard_crypto.errors import DecodeError

__all__ = ["APART", "Pieces"]

APART: Final = 512 * limits.KIB
# What an inflater is given at a time: what it leaves of it is kept with its state.
_GIVEN: Final = 16 * limits.KIB


@dataclass(frozen=True, slots=True)
class _Waypoint:
    """The inflater where so many bytes of the stream were given to it."""

    inflater: Any  # zlib._Decompress, which has no public name
    given: int


class Pieces:
    """A stream that inflates to ``length`` bytes.

    Raises:
        DecodeError: ``status.corrupt``: it inflates to more or less, or has no end.
    """

    __slots__ = ("_length", "_stream", "_waypoints")

    def __init__(self, stream: bytes, length: int) -> None:
        self._stream = stream
        self._length = length
        self._waypoints: list[_Waypoint] = []
        walk = _Walk(stream, _Waypoint(zlib.decompressobj(), 0))
        whole = True
        for start in range(0, max(length, 1), APART):
            self._waypoints.append(walk.waypoint())
            wanted = min(APART, length - start)
            whole = whole and len(walk.take(wanted)) == wanted
        # One byte more is asked for, which an end has not.
        if not whole or walk.take(1) or not walk.ended:
            raise DecodeError("status.corrupt", path="status_list.lst", expected=f"{length} bytes inflated")

    def byte(self, at: int) -> int:
        """The byte at a place from 0 to below the length.

        Raises:
            DecodeError: ``status.corrupt``: only of a stream that has changed since.
        """
        start, within = divmod(at, APART)
        found = _Walk(self._stream, self._waypoints[start]).take(within + 1)
        if len(found) <= within:
            raise DecodeError("status.corrupt", path="status_list.lst", expected=f"{self._length} bytes inflated")
        return found[within]


class _Walk:
    """Inflating from a waypoint, so many bytes at a time."""

    def __init__(self, stream: bytes, begin: _Waypoint) -> None:
        self._stream = stream
        self._inflater = begin.inflater.copy()
        self._given = begin.given

    @property
    def ended(self) -> bool:
        """Whether the end of the stream has come."""
        return bool(self._inflater.eof)

    def waypoint(self) -> _Waypoint:
        """Where it is now."""
        return _Waypoint(self._inflater.copy(), self._given)

    def take(self, count: int) -> bytes:
        """The next bytes, fewer where the stream ends or is broken."""
        out = bytearray()
        while not self._inflater.eof:
            left = self._inflater.unconsumed_tail
            given = left or self._stream[self._given : self._given + _GIVEN]
            self._given += 0 if left else len(given)
            try:
                # 0 would mean without a bound.
                part = self._inflater.decompress(given, max(count - len(out), 1))
            except zlib.error:
                break
            out += part
            if len(out) >= count or not (given or part):
                break
        return bytes(out)
