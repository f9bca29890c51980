"""The table of jobs: the state of each worker's jobs, written by its heartbeat."""

from __future__ import annotations

from sqlalchemy import Float, String
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Hex32, Word

__all__ = ["JobRow"]


class JobRow(Base):
    """A job of one worker. ``seen_at`` is the worker's last heartbeat; times are Unix times of its host's clock."""

    __tablename__ = "jobs"

    worker: Mapped[Hex32] = mapped_column(primary_key=True)
    name: Mapped[Word] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(80))
    seen_at: Mapped[float] = mapped_column(Float(53), index=True)
    budget: Mapped[float] = mapped_column(Float(53))
    running_since: Mapped[float | None] = mapped_column(Float(53))
    succeeded_at: Mapped[float | None] = mapped_column(Float(53))
    failing_since: Mapped[float | None] = mapped_column(Float(53))
    fault: Mapped[str | None] = mapped_column(String(80))
