"""Retention of accounts, sessions and counters.

Promises:

1. Sessions go when they end; counters of failures a day after the last one; invitations when they are used or over;
   known places 90 days after they were last used; ended tokens 90 days after that.
2. Nothing here is needed for anything to be refused: what is over counts as over before it is pruned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, delete, or_
from sqlalchemy.orm import Session

from icard_crypto.moments import DAY
from issuer.core import Core
from issuer.db.base import Base

from .attempts import FORGOTTEN, KNOWN_FOR
from .models import ApiToken, Invitation, KnownPlace, LoginAttempts, LoginSession

__all__ = ["Pruned", "prune"]

_KEPT: Final = 90 * DAY


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went."""

    rows: int


def prune(core: Core) -> Pruned:
    """Delete what is over."""

    def work(session: Session) -> Pruned:
        now = core.clock.now(session)
        idle = LoginSession.seen_at <= now - core.settings.session_idle
        over: list[tuple[type[Base], ColumnElement[bool]]] = [
            (LoginSession, or_(LoginSession.ends_at <= now, idle)),
            (LoginAttempts, LoginAttempts.last_at < now - FORGOTTEN),
            (KnownPlace, KnownPlace.seen_at < now - KNOWN_FOR),
            (Invitation, or_(Invitation.expires_at <= now, Invitation.used_at.is_not(None))),
            (ApiToken, or_(ApiToken.expires_at < now - _KEPT, ApiToken.revoked_at < now - _KEPT)),
        ]
        quietly = {"synchronize_session": False}
        count = 0
        for table, gone in over:
            result = session.execute(delete(table).where(gone), execution_options=quietly)
            count += max(int(getattr(result, "rowcount", 0)), 0)
        return Pruned(count)

    return core.database.transact(work, settled=lambda session: None)
