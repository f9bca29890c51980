"""Retention of requests for approval.

Promise: a request that nobody confirmed in time becomes ``expired``; a decided or expired one is deleted 90 days later.
Nothing depends on it: what is over counts as over before it is pruned.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from icard_crypto.moments import DAY
from issuer.core import Core

from .engine import expire
from .models import Confirmation

__all__ = ["prune"]

_KEPT: Final = 90 * DAY


def prune(core: Core) -> None:
    """Let requests expire, and delete those that were decided long ago."""

    def work(session: Session) -> None:
        now = core.clock.now(session)
        expire(core, session, now)
        old = delete(Confirmation).where(Confirmation.decided_at < now - _KEPT)
        session.execute(old, execution_options={"synchronize_session": False})

    core.database.transact(work, settled=lambda session: None)
