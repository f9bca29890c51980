"""Notifications of a first entry that are out at the switch and not used yet: carried over with their last day.

Promises:

1. The permit is granted under the number that the notification has, for the person and on the terms of the row; it is
   in force after the entry, and no card is made before.
2. The notification gets a token of its own: the applicant downloads it here, and it activates the permit as any other
   does, once, until the day that it had, after a check of the person. Whoever has entered meanwhile is activated with
   that day.
3. A row is taken only where a card could be made of it, and where neither person nor number has a permit here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid
from issuer import cards
from issuer.core import Core
from issuer.permits.models import Filing, Permit
from issuer.permits.moves import move
from issuer.permits.notifications import add_notification
from issuer.permits.records import FilingRecord
from issuer.permits.terms import NewTerm, card_of, grant

__all__ = ["REQUIRED", "carry_notification", "require_usable"]

_NUMBER: Final = re.compile("[0-9]{18}")
#: What a row of a notification has beside what every first application has.
REQUIRED: Final = ("number", "decided_on", "usable_until", "post", "category", "first", "until")


def require_usable(number: str, decided: date, usable_until: date, record: FilingRecord, today: date) -> None:
    """Refuse a notification that has no number of a permit, is over, or lasts longer than the permit.

    Raises:
        Invalid: ``filing.field``, ``filing.order``.
        Conflict: ``notification.over``.
    """
    if not _NUMBER.fullmatch(number):
        raise Invalid("filing.field", path="number", expected="18 digits")
    first, until = record.first or today, record.until or today
    if until < first:
        raise Invalid("filing.order", path="until", expected="first or later")
    if not decided <= usable_until <= until:
        raise Invalid("filing.order", path="usable_until", expected=f"{decided.isoformat()} to {until.isoformat()}")
    if usable_until < today:
        raise Conflict("notification.over", path="usable_until", found=usable_until.isoformat())


def carry_notification(
    core: Core,
    session: Session,
    now: int,
    filing: Filing,
    record: FilingRecord,
    number: str,
    usable_until: date,
    event: Mapping[str, Any],
) -> None:
    """Approve a draft as it was approved elsewhere; permit and notification follow, and the applicant gets notice.

    Raises:
        Conflict: ``permit.number_taken``, ``permit.has_one``.
        CardError: ``card.*``: no card could be made of it.
    """
    key = core.at_rest.digest("permit number", number)
    if session.scalar(select(Permit.id).where(Permit.number_key == key)) is not None:
        raise Conflict("permit.number_taken", path="number")
    if session.scalar(select(Permit.id).where(Permit.person_id == filing.person_id)) is not None:
        raise Conflict("permit.has_one", path="passport")
    first, until = record.first or date.min, record.until or date.min
    term = NewTerm(
        filing.employer_id, str(record.category), first, until, filing.region, "overseas", str(record.post), filing.id
    )
    permit = grant(core, session, now, str(filing.person_id), number, term)
    filing.permit_id = permit.id
    # It was handed out when it was decided.
    filing.delivered_on = filing.decided_on
    cards.check_card(core, card_of(core, session, permit))
    add_notification(core, session, now, filing, permit, usable_until)
    move(core, session, now, filing, "carry_notification", "import", None, event)
