"""Priority in the office's queue for extensions whose permits end soon.

Promises:

1. An extension that is undecided shortly before the permit's end, by the rules, is first from that day on.
2. The heads of its office get notice of it, once.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of, days_after
from issuer.rules.store import book_of

from .clocks import calendar_of
from .machines import UNDECIDED
from .models import Filing, Permit
from .parties import notify_office

__all__ = ["first_due", "put_first"]

#: Calendar days within which a number of working days lies, whatever the holidays: three for each, and a fortnight.
_SPARE: Final = 14


def first_due(session: Session, today: date, most: int) -> list[str]:
    """The extensions that are to be first from now on, by their ids."""
    book = book_of(session)
    longest = max(rule.value["number"] for rule in book.all("deadlines", "first-in-queue"))
    query = (
        select(Filing.id, Permit.region, Permit.until)
        .join(Permit, Permit.id == Filing.permit_id)
        .where(
            and_(Filing.process == "extension", Filing.state.in_(UNDECIDED), Filing.first_since.is_(None)),
            Permit.until <= days_after(today, 3 * longest + _SPARE).isoformat(),
        )
        .order_by(Permit.until, Filing.id)
        .limit(most)
    )
    found = []
    for filing_id, region, until in session.execute(query):
        rule = book.find("deadlines", "first-in-queue", region, today)
        if rule is None:
            continue
        begins = calendar_of(book, region).before(date.fromisoformat(until), rule.value["number"])
        if begins.day <= today:
            found.append(filing_id)
    return found


def put_first(core: Core, unit: UnitOfWork, filing_id: str) -> bool:
    """Put an extension first and give its office's heads notice; whether it was to be. The worker calls it."""
    session, now = unit.session, unit.now
    row = session.get_one(Filing, filing_id, with_for_update=True)
    if row.first_since is not None or row.state not in UNDECIDED:
        return False
    row.first_since = day_of(now).isoformat()
    row.revision += 1
    session.flush()
    notify_office(core, session, now, "filing.first_in_queue", row.region, {"filing": row.id}, "office_head")
    unit.audit("filing.first_in_queue", row.id)
    return True
