"""The tables of the audit: its head (locked last in every transaction), its rows, their details, checkpoints."""

from __future__ import annotations

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
)
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Hex64, RowNumber, Seconds, Word, sealed

__all__ = ["AuditDetail", "AuditHead", "AuditRow", "Checkpoint", "Read", "Tally"]


class AuditHead(Base):
    """The end of the chain; locked last in every transaction that appends."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Big]
    hash: Mapped[Hex64]


class AuditRow(Base):
    """One act: pseudonyms of who and what, hashes, and a MAC over the row's own under a key outside the database."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject"), Index("ix_audit_actor", "actor"))

    seq: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    at: Mapped[Seconds]
    actor: Mapped[Hex32]
    action: Mapped[Word]
    subject: Mapped[Hex32]
    details_hash: Mapped[Hex64]
    previous: Mapped[Hex64]
    hash: Mapped[Hex64]
    mac: Mapped[Hex64] = mapped_column(server_default="")


class AuditDetail(Base):
    """Salt and details of an act, sealed; the row may be purged and the chain stays whole."""

    __tablename__ = "audit_details"

    seq: Mapped[int] = mapped_column(RowNumber, ForeignKey("audit.seq"), primary_key=True, autoincrement=False)
    body: Mapped[bytes] = sealed()


class Read(Base):
    """Somebody was shown personal data: pseudonyms of who and of what; ``way`` says how. None: a list or a search."""

    __tablename__ = "reads"
    __table_args__ = (Index("ix_reads_at", "at", "id"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    at: Mapped[Seconds]
    actor: Mapped[Hex32]
    role: Mapped[Word]
    way: Mapped[Word]
    subject: Mapped[Hex32 | None]


class Tally(Base):
    """How often something happened on a day that is counted and not written down one by one."""

    __tablename__ = "tallies"

    day: Mapped[Seconds] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[Word] = mapped_column(primary_key=True)
    count: Mapped[Big]


class Checkpoint(Base):
    """A signed statement of the chain's end, also written outside and published."""

    __tablename__ = "checkpoints"

    seq: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    hash: Mapped[Hex64]
    iat: Mapped[Seconds]
    token: Mapped[bytes] = mapped_column(LargeBinary)
