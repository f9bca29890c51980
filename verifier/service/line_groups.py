"""Groups of whole lines, cut from bytes as they come.

Promises:

1. Every line, also the last without a line feed, is in exactly one group, in order; the number of a line is its place.
2. Of a line beyond its cap enough is kept that its reader sees it is too long, and no more than a piece of the spool.
3. Behind the last line that is allowed comes one group that says so, and nothing more is read. What ended the bytes
   early is reported the same way.
4. A group has no more than :data:`GROUP_LINES`, however short they are: a byte of an empty line is answered with three
   hundred.
5. A group is given out when it is large enough, and also when nothing more is there at this moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from .limits import BATCH_LINE_BYTES
from .spool import Spool

__all__ = ["GROUP", "GROUP_LINES", "Group", "groups"]

GROUP: Final = 64 * 1024
"""Bytes of a group: about 150 codes, some 15 ms of work."""
GROUP_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """Lines, or what ended them.

    Args:
        first: the number of the first line, from 1.
        count: how many.
        lines: each with its line feed.
        fault: why no more lines come; then there are none here.
    """

    first: int
    count: int
    lines: bytes = b""
    fault: str | None = None


async def groups(spool: Spool, most: int) -> AsyncIterator[Group]:
    """All lines that come out of a spool, at most so many."""
    left, first = b"", 1
    while data := await spool.take():
        data = left + data
        end = data.rfind(b"\n") + 1
        # 2
        left = data[end:][: BATCH_LINE_BYTES + 1]
        for lines in _pieces(data[:end]):
            count = lines.count(b"\n")
            allowed = most - first + 1
            if count > allowed:
                if allowed:
                    yield Group(first, allowed, b"\n".join(lines.split(b"\n")[:allowed]) + b"\n")
                yield Group(most + 1, 0, fault="serve.too_many_lines")
                return
            yield Group(first, count, lines)
            first += count
    # Where something ended the bytes, the last line may be half of one: what ended them is its answer.
    fault = spool.fault or ("serve.too_many_lines" if left and first > most else None)
    if fault is not None:
        yield Group(first, 0, fault=fault)
    elif left:
        yield Group(first, 1, left + b"\n")


def _pieces(lines: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(lines):
        end = lines.find(b"\n", at + GROUP) + 1 or len(lines)
        # 4: what is behind the last line of the group, if anything does.
        *whole, rest = lines[at:end].split(b"\n", GROUP_LINES)
        if len(whole) == GROUP_LINES:
            end -= len(rest)
        yield lines[at:end]
        at = end
