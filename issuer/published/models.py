"""The table of published files."""

from __future__ import annotations

from sqlalchemy import (
    Index,
    LargeBinary,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex64, Seconds, Word

__all__ = ["Artefact"]


class Artefact(Base):
    """A published file, written in the transaction that signed it; the highest version of a path is served."""

    __tablename__ = "artefacts"
    __table_args__ = (Index("ix_artefacts_version", "version"),)

    path: Mapped[str] = mapped_column(String(200), primary_key=True)
    version: Mapped[Big] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    iat: Mapped[Seconds]
    expires_at: Mapped[Seconds | None]
    sha256: Mapped[Hex64]
    content: Mapped[bytes] = mapped_column(LargeBinary)
