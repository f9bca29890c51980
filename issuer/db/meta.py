"""The row about the database itself, and the row that a publisher locks. Each has id 1."""

from __future__ import annotations

from sqlalchemy import (
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Big, Hex32, Seconds, sealed

__all__ = ["Meta", "Publisher"]


class Meta(Base):
    """The one row about the database itself.

    ``epoch`` rises with every restore and every start that says so; it is compared with a file outside. ``newest_iat``
    is the highest time at which anything was signed. ``canary`` is sealed, so that a wrong master key shows at start.
    ``bound_at`` is when the rows that grant rights were bound (:mod:`issuer.db.bound`); None: an older version wrote
    them. ``place`` is a keyed hash of where the database lies (:mod:`issuer.recovery.place`).
    """

    __tablename__ = "meta"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    database_id: Mapped[Hex32]
    issuer: Mapped[str] = mapped_column(String(64))
    epoch: Mapped[Big]
    newest_iat: Mapped[Seconds]
    created_at: Mapped[Seconds]
    canary: Mapped[bytes] = sealed()
    bound_at: Mapped[Seconds | None]
    place: Mapped[str | None] = mapped_column(String(200))


class Publisher(Base):
    """The one row that a publisher locks: the version and time of the newest publication."""

    __tablename__ = "publisher"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Big]
    iat: Mapped[Seconds]
