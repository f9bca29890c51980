"""Reading the audit page by page: pseudonyms and hashes, as they are in the chain.

Promises:

1. No details: those are personal data, and who opens them does so by a command on the host that writes it down
   (:func:`issuer.audit.purge.export`).
2. Pages are newest first and stay in order while acts are added: the cursor is a row's number.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.db.engine import Database

from .models import AuditRow
from .models import Checkpoint as CheckpointRow

__all__ = ["AuditEntry", "CheckpointView", "checkpoints", "entries"]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An act. ``actor`` and ``subject`` are pseudonyms, ``at`` a Unix time, hashes hexadecimal."""

    seq: int
    at: int
    actor: str
    action: str
    subject: str
    details_hash: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """A signed statement of the row ``seq`` and its hash; the file is ``audit/<seq>.cbor`` of what is published."""

    seq: int
    hash: str
    iat: int


def entries(
    database: Database,
    *,
    before: int | None = None,
    actor: str | None = None,
    subject: str | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """A page of acts.

    Args:
        before: the number of the last row of the page before.
        actor, subject: pseudonyms; only their acts, or acts about them.
    """
    query = select(AuditRow).order_by(AuditRow.seq.desc()).limit(limit)
    for column, wanted in ((AuditRow.actor, actor), (AuditRow.subject, subject)):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(AuditRow.seq < before)
    return database.read(lambda session: [_entry(row) for row in session.scalars(query)])


def checkpoints(database: Database, *, before: int | None = None, limit: int = 50) -> list[CheckpointView]:
    """A page of checkpoints.

    Args:
        before: the row number of the last checkpoint of the page before.
    """
    query = select(CheckpointRow).order_by(CheckpointRow.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(CheckpointRow.seq < before)

    def look(session: Session) -> list[CheckpointView]:
        return [CheckpointView(row.seq, row.hash, row.iat) for row in session.scalars(query)]

    return database.read(look)


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(row.seq, row.at, row.actor, row.action, row.subject, row.details_hash, row.previous, row.hash)
