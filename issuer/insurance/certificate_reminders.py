"""Reminders before a certificate of coverage ends: with its end the schemes are due again.

Promises:

1. When is said by rows of kind ``insurance_reminders``; each reminder is sent once. Where the worker was away on its
   day the newest one that is due is sent, and the earlier ones are not sent after it.
2. What counts is the last day of all accepted certificates together: an extension that was granted moves it.
3. The person, their employers and the agencies that act for these are notified.
"""

from __future__ import annotations

import secrets
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.models import Reminder
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of, days_before
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .models import InsuranceFact
from .parties import notify_insured
from .records import Insured, load_people

__all__ = ["remind_certificates"]

_RULES: Final = "insurance_reminders"
_BY: Final = Actor("worker")
_CHUNK: Final = 500


def remind_certificates(core: Core) -> int:
    """Send what is due today; how many people were reminded."""
    sent, after = 0, ""
    while True:
        query = select(InsuranceFact.person_id).where(
            InsuranceFact.kind == "certificate", InsuranceFact.replaced_on.is_(None), InsuranceFact.person_id > after
        )
        page = query.distinct().order_by(InsuranceFact.person_id).limit(_CHUNK)
        people = core.database.read(partial(_ids, page))
        if not people:
            return sent
        for person_id in core.database.read(partial(_due, core, people)):
            sent += core.transact(_BY, partial(_remind, core, person_id))
        after = people[-1]


def _ids(query: Select[str], session: Session) -> list[str]:
    return list(session.scalars(query))


def _due(core: Core, people: list[str], session: Session) -> list[str]:
    """Of these people those whom a reminder is due for and was not sent."""
    today, book = day_of(core.clock.now(session)), book_of(session)
    found = []
    for person_id, insured in load_people(core, session, people).items():
        until = _last_day(insured, today)
        rule = None if until is None else _newest_due(book, insured, until, today)
        if until is not None and rule is not None and not _is_sent(session, person_id, rule, until):
            found.append(person_id)
    return found


def _remind(core: Core, person_id: str, unit: UnitOfWork) -> bool:
    session, now = unit.session, unit.now
    today = day_of(now)
    insured = load_people(core, session, [person_id], lock=True)[person_id]
    until = _last_day(insured, today)
    rule = None if until is None else _newest_due(book_of(session), insured, until, today)
    if until is None or rule is None or _is_sent(session, person_id, rule, until):
        return False
    session.add(
        Reminder(
            id=secrets.token_hex(16),
            subject=person_id,
            kind=rule.id,
            until=until.isoformat(),
            day=today.isoformat(),
            employer_id=None,
            created_at=now,
        )
    )
    session.flush()
    employers = [one.employer for one in insured.person.as_known(today).employments if one.ended is None]
    notify_insured(core, session, now, "insurance.certificate_ends", [person_id] * max(len(employers), 1), employers)
    unit.audit("reminder.certificate", person_id, {"reminder": rule.id})
    return True


def _last_day(insured: Insured, today: date) -> date | None:
    """The last day of all certificates together; None: there is none, or nobody works under it."""
    person = insured.person.as_known(today)
    if person.died is not None or all(one.ended is not None for one in person.employments):
        return None
    return max((one.last for one in person.certificates), default=None)


def _newest_due(book: RuleBook, insured: Insured, until: date, today: date) -> Rule | None:
    """The reminder that became due last (promise 1); None: none has, or the certificate is over."""
    if until < today:
        return None
    rules = book.effective(_RULES, insured.row.region, today)
    due = [(days_before(until, rule.value["days"]), rule) for rule in rules]
    return max((one for one in due if one[0] <= today), key=lambda one: one[0], default=(today, None))[1]


def _is_sent(session: Session, person_id: str, rule: Rule, until: date) -> bool:
    query = select(Reminder.id).where(
        Reminder.subject == person_id, Reminder.kind == rule.id, Reminder.until == until.isoformat()
    )
    return session.scalar(query) is not None
