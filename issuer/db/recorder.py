"""What a module below the core needs of it to record what it does: the database, the time, and the audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from issuer.acts import Act

from .engine import Database

__all__ = ["Recorder"]


class Recorder(Protocol):
    """Records acts in the transaction that they are about. :class:`issuer.core.Core` is one."""

    @property
    def database(self) -> Database: ...

    def now(self, session: Session) -> int:
        """The guarded clock: Unix time.

        Raises:
            StateError: ``clock.*``.
        """

    def audit(self, session: Session, at: int, acts: Sequence[Act], *, made: str | None = None) -> None:
        """Append acts to the audit: the last thing that a transaction does."""
