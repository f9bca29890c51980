"""A holder reports having left, and files the cancellation where the employer does not or is gone.

Promises:

1. A report gives the employer and the office notice at once. It ends nothing: the permit ends by a decision.
2. The person files where the employer has ceased or its organisation was closed, and where the employer did not file
   within the time that the law gives it after the report.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.models import Organisation
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.moments import later_moment
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.deadlines import due
from issuer.rules.store import book_of

from .clocks import calendar_of
from .models import Employer, LeavingReport, Permit
from .parties import notify_office, notify_permit, permits_of
from .refusals import Refusal
from .terms import newest_term

__all__ = ["LeavingView", "leaving_of", "report_leaving", "require_employer_gone"]

_LIVE = ("ACTIVE", "EXTENDED_BY_LAW")


@dataclass(frozen=True, slots=True)
class LeavingView:
    """What the holder reported. ``employer_files_by``: after it the person may file the cancellation."""

    day: date
    employer_files_by: date | None


def report_leaving(core: Core, who: Principal, permit_id: str, day: date) -> None:
    """Report that one has left the employer of one's own permit.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
        Conflict: ``permit.reported``, ``process.move``.
        Invalid: ``filing.future``.
    """
    who.require("permit.own")

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        permit = session.scalar(
            select(Permit).where(Permit.id == permit_id, permits_of(core, session, who)).with_for_update()
        )
        if permit is None:
            raise NotFound("permit.none")
        if permit.state not in _LIVE:
            raise Conflict("process.move", path="permit", expected=" or ".join(_LIVE), found=permit.state)
        today = day_of(now)
        if day > today:
            raise Invalid("filing.future", path="day", expected=f"{today.isoformat()} or earlier")
        if _newest(session, permit) is not None:
            raise Conflict("permit.reported")
        row = LeavingReport(
            id=secrets.token_hex(16),
            permit_id=permit.id,
            day=day.isoformat(),
            account_id=who.account_id,
            created_at=later_moment(session, now, LeavingReport.created_at, LeavingReport.permit_id == permit.id),
        )
        session.add(row)
        session.flush()
        notify_permit(core, session, now, "permit.left", permit)
        notify_office(core, session, now, "permit.left", permit.region, {"permit": permit.id})
        unit.audit("permit.left", permit.id)

    core.transact(who.by(), work)


def leaving_of(session: Session, permit: Permit) -> LeavingView | None:
    """What the holder reported since the newest term began."""
    row = _newest(session, permit)
    if row is None:
        return None
    return LeavingView(date.fromisoformat(row.day), _employer_files_by(session, permit, row))


def require_employer_gone(session: Session, permit: Permit, today: date) -> None:
    """Refuse a person's own cancellation while it is the employer who has to file.

    Raises:
        PermitRefused: ``filing.employer_files``.
    """
    organisation = session.get_one(Organisation, permit.employer_id)
    employer = session.get(Employer, permit.employer_id)
    if organisation.state == "closed" or (employer is not None and employer.state in ("ceased", "merged")):
        return
    row = _newest(session, permit)
    last = None if row is None else _employer_files_by(session, permit, row)
    if last is not None and last < today:
        return
    rule = book_of(session).find("deadlines", "D09", permit.region, today)
    expected = f"after {last.isoformat()}" if last is not None else "a report that one has left"
    raise Refusal("filing.employer_files", rule, "permit_id", expected).error()


def _newest(session: Session, permit: Permit) -> LeavingReport | None:
    begun = newest_term(session, permit.id).created_at
    query = select(LeavingReport).where(LeavingReport.permit_id == permit.id, LeavingReport.created_at >= begun)
    return session.scalar(query.order_by(LeavingReport.created_at.desc(), LeavingReport.id).limit(1))


def _employer_files_by(session: Session, permit: Permit, row: LeavingReport) -> date | None:
    # The employer learns of it with the report: its days count from then, whatever day the person names.
    book, reported = book_of(session), day_of(row.created_at)
    rule = book.find("deadlines", "D09", permit.region, reported)
    last = None if rule is None else due(rule, calendar_of(book, permit.region), reported)
    return None if last is None else last.day
