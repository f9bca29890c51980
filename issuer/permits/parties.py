"""The parties of an application or a permit: who sees it, who may change its state, who is notified.

Promises:

1. An employer sees its own, an agency those that it filed by a mandate in force now, a holder those about themselves
   once they are filed, an official those of the office's region that are filed; a draft is seen by its filer alone.
   Another's and what is not there are one error.
2. Nobody handles an application about themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotAllowed, NotFound
from issuer.accounts.mandates import acts_for, clients
from issuer.accounts.models import Account, Mandate
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.notices.outbox import Notice, notify
from issuer.rules.regions import ancestors

from .models import Entry, Filing, Office, OfficeMember, Permit, PermitTerm
from .remedy_models import Objection
from .social_card_models import SocialCard

__all__ = [
    "covered",
    "employers_of",
    "filed_by",
    "filings_of",
    "load_filing",
    "load_permit",
    "nearest_office",
    "notify_filing",
    "notify_filings",
    "notify_office",
    "notify_permit",
    "objection_employer",
    "objections_of",
    "office_region",
    "party_of",
    "permits_of",
    "region_of_account",
    "require_filer",
    "require_handler",
    "require_not_oneself",
    "require_own",
    "seen_row",
]

R = TypeVar("R", Entry, SocialCard)


def office_region(session: Session, who: Principal) -> str | None:
    """The region of an official's office; None: they belong to none."""
    return region_of_account(session, who.account_id)


def region_of_account(session: Session, account_id: str) -> str | None:
    """The region of the office that an account belongs to; None: it belongs to none."""
    # As objects: what grants something is checked when it is loaded.
    member = session.get(OfficeMember, account_id)
    return None if member is None else session.get_one(Office, member.office_id).region


def covered(column: ColumnElement[str], region: str) -> ColumnElement[bool]:
    """Whether a column's region is ``region`` or lies in it."""
    prefix = region[:2] if region.endswith("0000") else region[:4] if region.endswith("00") else region
    return column.like(f"{prefix}%")


