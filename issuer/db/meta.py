"""The row about the database itself and the row that a publisher locks, each with id 1; the times of publications."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Big, Hex32, Seconds, sealed

__all__ = ["Meta", "PublishedAt", "Publisher"]


class Meta(Base):
    """The one row about the database itself.

    ``epoch`` rises with every restore and every start that says so; it is compared with a file outside. ``newest_iat``
    is the highest time at which anything was signed. ``canary`` is sealed, so that a wrong master key shows at start.
    ``bound_at`` is when the rows that grant rights were bound (:mod:`issuer.db.bound`), None: an older version wrote
    them; ``bound_to`` is the revision of the tables up to which they are. ``place`` is a keyed hash of where the
    database lies (:mod:`issuer.recovery.place`). ``differs_at`` is since when nothing is signed because another's
    publication was met (:mod:`issuer.restore.served`). ``backup_at`` is when the newest backup was made.
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
    bound_to: Mapped[str | None] = mapped_column(String(16))
    place: Mapped[str | None] = mapped_column(String(200))
    differs_at: Mapped[Seconds | None]
    backup_at: Mapped[Seconds | None]


class Publisher(Base):
    """The one row that a publisher locks: the version and time of the newest publication."""

    __tablename__ = "publisher"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Big]
    iat: Mapped[Seconds]


class PublishedAt(Base):
    """A time at which this database published: what is served with another one is not its own. Kept for a few days."""

    __tablename__ = "published_at"

    iat: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
