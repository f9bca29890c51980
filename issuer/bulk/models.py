"""The tables of bulk runs: how far each is, and the rows it refused."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Hex64, RowNumber, Seconds, Word

__all__ = ["BulkRefusal", "BulkRun"]


class BulkRun(Base):
    """A bulk run and how far it is; the file is known by its hash, so that a run is taken up again."""

    __tablename__ = "bulk_runs"
    __table_args__ = (
        CheckConstraint("state in ('running', 'done')", name="state"),
        UniqueConstraint("kind", "source"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    source: Mapped[Hex64]
    state: Mapped[Word]
    position: Mapped[Big]
    done: Mapped[Big]
    refused: Mapped[Big]
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class BulkRefusal(Base):
    """A row of a bulk file that was refused: its number and the error; never its content.

    ``also``: the other faults of the row, a JSON list of objects with ``code``, ``path``, ``expected`` and ``found``.
    """

    __tablename__ = "bulk_refusals"

    run_id: Mapped[Hex32] = mapped_column(ForeignKey("bulk_runs.id"), primary_key=True)
    row: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(80))
    path: Mapped[str | None] = mapped_column(String(200))
    expected: Mapped[str | None] = mapped_column(String(200))
    found: Mapped[str | None] = mapped_column(String(200))
    also: Mapped[str | None] = mapped_column(Text)
