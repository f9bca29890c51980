"""Purging details from the audit, and exporting it.

Promises:

1. After a purge the chain is whole: rows, pseudonyms and hashes stay; salt and details are deleted, and an act says up
   to which row. Acts of purging and restoring keep their own details.
2. What was deleted is gone from the database's files as well: SQLite overwrites it and writes the file again, and its
   journal is emptied; PostgreSQL writes the table again. Backups and PostgreSQL's own journals are up to the operator.
3. After a kill between the deletion and the rewriting, purging again completes it.
4. An export has one JSON object a line; with details it is an act of its own, for they are personal data.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import psycopg
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from icard_crypto.moments import DAY
from issuer.acts import LOSS_NAMED, RESTORED, Actor
from issuer.db.engine import Database
from issuer.db.unit_of_work import UnitOfWork, Units

from .models import AuditDetail, AuditHead, AuditRow
from .verify import KEPT, PURGE, AuditSource, open_details, pages

__all__ = ["export", "name_loss", "purge", "purge_details", "require_age", "scrub"]

#: Keys of one statement.
_CHUNK: Final = 1000


class AuditCore(AuditSource, Units, Protocol):
    """What purging and exporting need of the core."""


def require_age(before: int, now: int, days: int) -> None:
    """Refuse a purge of what is younger than the settings allow.

    Args:
        before, now: Unix times.
        days: the setting ``audit_details_days``.

    Raises:
        StateError: ``audit.too_young``.
    """
    if before > now - days * DAY:
        raise StateError("audit.too_young", path="before", expected=f"at least {days} days ago")


def purge(core: AuditCore, before: int, actor: str, reason: str | None) -> tuple[int, int]:
    """Delete the details of all acts before a time, and scrub the files.

    Args:
        before: Unix time.

    Returns:
        How many details were deleted, and the number of the last row before that time.

    Raises:
        StateError: ``audit.not_scrubbed``: deleted, but still in the files; purge again.
    """

    def work(unit: UnitOfWork) -> tuple[int, int]:
        session = unit.session
        count, through = _purge(session, before)
        if count:
            details = {"actor": actor, "reason": reason, "before": before, "through": through, "count": count}
            unit.audit(PURGE, "audit", details)
        return count, through

    done = core.transact(Actor(actor), work, settled=lambda session: None)
    scrub(core.database)
    return done


def _purge(session: Session, before: int) -> tuple[int, int]:
    through = session.scalar(select(func.max(AuditRow.seq)).where(AuditRow.at < before)) or 0
    kept = select(AuditRow.seq).where(AuditRow.action.in_(KEPT))
    doomed = AuditDetail.seq <= through, AuditDetail.seq.not_in(kept)
    count = session.scalar(select(func.count()).select_from(AuditDetail).where(*doomed)) or 0
    if count:
        session.execute(delete(AuditDetail).where(*doomed), execution_options={"synchronize_session": False})
    return count, through


def purge_details(core: AuditCore, session: Session, subjects: Sequence[str], before: int) -> list[int]:
    """Delete the details of acts about some subjects, within a transaction whose act names them; the rows' numbers.

    Args:
        subjects: by their names as the service knows them.
        before: Unix time; younger details stay.
    """
    names = [core.at_rest.pseudonym("subject", subject) for subject in subjects]
    old = select(AuditRow.seq).join(AuditDetail, AuditDetail.seq == AuditRow.seq)
    query = old.where(AuditRow.subject.in_(names), AuditRow.at < before, AuditRow.action.not_in(KEPT))
    rows = list(session.scalars(query.order_by(AuditRow.seq)))
    for start in range(0, len(rows), _CHUNK):
        doomed = delete(AuditDetail).where(AuditDetail.seq.in_(rows[start : start + _CHUNK]))
        session.execute(doomed, execution_options={"synchronize_session": False})
    return rows


def scrub(database: Database) -> None:
    """Write again what holds deleted rows, so that the files do not hold them any more.

    Raises:
        StateError: ``audit.not_scrubbed``.
    """
    pooled = database.engine.raw_connection()
    try:
        if database.is_sqlite:
            cursor = pooled.cursor()
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            answer = cursor.fetchone()
            cursor.close()
            # The answer's first column: 1 where the journal could not be emptied.
            if answer is None or answer[0]:
                raise StateError("audit.not_scrubbed", found="a reader holds the journal")
            return
        connection = pooled.driver_connection
        if not isinstance(connection, psycopg.Connection):
            raise StateError("audit.not_scrubbed", found=type(connection).__name__)
        connection.autocommit = True
        try:
            connection.execute("VACUUM FULL")
        finally:
            connection.autocommit = False
    except (sqlite3.Error, psycopg.Error) as fault:
        raise StateError("audit.not_scrubbed", found=type(fault).__name__) from None
    finally:
        pooled.close()


def name_loss(core: AuditCore, row: int, actor: str, reason: str | None) -> None:
    """Say about the restore at ``row`` that it took place, and that what it lost is known.

    Raises:
        StateError: ``audit.no_restore``: no act of restoring is there.
    """

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        found = session.get(AuditRow, row)
        if found is None or found.action != RESTORED:
            raise StateError("audit.no_restore", path="row", found=str(row))
        unit.audit(LOSS_NAMED, "audit", {"row": row, "reason": reason})

    core.transact(Actor(actor), work)


def export(
    core: AuditCore,
    *,
    details: bool = False,
    by: str | None = None,
    actor: str | None = None,
    subject: str | None = None,
) -> Iterator[str]:
    """The audit as lines of JSON, oldest first.

    Args:
        details: with what the acts' details say; the act of exporting is then written first, in the name of ``by``.
        actor, subject: only acts of this actor, or about this subject, by their names as the service knows them.
    """
    if details:
        said = {"actor": actor, "subject": subject}
        core.transact(Actor(by or ""), lambda unit: unit.audit("audit.export", "audit", said))
    head = core.database.read(lambda session: session.get_one(AuditHead, 1).seq)
    wanted = {
        "actor": None if actor is None else core.at_rest.pseudonym("actor", actor),
        "subject": None if subject is None else core.at_rest.pseudonym("subject", subject),
    }
    for row, detail in pages(core, head):
        if any(value is not None and getattr(row, name) != value for name, value in wanted.items()):
            continue
        names = ("seq", "at", "actor", "action", "subject", "details_hash", "previous", "hash")
        line = {name: getattr(row, name) for name in names}
        if details:
            line["details"] = None if detail is None else open_details(core, row, detail)
        yield json.dumps(line, ensure_ascii=True)
