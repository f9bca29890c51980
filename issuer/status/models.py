"""The tables of status lists: an index of a list is given once, and what a lost database gave is kept."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Name, Seconds, Small, Word, sealed

__all__ = ["LostCode", "StatusListRow"]


class StatusListRow(Base):
    """A status list. ``used`` counts the indexes given; ``changes`` rises with every entry that changes.

    The publisher compares ``changes`` with ``published_changes``; ``waiting_since`` is when the oldest change was made
    that is not published. ``published_iat`` only ever rises. ``retired_at`` is when every code of it was found to have
    ended.
    """

    __tablename__ = "lists"
    __table_args__ = (
        CheckConstraint("state in ('standby', 'open', 'full', 'closed')", name="state"),
        CheckConstraint("used >= 0 and used <= capacity", name="used"),
        Index(
            "uq_lists_open",
            "state",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    name: Mapped[Name] = mapped_column(primary_key=True)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    capacity: Mapped[Big]
    used: Mapped[Big]
    state: Mapped[Word]
    permutation: Mapped[bytes] = sealed()
    changes: Mapped[Big]
    created_at: Mapped[Seconds]
    opened_at: Mapped[Seconds | None]
    published_at: Mapped[Seconds | None]
    published_iat: Mapped[Seconds | None]
    published_changes: Mapped[Big | None]
    waiting_since: Mapped[Seconds | None]
    retired_at: Mapped[Seconds | None] = mapped_column("over_at")


class LostCode(Base):
    """An index that was given by a database which a backup replaced: nothing is known about it but its entry."""

    __tablename__ = "lost_codes"

    list_name: Mapped[Name] = mapped_column(ForeignKey("lists.name"), primary_key=True)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    value: Mapped[Small]
    created_at: Mapped[Seconds]
