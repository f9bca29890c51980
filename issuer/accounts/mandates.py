"""Mandates: an agency acts for an employer from one day to another.

Promises:

1. Every mandate has an end, five years away at most, and can be ended before it by either side.
2. Only an employer's own staff give its mandates; those of another employer look as if they did not exist.
3. An agency has one mandate of an employer at a time, and an employer has a bounded number of them.
4. Of an agency, those act whom :mod:`issuer.accounts.mandate_handlers` lets act.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from icard_crypto.moments import DAY
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork

from .models import Account, Mandate, MandateHandler, Organisation
from .principals import Principal

__all__ = [
    "MandateView",
    "acts_for",
    "clients",
    "end_mandate",
    "give_mandate",
    "list_mandates",
    "seen_mandate",
    "show_mandate",
]

_LONGEST: Final = 5 * 366 * DAY
_MANAGE: Final = "mandate.manage"
#: Mandates of one employer that have not ended.
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class MandateView:
    """A mandate from ``begins_at`` until before ``ends_at``, or before ``ended_at``. Unix times."""

    mandate_id: str
    agency_id: str
    employer_id: str
    begins_at: int
    ends_at: int
    ended_at: int | None


def give_mandate(
    core: Core,
    who: Principal,
    agency_id: str,
    employer_id: str,
    begins_at: int,
    ends_at: int,
    request: Request | None = None,
) -> MandateView:
    """Let an agency act for an employer.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
        Conflict: ``mandate.exists``, ``mandate.too_many``.
        Invalid: ``mandate.period``.
    """
    who.require("mandate.give")
    if employer_id != who.organisation_id:
        raise NotFound("organisation.none", path="employer_id")
    mandate_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> MandateView:
        session, now = unit.session, unit.now
        if not (begins_at < ends_at <= begins_at + _LONGEST and now < ends_at <= now + 2 * _LONGEST):
            raise Invalid("mandate.period", path="ends_at", expected="an end to come, at most 5 years after the begin")
        for kind, organisation_id in (("agency", agency_id), ("employer", employer_id)):
            found = session.get(Organisation, organisation_id, with_for_update=True)
            if found is None or found.kind != kind or found.state != "active":
                raise NotFound("organisation.none", path=f"{kind}_id", expected=f"an active {kind}")
        given = select(Mandate).where(Mandate.employer_id == employer_id, *Mandate.not_over(now))
        live = session.scalars(given.order_by(Mandate.id).limit(_MOST)).all()
        if any(one.agency_id == agency_id and one.begins_at < ends_at and begins_at < one.ends_at for one in live):
            raise Conflict("mandate.exists", path="agency_id")
        if len(live) >= _MOST:
            raise Conflict("mandate.too_many", expected=f"at most {_MOST}")
        row = Mandate(
            id=mandate_id,
            agency_id=agency_id,
            employer_id=employer_id,
            begins_at=begins_at,
            ends_at=ends_at,
            created_at=now,
            ended_at=None,
        )
        session.add(row)
        details = {"agency": agency_id, "employer": employer_id, "begins_at": begins_at, "ends_at": ends_at}
        unit.audit("mandate.give", row.id, details)
        unit.made(row.id)
        return _view(row)

    return core.transact(who.by(), work, request=request)


def end_mandate(core: Core, who: Principal, mandate_id: str) -> None:
    """End a mandate now: by the employer, the agency, or who manages them. One that has ended is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``mandate.none``: it is not there, or not one's own.
    """
    who.require_person()
    if not who.may(_MANAGE):
        who.require("mandate.read_own")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        row = session.get(Mandate, mandate_id, with_for_update=True)
        if row is None or not (who.may(_MANAGE) or who.organisation_id in (row.employer_id, row.agency_id)):
            raise NotFound("mandate.none")
        if row.ended_at is None and row.ends_at > now:
            row.ended_at = now
            unit.audit("mandate.end", row.id)
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def list_mandates(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[MandateView]:
    """A page of mandates in the order of their ids: one's own organisation's, or all for who manages them.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.*``.
    """
    query = page_of(select(Mandate).where(_seen_by(who)), Mandate.id, after, limit)
    return core.database.read(lambda session: [_view(row) for row in session.scalars(query)])


def show_mandate(core: Core, who: Principal, mandate_id: str) -> MandateView:
    """A mandate of one's own organisation, or any for who manages them.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``mandate.none``: it is not there, or not one's own.
    """
    return core.database.read(lambda session: _view(seen_mandate(session, who, mandate_id)))


def seen_mandate(session: Session, who: Principal, mandate_id: str, *, lock: bool = False) -> Mandate:
    """The row of a mandate that somebody sees.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``mandate.none``: it is not there, or not one's own.
    """
    query = select(Mandate).where(Mandate.id == mandate_id, _seen_by(who))
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("mandate.none")
    return row


def clients(session: Session, who: Principal, now: int) -> set[str]:
    """The employers for whom somebody of an agency may act at that time."""
    query = select(Mandate).where(Mandate.agency_id == who.organisation_id, *Mandate.in_force(now))
    given = session.scalars(query).all()
    named: dict[str, set[str]] = {}
    # As objects, for who acts is decided by them: each is checked when it is loaded.
    for row in session.scalars(select(MandateHandler).where(MandateHandler.mandate_id.in_([one.id for one in given]))):
        named.setdefault(row.mandate_id, set()).update(() if row.ended_at is not None else (row.account_id,))
    return {one.employer_id for one in given if one.id not in named or who.account_id in named[one.id]}


def acts_for(employer_id: str | ColumnElement[str] | None, now: int) -> ColumnElement[bool]:
    """Whether an account acts for an employer under a mandate of its agency, for notices."""
    mandate = select(Mandate.id).where(
        Mandate.agency_id == Account.organisation_id,
        Mandate.employer_id == employer_id,
        *Mandate.in_force(now),
        Mandate.handled_by(Account.id.expression),
    )
    return and_(Account.role == "agency", mandate.exists())


def _seen_by(who: Principal) -> ColumnElement[bool]:
    if who.may(_MANAGE):
        return true()
    who.require("mandate.read_own")
    return or_(Mandate.agency_id == who.organisation_id, Mandate.employer_id == who.organisation_id)


def _view(row: Mandate) -> MandateView:
    return MandateView(row.id, row.agency_id, row.employer_id, row.begins_at, row.ends_at, row.ended_at)
