"""Admissibility of an objection: an adverse decision, in time, once, and decided by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotAllowed, NotFound
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.deadlines import due

from .clocks import calendar_of
from .ending import end_record
from .machines import LIVE
from .models import Filing, Permit, PermitEnd
from .moves import last_event
from .parties import load_filing, permits_of
from .refusals import Refusal
from .remedies import known_on
from .remedy_models import Objection

__all__ = ["Decision", "NewObjection", "decision_of", "next_number", "require_impartial", "require_in_time"]

#: Digits of an objection's number within its year.
_NUMBER: Final = 6


@dataclass(frozen=True, slots=True)
class NewObjection:
    """What is objected to, and why.

    Args:
        filing_id: a refused application, or ``permit_id``: the newest end of a permit; one of the two.
        late_reason: why it was not possible in time.
    """

    grounds: str
    filing_id: str | None = None
    permit_id: str | None = None
    late_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """An adverse decision that an objection is about."""

    region: str
    day: date
    known: date
    deciders: frozenset[str]
    filing: Filing | None
    permit: Permit | None
    end: PermitEnd | None


def decision_of(core: Core, session: Session, who: Principal, new: NewObjection) -> Decision:
    if new.filing_id is not None:
        row = load_filing(core, session, who, new.filing_id)
        event = last_event(session, row.id, "refuse")
        if row.state != "REFUSED" or event is None or row.decided_on is None:
            raise Conflict("objection.nothing", expected="a refused application", found=row.state)
        _require_first(session, Objection.filing_id == row.id)
        permit = session.get(Permit, row.permit_id) if row.permit_id is not None else None
        day = date.fromisoformat(row.decided_on)
        return Decision(row.region, day, known_on(row, day), frozenset(), row, permit, None)
    permit = session.scalar(select(Permit).where(Permit.id == new.permit_id, permits_of(core, session, who)))
    if permit is None:
        raise NotFound("permit.none")
    query = select(PermitEnd).where(PermitEnd.permit_id == permit.id).order_by(PermitEnd.number.desc()).limit(1)
    end = session.scalar(query)
    if end is None or permit.state in LIVE:
        raise Conflict("objection.nothing", expected="a permit that has ended", found=permit.state)
    _require_first(session, Objection.end_id == end.id)
    if end_record(core, end)["stay_of"] is not None:
        raise Conflict("objection.nothing", expected="no decision on an objection before")
    day = day_of(end.at)
    return Decision(permit.region, day, day, frozenset(), None, permit, end)


def _require_first(session: Session, about: ColumnElement[bool]) -> None:
    """Refuse a second objection against a decision that was upheld: the way to the court is left."""
    if session.scalar(select(Objection.id).where(about, Objection.state == "UPHELD").limit(1)) is not None:
        raise Conflict("objection.nothing", expected="no decision on an objection before")


def require_in_time(book: RuleBook, found: Decision, today: date, late_reason: str | None) -> None:
    rule = book.require("deadlines", "reconsideration", found.region, found.known)
    last = due(rule, calendar_of(book, found.region), found.known)
    latest_rule = book.require("deadlines", "reconsideration-latest", found.region, found.day)
    latest = due(latest_rule, calendar_of(book, found.region), found.day)
    if latest is not None and today > latest.day:
        raise Refusal("objection.late", latest_rule, "filing_id", f"by {latest.day}", today.isoformat()).error()
    if last is not None and today > last.day and late_reason is None:
        raise Refusal("objection.late", rule, "late_reason", f"by {last.day}", today.isoformat()).error()


def require_impartial(core: Core, session: Session, who: Principal, row: Objection) -> None:
    """Refuse who took part in the decision, or whom it is about.

    Raises:
        NotAllowed: ``filing.own``.
    """
    took_part: set[str | None] = set()
    about: str | None = None
    if row.filing_id is not None:
        filing = session.get_one(Filing, row.filing_id)
        event = last_event(session, filing.id, "refuse")
        took_part.add(event.account_id if event else None)
        about = filing.person_id
    if row.end_id is not None:
        end = session.get_one(PermitEnd, row.end_id)
        took_part |= {end.account_id, end_record(core, end).get("confirmed_by")}
    if row.permit_id is not None:
        about = session.get_one(Permit, row.permit_id).person_id
    if who.account_id in took_part or who.person_id in (about, row.person_id):
        raise NotAllowed("filing.own")


def next_number(session: Session, region: str, day: date) -> str:
    start = f"{region}-{day.year}-"
    query = select(Objection.number).where(Objection.number.like(f"{start}%")).order_by(Objection.number.desc())
    newest = session.scalar(query.limit(1))
    number = 1 if newest is None else int(newest.removeprefix(start)) + 1
    return f"{start}{number:0{_NUMBER}d}"
