"""Retention of look-ups, reads and idempotency keys.

Promises:

1. Each day's look-ups and reads are put into the chain; they are deleted when they are older than ``lookup_days``, by
   an act that says so. Requests that were taken are forgotten after ``idempotency_days``.
2. Details of acts are evidence: nothing here deletes them (:func:`issuer.audit.purge.purge`, under dual control).
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, delete

from icard_crypto.moments import DAY
from issuer.acts import SERVICE
from issuer.db.idempotency import Idempotency
from issuer.db.unit_of_work import UnitOfWork
from issuer.settings import Settings

from .reads import ReadsCore, close_days, prune_reads

__all__ = ["prune"]


class RetentionCore(ReadsCore, Protocol):
    """What pruning needs of the core."""

    @property
    def settings(self) -> Settings: ...


def prune(core: RetentionCore) -> int:
    """Close the days that are over, and delete what is old; how many rows went."""
    close_days(core)
    gone = prune_reads(core, core.settings.lookup_days)

    def work(unit: UnitOfWork) -> int:
        before = unit.now - core.settings.idempotency_days * DAY
        old = delete(Idempotency).where(Idempotency.created_at < before)
        done = unit.session.execute(old, execution_options={"synchronize_session": False})
        return cast("CursorResult[Any]", done).rowcount

    return gone + core.transact(SERVICE, work, settled=lambda session: None)
