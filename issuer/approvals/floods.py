"""A cap on one person's requests: each of them notifies everybody who may approve it.

Promise: the number of one person's open requests is bounded, and so is the number withdrawn within a day, counted over
all their accounts.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Unavailable
from icard_crypto.moments import DAY
from issuer.accounts.models import Account
from issuer.accounts.principals import Principal

from .models import Confirmation

__all__ = ["refuse_flood"]

#: Requests of one person that wait, and that he withdrew within a day: each notifies everybody who may decide.
MOST_WAITING: Final = 50
MOST_WITHDRAWN: Final = 5


def refuse_flood(session: Session, who: Principal, now: int) -> None:
    """Refuse somebody who has asked for too much, under whichever account.

    Raises:
        Unavailable: ``confirm.too_often``.
    """
    own = select(Account.id).where(Account.person_id == who.person_id)
    asked = select(Confirmation).where(Confirmation.asked_by.in_(own))
    waiting = asked.where(Confirmation.state == "waiting").limit(MOST_WAITING)
    if len(session.scalars(waiting).all()) >= MOST_WAITING:
        raise Unavailable("confirm.too_often", expected=f"at most {MOST_WAITING} requests that wait")
    withdrawn = asked.where(
        Confirmation.state == "refused", Confirmation.decided_by.in_(own), Confirmation.decided_at > now - DAY
    )
    if len(session.scalars(withdrawn.limit(MOST_WITHDRAWN)).all()) >= MOST_WITHDRAWN:
        raise Unavailable("confirm.too_often", expected=f"at most {MOST_WITHDRAWN} requests withdrawn within a day")
