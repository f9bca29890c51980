"""The table of records of persons that became one."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

__all__ = ["PersonMerger"]


class PersonMerger(Bound, Base):
    """Two records that were found to be one human being's; ``record`` has what was moved, row by row, sealed.

    ``kept_id`` is the person whose record stays; ``asked_by`` and ``confirmed_by`` are the accounts of both officers.
    """

    __tablename__ = "person_mergers"
    bound = ("kept_id", "absorbed_id", "state", "asked_by", "confirmed_by", "merged_at", "split_at")
    bound_since = "0031"
    __table_args__ = (
        CheckConstraint("state in ('merged', 'split')", name="state"),
        Index("ix_person_mergers_kept", "kept_id"),
        Index("ix_person_mergers_absorbed", "absorbed_id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    kept_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    absorbed_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    state: Mapped[Word]
    asked_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    confirmed_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    record: Mapped[bytes] = sealed()
    merged_at: Mapped[Seconds]
    split_at: Mapped[Seconds | None]
