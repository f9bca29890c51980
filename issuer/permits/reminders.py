"""Reminders of deadlines: permits, the window for an extension, papers of unfiled applications.

Promises:

1. When and of what people are reminded is in rows of kind ``reminders``; each reminder is sent once, also when the
   worker was away on its day: then the newest one that is due is sent, and the earlier ones are not sent after it.
2. A holder gets a notice of each; an employer and its agencies get one notice a day for all of their people.
3. Who has filed an extension is not reminded to.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from issuer.accounts.mandates import acts_for
from issuer.accounts.models import Account
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.outbox import Notice, notify
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of, days_after, days_before
from issuer.rules.deadlines import window
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .applications import filing_facts
from .machines import UNDECIDED
from .materials import usable_until
from .models import Filing, Permit, Reminder
from .papers import papers_of

__all__ = ["Reminded", "extensions_filed", "remind"]

_BY: Final = Actor("worker")
_AHEAD: Final = 90
#: Rows that are looked at together.
_CHUNK: Final = 500
_OPEN_EXTENSION: Final = (
    Filing.process == "extension",
    Filing.state.in_(UNDECIDED),
)


@dataclass(frozen=True, slots=True)
class Reminded:
    """How many reminders a turn sent."""

    permits: int = 0
    digests: int = 0
    papers: int = 0

    @property
    def anything(self) -> bool:
        """Whether it sent any."""
        return any(astuple(self))


def remind(core: Core) -> Reminded:
    """Send what is due today."""
    permits = sum(_remind_permit(core, one) for one in core.database.read(lambda session: _due_permits(core, session)))
    digests = sum(_digest(core, one) for one in core.database.read(lambda session: _undigested(core, session)))
    papers = sum(_remind_papers(core, one) for one in core.database.read(_unfiled))
    return Reminded(permits, digests, papers)


def _due_permits(core: Core, session: Session) -> list[str]:
    """The permits that a reminder is due for, by single columns: :func:`_remind_permit` decides by the whole row."""
    today, book = day_of(core.clock.now(session)), book_of(session)
    most = max([_AHEAD, *(rule.value["days"] or 0 for rule in book.all("reminders"))])
    near = Permit.state == "ACTIVE", Permit.until >= _iso(today), Permit.until <= _iso(days_after(today, most))
    found: list[str] = []
    newest = functools.cache(lambda region, until: _newest_due(book, region, until, today))
    query = select(Permit.id, Permit.region, Permit.until).where(*near).order_by(Permit.until)
    for rows in session.execute(query).partitions(_CHUNK):
        ids = [row.id for row in rows]
        known = select(Reminder.subject, Reminder.kind, Reminder.until).where(Reminder.subject.in_(ids))
        sent = {(subject, kind, until) for subject, kind, until in session.execute(known)}
        filed = extensions_filed(session, ids)
        for row in rows:
            rule = newest(row.region, row.until)
            if rule is not None and (row.id, rule.id, row.until) not in sent and row.id not in filed:
                found.append(row.id)
    return found


def _remind_permit(core: Core, permit_id: str) -> bool:
    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        row = session.get_one(Permit, permit_id, with_for_update=True)
        today = day_of(now)
        rule = _newest_due(book_of(session), row.region, row.until, today)
        if rule is None or row.state != "ACTIVE" or extensions_filed(session, [row.id]):
            return False
        if _is_sent(session, row.id, rule.id, row.until):
            return False
        _note(session, now, row.id, rule.id, row.until, today, row.employer_id)
        holds = select(Account.id).where(Account.person_id == row.person_id, Account.role == "holder", Account.in_use())
        notices = [Notice(rule.value["notice"], account, {"permit": row.id}) for account in session.scalars(holds)]
        notify(core, session, now, notices)
        unit.audit("reminder.permit", row.id, {"reminder": rule.id})
        return True

    return core.transact(_BY, work)


def _newest_due(book: RuleBook, region: str, until: str, today: date) -> Rule | None:
    """The reminder of a permit, by its region and last day, that became due last (promise 1)."""
    due = [(day, rule) for day, rule in _days(book, region, date.fromisoformat(until), today) if day <= today]
    return max(due, key=lambda one: one[0])[1] if due else None


def _is_sent(session: Session, subject: str, kind: str, until: str) -> bool:
    query = select(Reminder.id).where(Reminder.subject == subject, Reminder.kind == kind, Reminder.until == until)
    return session.scalar(query) is not None


def _days(book: RuleBook, region: str, until: date, today: date) -> list[tuple[date, Rule]]:
    """The day of each reminder of a permit."""
    found = []
    for rule in book.effective("reminders", region, today):
        if rule.id == "paper":
            continue
        if rule.value["days"] is None:
            found.append((window(book.require("deadlines", "D06", region, today), until).opens, rule))
        else:
            found.append((days_before(until, rule.value["days"]), rule))
    return found


def _undigested(core: Core, session: Session) -> Sequence[str]:
    """The employers about whose people reminders were sent today, and who got no digest."""
    today = day_of(core.clock.now(session)).isoformat()
    sent = select(Reminder.subject).where(Reminder.kind == "digest", Reminder.until == today).scalar_subquery()
    query = select(Reminder.employer_id).where(Reminder.day == today, Reminder.employer_id.is_not(None))
    found = session.scalars(query.where(Reminder.employer_id.not_in(sent)).distinct()).all()
    return sorted(one for one in found if one is not None)


def _digest(core: Core, employer_id: str) -> bool:
    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        today = day_of(now)
        if _is_sent(session, employer_id, "digest", today.isoformat()):
            return False
        _note(session, now, employer_id, "digest", today.isoformat(), today, None)
        accounts = session.scalars(select(Account.id).where(_acts_for(employer_id, now)).order_by(Account.id)).all()
        notify(core, session, now, [Notice("reminder.digest", one, {"employer": employer_id}) for one in accounts])
        unit.audit("reminder.digest", employer_id)
        return True

    return core.transact(_BY, work)


def _unfiled(session: Session) -> Sequence[str]:
    query = select(Filing.id).where(Filing.state.in_(("DRAFT", "RETURNED"))).order_by(Filing.id)
    return session.scalars(query).all()


def _remind_papers(core: Core, filing_id: str) -> int:
    """Remind the applicant of papers that run out soon, or before the application's own deadline; how many."""

    def look(session: Session) -> list[tuple[str, str]]:
        row = session.get_one(Filing, filing_id)
        return _running_out(core, session, row)

    if not core.database.read(look):
        return 0

    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        row = session.get_one(Filing, filing_id, with_for_update=True)
        today = day_of(now)
        found = _running_out(core, session, row) if row.state in ("DRAFT", "RETURNED") else []
        if not found:
            return 0
        for code, until in found:
            _note(session, now, f"{row.id}:{code}", "paper", until, today, None)
        accounts = session.scalars(select(Account.id).where(_files(row, now)).order_by(Account.id)).all()
        notify(core, session, now, [Notice("reminder.paper", one, {"filing": row.id}) for one in accounts])
        codes = [code for code, _ in found]
        unit.audit("reminder.paper", row.id, {"papers": codes})
        return len(found)

    return core.transact(_BY, work)


