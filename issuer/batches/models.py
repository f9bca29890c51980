"""The tables of lists that people work through."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

__all__ = ["Batch", "BatchChunk"]


class Batch(Bound, Base):
    """A list of one account. ``position``: chunks that are over in this state; ``ready``: rows without a refusal when
    they were looked at; ``done``: rows that were done. ``started``: sealed, when its account began to do the rows."""

    __tablename__ = "batches"
    bound = ("account_id", "kind")
    __table_args__ = (
        CheckConstraint("state in ('checking', 'ready', 'running', 'done')", name="state"),
        Index("ix_batches_account", "account_id", "id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[Word]
    state: Mapped[Word]
    total: Mapped[Big]
    position: Mapped[Big]
    ready: Mapped[Big]
    done: Mapped[Big]
    refused: Mapped[Big]
    started: Mapped[bytes | None] = sealed(nullable=True)
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds] = mapped_column(index=True)


class BatchChunk(Bound, Base):
    """Some rows of a list, and what became of each: both JSON lists, sealed. Bound is whose rows they are."""

    __tablename__ = "batch_chunks"
    bound = ("batch_id", "number")
    bound_since = "0034"
    __table_args__ = (UniqueConstraint("batch_id", "number"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    batch_id: Mapped[Hex32] = mapped_column(ForeignKey("batches.id"))
    number: Mapped[Big]
    content: Mapped[bytes] = sealed()
    outcomes: Mapped[bytes | None] = sealed(nullable=True)
