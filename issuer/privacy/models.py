"""The table of what people ask about their own data."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

__all__ = ["PrivacyRequest"]

_DayText = Annotated[str, mapped_column(String(10))]


class PrivacyRequest(Bound, Base):
    """A person asks for a correction, a deletion or an explanation. ``body`` has the words of both sides, sealed."""

    __tablename__ = "privacy_requests"
    bound = ("person_id", "kind", "topic", "state", "due_on", "created_at", "decided_by", "decided_at")
    __table_args__ = (
        CheckConstraint("kind in ('correction', 'deletion', 'explanation')", name="kind"),
        CheckConstraint("topic in ('account', 'card', 'permit', 'insurance')", name="topic"),
        CheckConstraint("state in ('received', 'done', 'refused', 'withdrawn')", name="state"),
        Index("ix_privacy_requests_person", "person_id", "id"),
        Index("ix_privacy_requests_waiting", "topic", "state", "due_on", "id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    kind: Mapped[Word]
    topic: Mapped[Word]
    body: Mapped[bytes] = sealed()
    state: Mapped[Word]
    due_on: Mapped[_DayText]
    created_at: Mapped[Seconds]
    decided_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[Seconds | None]
    revision: Mapped[Big]
