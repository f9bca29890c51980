"""The table of processes: one row for each server and worker."""

from __future__ import annotations

from sqlalchemy import Float, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Hex32, Seconds, Word

__all__ = ["ProcessRow"]


class ProcessRow(Base):
    """A server or worker, as its last heartbeat told. Times are Unix times of the database's clock.

    ``holds`` has the thumbprints of the keys that it can sign with, separated by spaces. ``certificate_ends_at`` is the
    end of the certificate that it serves with, where it has one. ``master_keys`` has the ids of the master keys that it
    holds, the one first that it encrypts under; None: an older version does not say.
    """

    __tablename__ = "processes"

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    host: Mapped[str] = mapped_column(String(80))
    version: Mapped[Word]
    started_at: Mapped[float] = mapped_column(Float(53))
    seen_at: Mapped[float] = mapped_column(Float(53), index=True)
    holds: Mapped[str] = mapped_column(Text)
    certificate_ends_at: Mapped[Seconds | None]
    master_keys: Mapped[str | None] = mapped_column(Text)
