"""The table of requests under dual control."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Hex32, Hex64, Seconds, Word, sealed
from issuer.db.bound import Bound

__all__ = ["Confirmation"]


class Confirmation(Bound, Base):
    """An act that waits for a second person. ``arguments`` are its reason and what it needs, sealed."""

    __tablename__ = "confirmations"
    bound = ("act", "subject", "asked_by", "state", "created_at", "expires_at", "decided_by", "decided_at")
    __table_args__ = (
        CheckConstraint("state in ('waiting', 'done', 'refused', 'expired')", name="state"),
        Index(
            "uq_confirmations_waiting",
            "act",
            "subject",
            unique=True,
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_confirmations_expires", "expires_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    act: Mapped[Word]
    subject: Mapped[Hex64]
    arguments: Mapped[bytes] = sealed()
    asked_by: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    state: Mapped[Word]
    created_at: Mapped[Seconds]
    expires_at: Mapped[Seconds]
    decided_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[Seconds | None]
