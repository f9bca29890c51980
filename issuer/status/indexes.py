"""Indexes of status lists: each is given once, in an order that outsiders can't predict.

Promises:

1. An index comes from a counter in the list's row, which is locked while it is counted on, through the list's secret
   permutation; a unique constraint on (list, index) is behind both.
2. A list is full at 90 % of its capacity: the rest keeps the last indexes from being guessed.
3. The next list is made when half of the open one is used, and its first index is given only after it was published
   empty. The first list of all is the exception: before it, nobody had anything to fetch.
4. Names are random and never recur: a list's row is never deleted and its name is unique.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import Unavailable
from issuer.vault.at_rest import AtRest, Place

from .models import StatusListRow
from .permutation import KEY_LENGTH, Permutation

__all__ = ["Slot", "StatusLists", "changed", "limit"]

#: Four characters: with it the reference card stays a code of version 12. Sixteen million names for lists of 65,536.
_NAME_BYTES: Final = 3


def limit(capacity: int) -> int:
    """How many indexes of a list are given (promise 2)."""
    return max(1, capacity * 9 // 10)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a status list."""

    name: str
    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class StatusLists:
    """The lists of one issuer.

    Args:
        prefix: what their uris begin with, with its final slash.
        capacity: entries of a new list.
    """

    at_rest: AtRest
    prefix: str
    capacity: int

    def take(self, session: Session, count: int, now: int) -> list[Slot]:
        """Reserve ``count`` indexes, across lists where need be. The open list's row stays locked until the commit.

        Raises:
            Unavailable: ``list.not_published``: the next list has not been published yet.
        """
        slots: list[Slot] = []
        while len(slots) < count:
            row = self._open_row(session, now)
            permute = self._permutation(row)
            end = min(limit(row.capacity), row.used + count - len(slots))
            slots += [Slot(row.name, row.uri, permute(number)) for number in range(row.used, end)]
            row.used = end
            if row.used >= limit(row.capacity):
                row.state = "full"
            if row.used * 2 >= limit(row.capacity):
                self._ahead(session, 1, now)
            session.flush()
        return slots

    def ahead(self, session: Session, indexes: int, now: int) -> int:
        """Make standby lists until ``indexes`` more indexes have room, and return how many were made."""
        row = session.scalars(
            select(StatusListRow).where(StatusListRow.state == "open").with_for_update()
        ).one_or_none()
        room = limit(row.capacity) - row.used if row is not None else 0
        lists = -(-max(0, indexes - room) // limit(self.capacity))
        return self._ahead(session, lists, now)

    def create(self, session: Session, state: Literal["open", "standby"], now: int) -> StatusListRow:
        """A new list with a name never used before."""
        name = secrets.token_urlsafe(_NAME_BYTES)
        while session.get(StatusListRow, name) is not None:
            name = secrets.token_urlsafe(_NAME_BYTES)
        row = StatusListRow(
            name=name,
            uri=self.prefix + name,
            capacity=self.capacity,
            used=0,
            state=state,
            permutation=self.at_rest.seal(_place(name), os.urandom(KEY_LENGTH)),
            changes=0,
            created_at=now,
            opened_at=now if state == "open" else None,
        )
        session.add(row)
        session.flush()
        return row

    def _open_row(self, session: Session, now: int) -> StatusListRow:
        query = select(StatusListRow).where(StatusListRow.state == "open").with_for_update()
        query = query.execution_options(populate_existing=True)
        row = session.scalars(query).one_or_none()
        if row is not None:
            return row
        # None is open, or another transaction has just filled it and this statement's snapshot does not show the next.
        # The oldest list's row is the lock for opening one; with it in hand a new statement sees what was committed.
        oldest = select(StatusListRow).order_by(StatusListRow.created_at, StatusListRow.name).limit(1)
        session.scalars(oldest.with_for_update()).one()
        row = session.scalars(query).one_or_none()
        if row is not None:
            return row
        published = StatusListRow.state == "standby", StatusListRow.published_at.is_not(None)
        row = session.scalars(
            select(StatusListRow).where(*published).order_by(StatusListRow.created_at, StatusListRow.name).limit(1)
        ).one_or_none()
        if row is None:
            raise Unavailable("list.not_published")
        row.state, row.opened_at = "open", now
        session.flush()
        return row

    def _permutation(self, row: StatusListRow) -> Permutation:
        return Permutation(self.at_rest.open(_place(row.name), row.permutation), row.capacity)

    def _ahead(self, session: Session, lists: int, now: int) -> int:
        standby = select(func.count()).select_from(StatusListRow).where(StatusListRow.state == "standby")
        missing = max(0, lists - (session.scalar(standby) or 0))
        for _ in range(missing):
            self.create(session, "standby", now)
        return missing


def changed(session: Session, names: set[str], now: int) -> None:
    """Tell the publisher that entries of these lists changed at ``now``, Unix time; rows are locked in the order of
    their names."""
    since = func.coalesce(StatusListRow.waiting_since, now)
    for name in sorted(names):
        session.execute(
            update(StatusListRow)
            .where(StatusListRow.name == name)
            .values(changes=StatusListRow.changes + 1, waiting_since=since),
            execution_options={"synchronize_session": False},
        )


def _place(name: str) -> Place:
    return Place("lists", "permutation", name)
