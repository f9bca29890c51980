"""How long the refused rows of bulk runs are kept.

Promise: the refusals of a run that ended ``idempotency_days`` ago are deleted. The run itself stays, with its counts,
so that the same file is not done again.
"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.moments import DAY
from issuer.core import Core

from .models import BulkRefusal, BulkRun

__all__ = ["prune"]


def prune(core: Core) -> None:
    """Delete the refusals of runs that ended long ago."""

    def work(session: Session) -> None:
        before = core.clock.now(session) - core.settings.idempotency_days * DAY
        ended = select(BulkRun.id).where(BulkRun.state == "done", BulkRun.changed_at < before)
        old = delete(BulkRefusal).where(BulkRefusal.run_id.in_(ended))
        session.execute(old, execution_options={"synchronize_session": False})

    core.database.transact(work, settled=lambda session: None)