def _running_out(core: Core, session: Session, row: Filing) -> list[tuple[str, str]]:
    """Codes of papers with the last days on which they may be used, where that is too soon and was not reminded of."""
    book, today = book_of(session), day_of(core.clock.now(session))
    rule = book.find("reminders", "paper", row.region, today)
    if rule is None:
        return []
    facts = filing_facts(core, session, row)
    limit = max(filter(None, (days_after(today, rule.value["days"]), _deadline(book, session, row, today))))
    found = []
    for paper, content, _ in papers_of(core, session, row.id):
        last = content.issued and usable_until(book, paper.code, row.region, content.issued, facts.day)
        if not last or not today <= last[0] <= limit:
            continue
        if not _is_sent(session, f"{row.id}:{paper.code}", "paper", _iso(last[0])):
            found.append((paper.code, _iso(last[0])))
    return found


def _deadline(book: RuleBook, session: Session, row: Filing, today: date) -> date | None:
    """By when an application that is not filed has to be: the end of the extension's window, the answer to a return."""
    if row.answer_due is not None and row.state == "RETURNED":
        return date.fromisoformat(row.answer_due)
    permit = session.get(Permit, row.permit_id) if row.process == "extension" and row.permit_id else None
    if permit is None:
        return None
    return window(book.require("deadlines", "D06", row.region, today), date.fromisoformat(permit.until)).closes


def extensions_filed(session: Session, permit_ids: Sequence[str]) -> set[str]:
    """Which of these permits have an extension that is filed and not decided."""
    query = select(Filing.permit_id).where(Filing.permit_id.in_(permit_ids), *_OPEN_EXTENSION)
    return {one for one in session.scalars(query) if one is not None}


def _acts_for(employer_id: str, now: int) -> ColumnElement[bool]:
    """The accounts of an employer, and of the agencies that act for it now."""
    employs = and_(Account.organisation_id == employer_id, Account.role == "employer")
    return and_(Account.in_use(), or_(employs, acts_for(employer_id, now)))


def _files(row: Filing, now: int) -> ColumnElement[bool]:
    """The accounts that file an application: of its person, of the agency while it acts, or of the employer."""
    if row.filer == "person":
        return and_(Account.in_use(), Account.person_id == row.person_id, Account.role == "holder")
    if row.agency_id is None:
        return and_(
            Account.in_use(),
            Account.organisation_id == row.employer_id,
            Account.role == "employer",
        )
    return and_(_acts_for(row.employer_id, now), Account.organisation_id == row.agency_id)


def _note(
    session: Session, now: int, subject: str, kind: str, until: str, today: date, employer_id: str | None
) -> None:
    session.add(
        Reminder(
            id=secrets.token_hex(16),
            subject=subject,
            kind=kind,
            until=until,
            day=_iso(today),
            employer_id=employer_id,
            created_at=now,
        )
    )
    session.flush()


def _iso(day: date) -> str:
    return day.isoformat()