def filings_of(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    """The applications that somebody sees.

    Raises:
        NotAllowed: ``access.*``.
    """
    filed = Filing.state != "DRAFT"
    if who.role.official:
        who.require("filing.read")
        region = office_region(session, who)
        return false() if region is None else and_(filed, covered(Filing.region.expression, region))
    if not who.may("filing.file"):
        who.require("filing.read_own")
    if who.role.organisation == "employer":
        return and_(Filing.employer_id == who.organisation_id, or_(filed, Filing.filer != "person"))
    if who.role.organisation == "agency":
        mandated = clients(session, who, core.clock.now(session))
        return and_(Filing.agency_id == who.organisation_id, Filing.employer_id.in_(mandated))
    return and_(or_(filed, Filing.filer == "person"), Filing.person_id == who.person_id)


def filed_by(row: Filing) -> ColumnElement[bool]:
    """The applications of whoever files this one: of the same person, agency or employer."""
    if row.filer == "person":
        return and_(Filing.filer == "person", Filing.person_id == row.person_id)
    if row.agency_id is not None:
        return Filing.agency_id == row.agency_id
    return and_(Filing.filer == "employer", Filing.agency_id.is_(None), Filing.employer_id == row.employer_id)


def permits_of(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    """The permits that somebody sees.

    Raises:
        NotAllowed: ``access.*``.
    """
    if who.role.official:
        who.require("filing.read")
        region = office_region(session, who)
        return false() if region is None else covered(Permit.region.expression, region)
    who.require("filing.read_own")
    if who.role.organisation == "employer":
        return Permit.employer_id == who.organisation_id
    if who.role.organisation == "agency":
        return Permit.employer_id.in_(clients(session, who, core.clock.now(session)))
    return Permit.person_id == who.person_id


def employers_of(core: Core, session: Session, who: Principal) -> set[str] | None:
    """The employers whose side somebody is on; None: they see all that there is about a permit."""
    if who.role.organisation == "employer":
        return {who.organisation_id or ""}
    if who.role.organisation == "agency":
        return clients(session, who, core.clock.now(session))
    return None


def objections_of(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    """The objections that somebody sees: an official those of the office's region; an employer its own and what an
    agency lodged for it; an agency what it lodged for those whose mandate it has now; a holder those that they lodged
    and those about their permit.

    Raises:
        NotAllowed: ``access.*``.
    """
    if who.role.official:
        who.require("filing.read")
        region = office_region(session, who)
        return false() if region is None else covered(Objection.region.expression, region)
    who.require("objection.lodge")
    if who.role.organisation == "employer":
        employs = objection_employer() == who.organisation_id
        return and_(
            Objection.organisation_id.is_not(None), or_(Objection.organisation_id == who.organisation_id, employs)
        )
    if who.role.organisation == "agency":
        mandated = clients(session, who, core.clock.now(session))
        return and_(Objection.organisation_id == who.organisation_id, objection_employer().in_(mandated))
    held = select(Permit.id).where(Permit.person_id == who.person_id)
    lodged = and_(Objection.person_id == who.person_id, Objection.organisation_id.is_(None))
    return or_(lodged, Objection.permit_id.in_(held))


def objection_employer() -> ColumnElement[str]:
    """The employer whom an objection concerns: that of the refused application, or of the term that had ended."""
    filed = select(Filing.employer_id).where(Filing.id == Objection.filing_id).correlate(Objection)
    # Of that time: the permit may be another employer's by now.
    ended = select(PermitTerm.employer_id).where(
        PermitTerm.permit_id == Objection.permit_id, PermitTerm.created_at <= Objection.created_at
    )
    newest = ended.order_by(PermitTerm.number.desc()).limit(1).correlate(Objection)
    return func.coalesce(filed.scalar_subquery(), newest.scalar_subquery())


def load_filing(
    core: Core, session: Session, who: Principal, filing_id: str, *, lock: bool = False, revision: int | None = None
) -> Filing:
    """An application that somebody sees.

    Args:
        revision: the only one that a change is meant for.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
        Conflict: ``filing.changed``.
    """
    query = select(Filing).where(Filing.id == filing_id, filings_of(core, session, who))
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound("filing.none")
    if revision is not None and row.revision != revision:
        raise Conflict("filing.changed", expected=str(revision), found=str(row.revision))
    return row


def seen_row(session: Session, query: Select[R], revision: int | None, absent: NotFound, changed: Conflict) -> R:
    """The row of a query for what somebody sees; locked where a revision is named, which is the only one that a change
    is meant for.

    Args:
        absent: is raised where there is none; changed: where it has another revision.
    """
    row = session.scalar(query.with_for_update() if revision is not None else query)
    if row is None:
        raise absent
    if revision is not None and row.revision != revision:
        changed.expected, changed.found = str(revision), str(row.revision)
        raise changed
    return row


def load_permit(core: Core, session: Session, who: Principal, permit_id: str) -> Permit:
    """A permit that somebody sees.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """
    row = session.scalar(select(Permit).where(Permit.id == permit_id, permits_of(core, session, who)))
    if row is None:
        raise NotFound("permit.none")
    return row


def party_of(who: Principal) -> str:
    """The party of the state machines that somebody is."""
    if who.may("filing.decide"):
        return "officer"
    if who.may("filing.lead"):
        return "head"
    return "holder" if who.role.name == "holder" else "applicant"


def require_filer(who: Principal) -> None:
    """Refuse who files nothing: neither for an organisation nor, as a holder, about themselves.

    Raises:
        NotAllowed: ``access.*``.
    """
    if not who.may("permit.own"):
        who.require("filing.file")


def require_own(who: Principal, row: Filing) -> None:
    """Refuse who sees an application but did not file it: the holder an employer's, the employer a holder's.

    Raises:
        NotAllowed: ``filing.not_yours``.
    """
    if (row.filer == "person") != (party_of(who) == "holder"):
        raise NotAllowed("filing.not_yours")


def require_handler(who: Principal, row: Filing) -> None:
    """Refuse an official who handles an application about themselves.

    Raises:
        NotAllowed: ``filing.own``.
    """
    require_not_oneself(who, row.person_id)


def require_not_oneself(who: Principal, person_id: str | None) -> None:
    """Refuse an official who handles what is about themselves.

    Raises:
        NotAllowed: ``filing.own``.
    """
    if who.is_self(person_id):
        raise NotAllowed("filing.own")


def nearest_office(session: Session, region: str) -> Office | None:
    """The office that serves a region: its own, or the nearest above."""
    rows = {row.region: row for row in session.scalars(select(Office).where(Office.region.in_(ancestors(region))))}
    return next((rows[place] for place in ancestors(region) if place in rows), None)


def notify_office(
    core: Core,
    session: Session,
    now: int,
    kind: str,
    region: str,
    facts: Mapping[str, str],
    role: str = "permit_officer",
) -> None:
    """Notify the officials of a role in the office that serves a region."""
    office = nearest_office(session, region)
    if office is None:
        return
    query = select(Account.id).join(OfficeMember, OfficeMember.account_id == Account.id)
    there = OfficeMember.office_id == office.id, Account.role == role, Account.in_use()
    accounts = session.scalars(query.where(*there).order_by(Account.id)).all()
    notify(core, session, now, [Notice(kind, account, facts) for account in accounts])


def notify_filing(core: Core, session: Session, now: int, kind: str, row: Filing) -> None:
    """Notify whoever sees an application as their own: employer, agency, and the person it is about."""
    notify_filings(core, session, now, kind, [row])


def notify_filings(core: Core, session: Session, now: int, kind: str, rows: Sequence[Filing]) -> None:
    """As :func:`notify_filing` for up to a thousand applications, by two questions to the database."""
    agencies = {row.agency_id for row in rows if row.agency_id is not None}
    employers = {row.employer_id for row in rows}
    acting = _acting(session, now, agencies, employers) if agencies else {}
    people = {row.person_id for row in rows if row.person_id is not None}
    query = select(Account.id, Account.role, Account.organisation_id, Account.person_id).where(
        Account.in_use(),
        or_(
            and_(Account.role == "employer", Account.organisation_id.in_(employers)),
            and_(Account.role == "holder", Account.person_id.in_(people)),
        ),
    )
    found: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
    for account_id, role, organisation_id, person_id in session.execute(query.order_by(Account.id)):
        found[role, person_id if role == "holder" else organisation_id].append(account_id)
    notices = []
    for row in rows:
        told = [*found.get(("employer", row.employer_id), ()), *found.get(("holder", row.person_id), ())]
        told += sorted(acting.get((row.agency_id, row.employer_id), ()))
        notices += [Notice(kind, account_id, {"filing": row.id}) for account_id in sorted(told)]
    notify(core, session, now, notices)


def _acting(
    session: Session, now: int, agencies: Collection[str], employers: Collection[str]
) -> Mapping[tuple[str | None, str], list[str]]:
    """The accounts of these agencies that act now, by agency and employer."""
    acts = Account.organisation_id == Mandate.agency_id, Account.role == "agency"
    query = (
        select(Mandate.agency_id, Mandate.employer_id, Account.id)
        .join(Account, and_(*acts, Mandate.handled_by(Account.id.expression)))
        .where(
            Mandate.agency_id.in_(agencies),
            Mandate.employer_id.in_(employers),
            Account.in_use(),
            *Mandate.in_force(now),
        )
    )
    found: defaultdict[tuple[str | None, str], list[str]] = defaultdict(list)
    for agency, employer, account_id in session.execute(query):
        found[agency, employer].append(account_id)
    return found


def notify_permit(core: Core, session: Session, now: int, kind: str, row: Permit) -> None:
    """Notify the holder of a permit, the employer of its newest term, and the agencies that act for that one now."""
    holds = and_(Account.person_id == row.person_id, Account.role == "holder")
    employs = and_(Account.organisation_id == row.employer_id, Account.role == "employer")
    sides = or_(holds, employs, acts_for(row.employer_id, now))
    query = select(Account.id).where(Account.in_use(), sides)
    accounts = session.scalars(query.order_by(Account.id)).all()
    notify(core, session, now, [Notice(kind, account, {"permit": row.id}) for account in accounts])
