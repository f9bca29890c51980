"""Drawn pages of uploaded files, kept in memory for whoever looks at them next.

Promises:

1. Nothing is written to disk. A page can be drawn again from its sealed file at any time: a copy at rest would be one
   more thing to encrypt, to sweep and to keep out of backups.
2. At most :data:`MOST_BYTES` are kept, and no page is given out more than :data:`SECONDS` after it was drawn; the least
   recently used pages are evicted first.
3. A file's pages can be forgotten at once. Whether somebody may see a page isn't decided here: callers look up the
   file's row before each look, so that pages of a removed file that another process still holds reach nobody.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from icard_crypto.limits import MIB

__all__ = ["MOST_BYTES", "SECONDS", "DrawnPages"]

#: About a hundred scanned pages.
MOST_BYTES: Final = 32 * MIB
SECONDS: Final = 600.0


class DrawnPages:
    """Pages as JPEG by file and number. Thread-safe.

    Args:
        most_bytes: of all pages together; a larger page isn't kept.
        seconds: for which a page is given out.
        now: a monotonic clock in seconds.
    """

    def __init__(
        self, most_bytes: int = MOST_BYTES, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._now = most_bytes, seconds, now
        self._pages: OrderedDict[tuple[str, int], tuple[float, bytes]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def find(self, file_id: str, number: int) -> bytes | None:
        """A page that was drawn before; None: it has to be drawn.

        Args:
            number: from 1.
        """
        with self._lock:
            self._evict_old()
            found = self._pages.get((file_id, number))
            if found is None:
                return None
            self._pages.move_to_end((file_id, number))
            return found[1]

    def keep(self, file_id: str, number: int, jpeg: bytes) -> None:
        """Keep a page that was just drawn."""
        if len(jpeg) > self._most:
            return
        with self._lock:
            self._evict_old()
            self._remove((file_id, number))
            while self._size + len(jpeg) > self._most:
                self._remove(next(iter(self._pages)))
            self._pages[file_id, number] = self._now(), jpeg
            self._size += len(jpeg)

    def forget(self, file_id: str) -> None:
        """Forget all pages of a file."""
        with self._lock:
            for name in [each for each in self._pages if each[0] == file_id]:
                self._remove(name)

    def _evict_old(self) -> None:
        before = self._now() - self._seconds
        for name in [each for each, (drawn_at, _) in self._pages.items() if drawn_at <= before]:
            self._remove(name)

    def _remove(self, name: tuple[str, int]) -> None:
        found = self._pages.pop(name, None)
        if found is not None:
            self._size -= len(found[1])
