"""The publication backlog: changes that are not published yet, and their age.

Promises:

1. A change waits from the commit that made it until the commit of a publication that has it: entries of status lists,
   new lists, and keys that the next timestamp denies.
2. A change that has waited for :data:`LONGEST` does not go out as verifiers are promised: /readyz says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from icard_crypto.lists import tree
from issuer.keys.models import KeyRow
from issuer.published.models import Artefact
from issuer.status.models import StatusListRow

__all__ = ["LONGEST", "Backlog", "backlog"]

#: Seconds; a worker that lives publishes within a few.
LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many lists and keys wait, and the age of the oldest of them in seconds."""

    waiting: int
    oldest: int


def backlog(session: Session, now: int) -> Backlog:
    """What waits at ``now``, Unix time."""
    behind = or_(StatusListRow.published_iat.is_(None), StatusListRow.published_changes != StatusListRow.changes)
    since = func.coalesce(StatusListRow.waiting_since, StatusListRow.created_at)
    lists = session.execute(
        select(func.count(), func.min(since)).where(behind, StatusListRow.retired_at.is_(None))
    ).one()
    stamp = select(func.max(Artefact.iat)).where(Artefact.path == tree.TIMESTAMP).scalar_subquery()
    # Without a timestamp there is no domain here that could deny anything.
    denied = session.execute(
        select(func.count(), func.min(KeyRow.revoked_at)).where(
            KeyRow.revoked_kind == "compromised", KeyRow.revoked_at > stamp
        )
    ).one()
    oldest = min((at for at in (lists[1], denied[1]) if at is not None), default=now)
    return Backlog(lists[0] + denied[0], max(0, now - oldest))
