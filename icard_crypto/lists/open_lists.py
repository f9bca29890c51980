"""Which status lists are inflated in this process, and how many bytes they may take together.

A list is inflated when it is first asked for an entry. Beyond :data:`icard_crypto.limits.OPEN_STATUS_BYTES` those that
were inflated first are closed again. A list that was closed is inflated again where there is room for it, or when it
has been asked :data:`BETWEEN` times since; otherwise it answers from :mod:`.pieces`. So a client that alternates
between codes of many lists can't force a whole list to be inflated at every look-up.
"""

from __future__ import annotations

import threading
import weakref
from typing import Final, Protocol

from icard_crypto import limits

__all__ = ["BETWEEN", "OpenLists", "Openable"]

BETWEEN: Final = 512
"""Look-ups of a list that was closed until it takes the place of another again."""


class Openable(Protocol):
    """A list as :class:`OpenLists` sees it."""

    @property
    def length(self) -> int:
        """Bytes of its entries when they are inflated."""

    def close(self) -> None:
        """Forget the inflated entries."""


class OpenLists:
    """The inflated lists of a process, first inflated first; safe to use from several threads.

    Args:
        most: bytes that they may take together, beside the one that was inflated last.
    """

    def __init__(self, most: int = limits.OPEN_STATUS_BYTES) -> None:
        self._most = most
        self._lists: list[weakref.ref[Openable]] = []
        # As of the last list that was inflated: what has gone since counts until the next one.
        self._total = 0
        self._mutex = threading.Lock()

    def opened(self, status_list: Openable) -> None:
        """Note a list that was inflated, and close what is too much."""
        with self._mutex:
            here = [each for each in (ref() for ref in self._lists) if each is not None and each is not status_list]
            total = status_list.length + sum(each.length for each in here)
            while here and total > self._most:
                first = here.pop(0)
                total -= first.length
                first.close()
            self._lists = [weakref.ref(each) for each in (*here, status_list)]
            self._total = total

    def has_room(self, status_list: Openable) -> bool:
        """Whether a list can be inflated without another being closed for it."""
        return self._total + status_list.length <= self._most
