"""How long data about a person are kept, by which law, and from which day on.

Promises:

1. Each category has a rule row (kind ``retention``): years, the event they run from, and whether a law requires to keep
   the data. A category without a row is kept, and said to be.
2. What is still in force is kept: a card that is not revoked, a permit that has not ended, work that goes on, an open
   application, request or account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from issuer.accounts.models import Account, Consent
from issuer.cards.models import CardRow
from issuer.core import Core
from issuer.insurance.models import InsuranceEntry, InsuranceFact, InsuredPerson, ServiceGrant
from issuer.insurance.records import load_people
from issuer.permits.machines import LIVE, UNDECIDED
from issuer.permits.models import Filing, Permit, PermitEnd
from issuer.rules.citations import source_text
from issuer.rules.days import day_of, months_after
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .models import PrivacyRequest
from .subject_rows import CATEGORIES, Category, Subject

__all__ = ["RETENTION", "Kept", "due_categories", "retention_rows"]

RETENTION: Final = "retention"


@dataclass(frozen=True, slots=True)
class Kept:
    """A category of data that stays.

    Args:
        until: the day from which on it is due; None: it is in force still, or no rule says how long.
        reason: ``law``, ``own_rule``, ``in_force``, ``no_rule``.
    """

    category: Category
    until: date | None
    reason: str
    rule: Rule | None

    def to_json(self) -> dict[str, Any]:
        """For a program or a screen."""
        return {
            "category": self.category,
            "until": None if self.until is None else self.until.isoformat(),
            "reason": self.reason,
            "source": None if self.rule is None else self.rule.source,
        }


def retention_rows(core: Core, session: Session) -> list[dict[str, Any]]:
    """What is kept how long, for everybody to read."""
    today = day_of(core.clock.now(session))
    return [
        {
            "category": rule.id,
            "text": {"en": rule.value["en"], "zh": rule.value["zh"]},
            "years": rule.value["years"],
            "law": bool(rule.value["law"]),
            "source": {"en": source_text(rule, "en"), "zh": source_text(rule, "zh")},
            "certainty": rule.certainty,
        }
        for rule in book_of(session).effective(RETENTION, NATION, today)
    ]


def due_categories(core: Core, session: Session, subject: Subject, today: date) -> tuple[list[Category], list[Kept]]:
    """The categories whose time is over, and those that stay."""
    book = book_of(session)
    due: list[Category] = []
    kept: list[Kept] = []
    for category in CATEGORIES:
        rule = book.find(RETENTION, category, NATION, today)
        event = _EVENTS[category](core, session, subject)
        if event is None:
            kept.append(Kept(category, None, "in_force", rule))
        elif rule is None:
            kept.append(Kept(category, None, "no_rule", None))
        elif (last := months_after(event, 12 * int(rule.value["years"]))) > today:
            kept.append(Kept(category, last, "law" if rule.value["law"] else "own_rule", rule))
        else:
            due.append(category)
    return due, kept


def _account_event(_core: Core, session: Session, subject: Subject) -> date | None:
    rows = session.scalars(select(Account).where(Account.id.in_(subject.accounts))).all()
    if any(row.state != "closed" for row in rows):
        return None
    return _last(day_of(row.changed_at) for row in rows)


def _card_event(_core: Core, session: Session, subject: Subject) -> date | None:
    rows = session.scalars(select(CardRow).where(CardRow.id.in_(subject.cards))).all()
    if any(row.status != "revoked" for row in rows):
        return None
    return _last(day_of(row.changed_at) for row in rows)


def _permit_event(_core: Core, session: Session, subject: Subject) -> date | None:
    filings = session.scalars(select(Filing).where(Filing.id.in_(subject.applications))).all()
    if any(row.state in UNDECIDED for row in filings):
        return None
    days = [day_of(row.changed_at) for row in filings]
    for permit_id in subject.permits:
        state = session.get_one(Permit, permit_id).state
        if state in LIVE:
            return None
        ends = session.scalars(select(PermitEnd.day).where(PermitEnd.permit_id == permit_id))
        days += [date.fromisoformat(day) for day in ends]
    return _last(days)


def _insurance_event(core: Core, session: Session, subject: Subject) -> date | None:
    row = session.get(InsuredPerson, subject.person_id)
    if row is None:
        return date.min
    insured = load_people(core, session, [subject.person_id])[subject.person_id]
    person = insured.person
    today = day_of(core.clock.now(session))
    if person.died is None and any(one.ended is None for one in person.as_known(today).employments):
        return None
    dated = [InsuranceFact.recorded_on, InsuranceEntry.recorded_on]
    days = [
        session.scalar(select(func.max(column)).where(column.class_.person_id == subject.person_id)) for column in dated
    ]
    found = [date.fromisoformat(day) for day in days if day is not None]
    return _last([*found, *([person.died] if person.died else []), day_of(row.changed_at)])


def _request_event(_core: Core, session: Session, subject: Subject) -> date | None:
    rows = session.scalars(select(PrivacyRequest).where(PrivacyRequest.person_id == subject.person_id)).all()
    if any(row.decided_at is None for row in rows):
        return None
    return _last(day_of(row.decided_at) for row in rows if row.decided_at is not None)


def _consent_event(core: Core, session: Session, subject: Subject) -> date | None:
    now = core.clock.now(session)
    rows = session.scalars(select(Consent).where(Consent.person_id == subject.person_id)).all()
    if any(row.withdrawn_at is None and row.ends_at > now for row in rows):
        return None
    grants = session.scalars(select(ServiceGrant).where(ServiceGrant.person_id == subject.person_id)).all()
    for grant in grants:
        if grant.withdrawn_at is None and session.get_one(CardRow, grant.card_id).status != "revoked":
            return None
    ended = [min(row.ends_at, row.withdrawn_at or row.ends_at) for row in rows]
    return _last(day_of(at) for at in (*ended, *(grant.withdrawn_at or grant.granted_at for grant in grants)))


def _last(days: Iterable[date]) -> date:
    """The latest of the days; the earliest day that there is where there is nothing to keep."""
    return max(days, default=date.min)


_EVENTS: Final = {
    "account": _account_event,
    "notices": _account_event,
    "card": _card_event,
    "permit": _permit_event,
    "insurance": _insurance_event,
    "consents": _consent_event,
    "requests": _request_event,
}
