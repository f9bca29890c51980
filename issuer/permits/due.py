"""To-do lists of employers, agencies and holders for permits and applications, by due date.

Promises:

1. Each entry has its day, the rule that gives it, and whom it is about; the earliest day comes first.
2. What the authority has to do is not in it: an application's own clocks say that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of, days_after
from issuer.rules.deadlines import window
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .machines import UNDECIDED
from .models import Filing, Notification, Paper, Permit
from .parties import filings_of, permits_of
from .people import filing_name, permit_name
from .processes import FILING

__all__ = ["DueItem", "due_list"]

#: answer: a returned application; paper: one that was promised; extension: its window is open; extension_opens: it
#: opens soon; end: the window is closed and the permit ends; notification: it runs out unused.
DueKind = Literal["answer", "paper", "extension", "extension_opens", "end", "notification"]

#: Days before a window opens from which on it is listed.
_AHEAD: Final = 30
#: Entries of each kind that are looked at.
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class DueItem:
    """Something to do. ``name``: of the person; ``code``: of the material, for papers."""

    kind: DueKind
    day: date
    name: str
    region: str
    rule: Rule
    employer_id: str
    filing_id: str | None = None
    permit_id: str | None = None
    code: str | None = None


def due_list(core: Core, who: Principal, *, limit: int = 50) -> list[DueItem]:
    """What is due, the earliest day first.

    Args:
        limit: 1 to 200.

    Raises:
        NotAllowed: ``access.*``.
        Invalid: ``rules.*``.
    """
    who.require("filing.read_own")

    def look(session: Session) -> list[DueItem]:
        today, book = day_of(core.clock.now(session)), book_of(session)
        found = [
            *_answers(core, session, who, book),
            *_promised(core, session, who, book, today),
            *_notifications(core, session, who, book, today),
            *_ends(core, session, who, book, today),
        ]
        found.sort(key=lambda one: (one.day, one.kind, one.name, one.filing_id or "", one.code or ""))
        return found[: max(1, min(limit, _MOST))]

    return core.database.read(look)


def _answers(core: Core, session: Session, who: Principal, book: RuleBook) -> Iterator[DueItem]:
    own = select(Filing).where(filings_of(core, session, who), Filing.state == "RETURNED")
    for row in session.scalars(own.order_by(Filing.answer_due, Filing.id).limit(_MOST)):
        day, on = row.answer_due, row.rules_on or row.submitted_on
        if day is not None and on is not None:
            rule = book.require("deadlines", "returned", row.region, date.fromisoformat(on))
            yield _of_filing(core, session, row, "answer", date.fromisoformat(day), rule)


def _promised(core: Core, session: Session, who: Principal, book: RuleBook, today: date) -> Iterator[DueItem]:
    over = FILING.last - {"APPROVED"}
    own = select(Paper, Filing).join(Filing, Paper.filing_id == Filing.id)
    own = own.where(filings_of(core, session, who), Paper.committed_until.is_not(None), Filing.state.not_in(over))
    for paper, row in session.execute(own.order_by(Paper.committed_until, Paper.id).limit(_MOST)):
        rule = book.find("materials", paper.code, row.region, today)
        if rule is not None and row.state != "DRAFT":
            day = date.fromisoformat(paper.committed_until or "")
            yield _of_filing(core, session, row, "paper", day, rule, paper.code)


def _notifications(core: Core, session: Session, who: Principal, book: RuleBook, today: date) -> Iterator[DueItem]:
    own = select(Notification, Filing).join(Filing, Notification.filing_id == Filing.id)
    own = own.where(filings_of(core, session, who), Notification.state == "ISSUED")
    for notification, row in session.execute(own.order_by(Notification.until, Notification.id).limit(_MOST)):
        rule = book.require("deadlines", "D20", row.region, today)
        yield _of_filing(core, session, row, "notification", date.fromisoformat(notification.until), rule)


def _ends(core: Core, session: Session, who: Principal, book: RuleBook, today: date) -> Iterator[DueItem]:
    """Extensions to be filed, and permits whose window has closed."""
    longest = max(int(rule.value["opens"]) for rule in book.all("deadlines", "D06"))
    last = days_after(today, longest + _AHEAD).isoformat()
    own = select(Permit).where(permits_of(core, session, who), Permit.state == "ACTIVE", Permit.until <= last)
    rows = session.scalars(own.order_by(Permit.until, Permit.id).limit(_MOST)).all()
    query = select(Filing.permit_id).where(
        Filing.permit_id.in_([row.id for row in rows]), Filing.process == "extension", Filing.state.in_(UNDECIDED)
    )
    filed = set(session.scalars(query))
    for row in rows:
        if row.id in filed:
            continue
        end = date.fromisoformat(row.until)
        rule = book.require("deadlines", "D06", row.region, today)
        span = window(rule, end)
        kind: DueKind = "extension" if span.covers(today) else "extension_opens" if today < span.opens else "end"
        if kind == "end":
            rule = book.require("deadlines", "D10", row.region, today)
        day = {"extension": span.closes, "extension_opens": span.opens, "end": end}[kind]
        name = permit_name(core, session, row)
        yield DueItem(kind, day, name, row.region, rule, row.employer_id, permit_id=row.id)


def _of_filing(
    core: Core, session: Session, row: Filing, kind: DueKind, day: date, rule: Rule, code: str | None = None
) -> DueItem:
    name = filing_name(core, session, row)
    return DueItem(kind, day, name, row.region, rule, row.employer_id, row.id, row.permit_id, code)
