"""The table of an authority's own rules: rows that it added, and ends that it gave to rows."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Hex32, Hex64, Seconds, Word
from issuer.db.bound import Bound

__all__ = ["RuleChange"]


class RuleChange(Bound, Base):
    """A row that was added, or the end of one, shipped or own; never changed, never deleted.

    ``body`` is JSON without personal data: the row as :func:`issuer.rules.rows.rule_json` writes it, for an end with
    its last day. ``name_key`` is the hash of the row's name.
    """

    __tablename__ = "rule_changes"
    bound = ("id", "body", "created_at")
    bound_since = "0017"
    __table_args__ = (CheckConstraint("act in ('add', 'end')", name="act"),)

    act: Mapped[Word] = mapped_column(primary_key=True)
    name_key: Mapped[Hex64] = mapped_column(primary_key=True)
    id: Mapped[Hex32] = mapped_column(unique=True)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Seconds]
