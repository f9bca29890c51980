"""The table of messages about applications."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

__all__ = ["FileMessage"]


class FileMessage(Bound, Base):
    """A message: of which thread, by whom, and what; ``text`` is sealed. Never changed, never deleted by itself.

    ``side``: applicant (employer and agency) or holder: whose thread it is. ``kind``: asked by that side; answered or
    passed on by the office.
    """

    __tablename__ = "file_messages"
    bound = ("filing_id", "side", "number", "kind", "account_id", "at")
    bound_since = "0034"
    __table_args__ = (
        CheckConstraint("side in ('applicant', 'holder')", name="side"),
        CheckConstraint("kind in ('asked', 'answered', 'passed_on')", name="kind"),
        UniqueConstraint("filing_id", "side", "number"),
        Index("ix_file_messages_at", "at", "id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    filing_id: Mapped[Hex32] = mapped_column(ForeignKey("filings.id"))
    side: Mapped[Word]
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[Word]
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    text: Mapped[bytes] = sealed()
    at: Mapped[Seconds]
