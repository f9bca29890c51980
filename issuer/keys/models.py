"""The table of signing keys: at most one key of a usage is active, by the database's own constraint."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Hex64, Seconds, Word
from issuer.db.bound import Bound

__all__ = ["KeyRow"]


class KeyRow(Bound, Base):
    """A key's public part, usage and state; the private part is a file of the keystore."""

    __tablename__ = "keys"
    bound = (
        "usage",
        "algorithm",
        "public",
        "state",
        "emergency",
        "created_at",
        "published_at",
        "valid_from",
        "valid_until",
        "activated_at",
        "retired_at",
        "revoked_at",
        "revoked_kind",
    )
    __table_args__ = (
        CheckConstraint("usage in ('card', 'status', 'timestamp')", name="usage"),
        CheckConstraint("state in ('draft', 'published', 'active', 'retired', 'revoked')", name="state"),
        Index(
            "uq_keys_active",
            "usage",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    thumbprint: Mapped[Hex64] = mapped_column(primary_key=True)
    usage: Mapped[Word]
    algorithm: Mapped[Word]
    public: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[Word]
    emergency: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[Seconds]
    published_at: Mapped[Seconds | None]
    valid_from: Mapped[Seconds | None]
    valid_until: Mapped[Seconds | None]
    activated_at: Mapped[Seconds | None]
    retired_at: Mapped[Seconds | None]
    revoked_at: Mapped[Seconds | None]
    revoked_kind: Mapped[Word | None]
