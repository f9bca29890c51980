"""The table of physical social security cards."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

from .columns import DayText

__all__ = ["SocialCard"]

_LIVE: Final = "state not in ('REPLACED', 'CANCELLED', 'WITHDRAWN')"


class SocialCard(Bound, Base):
    """A physical social security card of a permit's holder; one is live at a time.

    ``account_id``: who moved it last; ``replaces``: the earlier card. ``record`` has the bank, the last four digits of
    the number, and the reason of the last move, sealed.
    """

    __tablename__ = "social_cards"
    bound = ("permit_id", "state", "replaces", "ordered_on", "created_at")
    bound_since = "0030"
    __table_args__ = (
        CheckConstraint(
            "state in ('ORDERED', 'MADE', 'NOT_ACTIVATED', 'NORMAL', 'ORAL_LOSS', 'WRITTEN_LOSS', 'FROZEN', "
            "'REPLACED', 'CANCELLED', 'WITHDRAWN')",
            name="state",
        ),
        Index("uq_social_cards_live", "permit_id", unique=True, sqlite_where=text(_LIVE), postgresql_where=text(_LIVE)),
        Index("ix_social_cards_permit", "permit_id", "created_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    permit_id: Mapped[Hex32] = mapped_column(ForeignKey("permits.id"))
    state: Mapped[Word]
    replaces: Mapped[Hex32 | None] = mapped_column(ForeignKey("social_cards.id"))
    ordered_on: Mapped[DayText]
    record: Mapped[bytes] = sealed()
    account_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    revision: Mapped[Big] = mapped_column(BigInteger)
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]
