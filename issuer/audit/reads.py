"""The log of reads of personal data that holders don't see; and the daily act that chains it and the look-ups.

Promises:

1. A search, a list and an account that an administrator opens, and an auditor's page, leave a row before they are
   shown.
2. After each day an act in the chain has the hash of the day's rows, of these and of the look-ups, and counts of what
   is only counted: none of them can be changed, added or taken away afterwards without a difference.
3. A day that retention has deleted is named by an act, and is no difference. One that was closed before it was over,
   by a clock that was ahead, is closed again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final, Protocol

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from icard_crypto.encoding import cbor
from icard_crypto.moments import DAY
from issuer.acts import CLOCK_BACK, SERVICE, Actor
from issuer.db.base import Base
from issuer.db.unit_of_work import UnitOfWork, Units
from issuer.vault.at_rest import AtRest

from .models import AuditRow, Read, Tally

__all__ = ["DAY_CLOSED", "PRUNED", "close_days", "count", "day_hash", "note_read", "prune_reads", "write_read"]

DAY_CLOSED: Final = "reads.day"
PRUNED: Final = "reads.prune"
#: Columns of later versions: in the hash of a row where they have a value, so that days closed before keep theirs.
_LATER: Final[Mapping[str, frozenset[str]]] = {
    "online_lookups": frozenset({"deferral_id", "person_id", "purpose"}),
}
#: Days that are looked at for one that was not closed: a worker that was away for longer closes the rest no more.
_BACK: Final = 60


class ReadsCore(Units, Protocol):
    """What noting reads needs of the core."""

    @property
    def at_rest(self) -> AtRest: ...


def note_read(core: ReadsCore, actor: str, role: str, way: str, subject: str | None = None) -> None:
    """Write that somebody is about to be shown personal data.

    Args:
        actor: the account.
        way: how, such as ``card.search``.
        subject: the id of what is shown; None: a search, or a list.
    """
    name = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> bool:
        write_read(core.at_rest, unit.session, name, unit.now, actor, role, way, subject)
        return True

    core.transact(Actor(actor), work, settled=lambda session: True if session.get(Read, name) else None)


def write_read(
    at_rest: AtRest,
    session: Session,
    name: str,
    at: int,
    actor: str,
    role: str,
    way: str,
    subject: str | None = None,
) -> None:
    """The row of :func:`note_read`, in a transaction that writes more than it."""
    found = None if subject is None else at_rest.pseudonym("subject", subject)
    who = at_rest.pseudonym("actor", actor)
    # By the table, not as an object: that costs a third, with the database's lock in hand.
    values = {"id": name, "at": at, "actor": who, "role": role, "way": way, "subject": found}
    session.execute(insert(Base.metadata.tables[Read.__tablename__]), values)


def count(core: ReadsCore, name: str) -> None:
    """Count something of today."""

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        upsert = sqlite.insert if core.database.is_sqlite else postgresql.insert
        new = upsert(Tally).values(day=now - now % DAY, name=name, count=1)
        session.execute(new.on_conflict_do_update(index_elements=["day", "name"], set_={"count": Tally.count + 1}))

    core.transact(SERVICE, work, settled=lambda session: None)


def day_hash(session: Session, day: int) -> tuple[str, int]:
    """The hash of all rows of a day, and how many there are."""
    digest, rows = hashlib.sha256(), 0
    for table in (Base.metadata.tables[Read.__tablename__], _lookups()):
        later = _LATER.get(table.name, frozenset())
        names = sorted(column.name for column in table.columns)
        query = select(table).where(table.c.at >= day, table.c.at < day + DAY).order_by(table.c.at, table.c.id)
        for row in session.execute(query).mappings():
            first = [row[name] for name in names if name not in later]
            more = [[name, row[name]] for name in names if name in later and row[name] is not None]
            digest.update(cbor.encode([str(table.name), *first, *more]))
            rows += 1
    return digest.hexdigest(), rows


def close_days(core: ReadsCore) -> list[int]:
    """Put each day that is over into the chain; the days that were closed now, as 00:00 UTC."""

    def work(unit: UnitOfWork) -> list[int]:
        session, now = unit.session, unit.now
        today = now - now % DAY
        back = _last_back(session)
        closed = []
        for day in range(today - _BACK * DAY, today, DAY):
            subject = core.at_rest.pseudonym("subject", _subject(day))
            done = select(AuditRow.seq).where(AuditRow.subject == subject, AuditRow.action == DAY_CLOSED)
            if back is not None and day + DAY > back.at:
                done = done.where(AuditRow.seq > back.seq)
            if session.scalar(done.limit(1)) is not None:
                continue
            digest, rows = day_hash(session, day)
            tallies = {row.name: row.count for row in session.scalars(select(Tally).where(Tally.day == day))}
            if rows or tallies:
                closed.append(day)
                details = {"day": day, "rows": rows, "hash": digest, "counts": tallies}
                unit.audit(DAY_CLOSED, _subject(day), details)
        return closed

    return core.transact(SERVICE, work, settled=lambda session: None)


def prune_reads(core: ReadsCore, days: int) -> int:
    """Delete rows of days that were closed and are older than that; how many.

    Args:
        days: for which they are kept.
    """

    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        before = now - now % DAY - days * DAY
        gone = 0
        for table in (Base.metadata.tables[Read.__tablename__], _lookups()):
            gone += session.scalar(select(func.count()).select_from(table).where(table.c.at < before)) or 0
            session.execute(delete(table).where(table.c.at < before))
        session.execute(delete(Tally).where(Tally.day < before), execution_options={"synchronize_session": False})
        if gone:
            unit.audit(PRUNED, "reads", {"before": before, "rows": gone})
        return gone

    return core.transact(SERVICE, work, settled=lambda session: None)


def _last_back(session: Session) -> AuditRow | None:
    """The last time that a clock which was ahead was put right."""
    query = select(AuditRow).where(AuditRow.action == CLOCK_BACK).order_by(AuditRow.seq.desc()).limit(1)
    return session.scalars(query).one_or_none()


def _subject(day: int) -> str:
    return f"day:{day}"


def _lookups() -> Table:
    """The look-ups that holders see; their model is above this package."""
    found: Any = Base.metadata.tables["online_lookups"]
    return found  # type: ignore[no-any-return]
