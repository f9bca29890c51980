"""How much one person may ask about their own data: each request notifies everybody who may decide on it.

Promise: a person has a bounded number of requests that wait, and of those withdrawn within a day.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Unavailable
from icard_crypto.moments import DAY

from .models import PrivacyRequest

__all__ = ["refuse_flood"]

MOST_OPEN: Final = 10
MOST_WITHDRAWN: Final = 5


def refuse_flood(session: Session, person_id: str, now: int) -> None:
    """Refuse a person who has asked for too much.

    Raises:
        Conflict: ``privacy.too_many``.
        Unavailable: ``privacy.too_often``.
    """
    own = select(PrivacyRequest.id).where(PrivacyRequest.person_id == person_id)
    waiting = own.where(PrivacyRequest.state == "received").limit(MOST_OPEN)
    if len(session.scalars(waiting).all()) >= MOST_OPEN:
        raise Conflict("privacy.too_many", expected=f"at most {MOST_OPEN} open requests")
    withdrawn = own.where(PrivacyRequest.state == "withdrawn", PrivacyRequest.decided_at > now - DAY)
    if len(session.scalars(withdrawn.limit(MOST_WITHDRAWN)).all()) >= MOST_WITHDRAWN:
        raise Unavailable("privacy.too_often", expected=f"at most {MOST_WITHDRAWN} withdrawn within a day")
