"""What the findings about people add up to today, kept in memory until something that they were made of changes.

Promises:

1. What is kept of a person is what a report of the day says now. It is of one state of the person's record and books
   (``InsuredPerson.changes``), of one revision of the permit, of one day and of one rule book; with any other it is not
   found, and is computed again.
2. That a person changed is noted in the transaction that writes the change: it is seen with what was written, by every
   process, or not at all.
3. Memory is bounded: nothing is kept but sums under ids, of :data:`MOST` people at most. Those who were not asked for
   longest make room, and on a new day or after a change of the rules nothing is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from datetime import date
from itertools import islice
from typing import Final, NamedTuple, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Table, update
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.db.engine import Database
from issuer.rules.book import RuleBook

from .models import InsuredPerson
from .region_report import Key, Sums

__all__ = ["MOST", "KeptSums", "Version", "kept_sums", "note_changes"]

#: People whose sums are kept; about a kilobyte and a half each.
MOST: Final = 20_000
#: People of one statement; SQLite takes 32,766 values.
_CHUNK: Final = 1000


class Version(NamedTuple):
    """The state of what reports about a person are made of. ``permit``: its revision; None: there is none."""

    changes: int
    permit: int | None


class KeptSums:
    """The sums of people for one day by one rule book. Thread-safe."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._of: tuple[RuleBook, date] | None = None
        #: In the order in which they were asked for last.
        self._kept: dict[str, tuple[Version, Sums]] = {}
        #: One object for each key: an employer's people share it.
        self._keys: dict[Key, Key] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, book: RuleBook, day: date, people: Mapping[str, Version]) -> dict[str, Sums]:
        """The sums of those people of whom these are kept, for their versions."""
        found: dict[str, Sums] = {}
        with self._lock:
            self._turn_to(book, day)
            for person_id, version in people.items():
                kept = self._kept.pop(person_id, None)
                if kept is not None and kept[0] == version:
                    self._kept[person_id] = kept
                    found[person_id] = kept[1]
        return found

    def keep(self, book: RuleBook, day: date, people: Mapping[str, Version], sums: Mapping[str, Sums]) -> None:
        """Keep sums of people that were made after these versions were read."""
        with self._lock:
            self._turn_to(book, day)
            for person_id, own in sums.items():
                shared = {self._keys.setdefault(key, key): row for key, row in own.items()}
                self._kept.pop(person_id, None)
                self._kept[person_id] = people[person_id], shared
            for person_id in list(islice(self._kept, max(0, len(self._kept) - self.most))):
                del self._kept[person_id]

    def _turn_to(self, book: RuleBook, day: date) -> None:
        # The book of a service is the same object until a rule is added or ended.
        if self._of is None or self._of[0] is not book or self._of[1] != day:
            self._of = book, day
            self._kept.clear()
            self._keys.clear()


def kept_sums(core: Core) -> KeptSums:
    """What this process keeps of a service."""
    with _LOCK:
        return _KEPT.setdefault(core.database, KeptSums())


_LOCK: Final = threading.Lock()
_KEPT: Final[WeakKeyDictionary[Database, KeptSums]] = WeakKeyDictionary()


def note_changes(session: Session, people: Collection[str]) -> None:
    """Note that what reports about people are made of is written in this transaction: their record or their books."""
    table = cast("Table", InsuredPerson.__table__)
    # Counted by the database: two transactions that note a change at once leave two.
    raised = update(table).values(changes=table.c.changes + 1)
    ordered = sorted(people)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        session.connection().execute(raised.where(table.c.person_id.in_(chunk)))
