"""Offices and who belongs to them; employers and whether they may file.

Promises:

1. An office serves its region and what lies below; an official belongs to one office.
2. An employer files once an officer of its region has verified it against its licence.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotAllowed, NotFound
from issuer.accounts.credit_codes import organisation_of_code
from issuer.accounts.fields import check_text
from issuer.accounts.models import Account, Organisation
from issuer.accounts.organisations import ReplacedCode, former_codes
from issuer.accounts.principals import Principal
from issuer.accounts.roles import role_named
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.regions import NATION, covers, is_known

from .models import Employer, Office, OfficeMember
from .parties import employers_of, office_region
from .people import organisation_record
from .processes import EMPLOYER

__all__ = [
    "EmployerCodes",
    "EmployerView",
    "NamedEmployer",
    "OfficeView",
    "create_office",
    "employer_codes",
    "employer_with_code",
    "join_office",
    "list_members",
    "list_offices",
    "move_employer",
    "name_employer",
    "office_regions",
    "show_employer",
    "show_office",
    "verify_employer",
]

_LONGEST_NAME = 200
_LONGEST_REASON = 500
_MOST_MEMBERS = 200


@dataclass(frozen=True, slots=True)
class OfficeView:
    """An office."""

    office_id: str
    region: str
    name_en: str
    name_zh: str


@dataclass(frozen=True, slots=True)
class EmployerView:
    """An employer as an officer found it. ``licence_until``: the last day of its licence, where it has one."""

    organisation_id: str
    state: str
    region: str | None
    licence_until: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class NamedEmployer:
    """An employer by its name and its unified social credit code."""

    organisation_id: str
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class EmployerCodes:
    """An employer's name, its unified social credit code, and those that it had before, the newest first."""

    organisation_id: str
    name: str
    code: str
    former: list[ReplacedCode]


def create_office(
    core: Core, who: Principal, region: str, name_en: str, name_zh: str, request: Request | None = None
) -> OfficeView:
    """Set up an office; a region has one.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``office.exists``.
        Invalid: ``filing.field``, ``account.field``.
    """
    who.require("office.manage")
    _check_region(region)
    names = check_text(name_en, "name_en", _LONGEST_NAME), check_text(name_zh, "name_zh", _LONGEST_NAME)
    office_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> OfficeView:
        session, now = unit.session, unit.now
        row = Office(id=office_id, region=region, name_en=names[0], name_zh=names[1], created_at=now)
        session.add(row)
        session.flush()
        unit.audit("office.create", row.id, {"region": region})
        unit.made(row.id)
        return _office(row)

    try:
        return core.transact(who.by(), work, request=request)
    except IntegrityError as fault:
        if "region" in str(fault.orig):
            raise Conflict("office.exists", path="region") from None
        raise


def show_office(core: Core, who: Principal, office_id: str) -> OfficeView:
    """An office.

    Raises:
        NotFound: ``office.none``.
    """

    def look(session: Session) -> OfficeView:
        row = session.get(Office, office_id)
        if row is None:
            raise NotFound("office.none")
        return _office(row)

    return core.database.read(look)


def list_offices(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[OfficeView]:
    """A page of offices in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.
    """
    query = page_of(select(Office), Office.id, after, limit)
    return core.database.read(lambda session: [_office(row) for row in session.scalars(query)])


def office_regions(core: Core) -> list[str]:
    """The regions that have an office, in the order of their codes."""
    return core.database.read(lambda session: list(session.scalars(select(Office.region).order_by(Office.region))))


def join_office(core: Core, who: Principal, office_id: str, account_id: str) -> None:
    """Say that an official belongs to an office, and to no other any more.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``office.none``; ``account.none``: no official of that id.
    """
    who.require("office.manage")

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        if session.get(Office, office_id) is None:
            raise NotFound("office.none")
        account = session.get(Account, account_id, with_for_update=True)
        if account is None or account.state == "closed" or not role_named(account.role).official:
            raise NotFound("account.none", path="account_id")
        row = session.get(OfficeMember, account_id)
        if row is None:
            session.add(OfficeMember(account_id=account_id, office_id=office_id))
        else:
            row.office_id = office_id
        unit.audit("office.join", account_id, {"office": office_id})

    core.transact(who.by(), work)


def list_members(core: Core, who: Principal, office_id: str) -> list[str]:
    """The accounts of the officials who belong to an office, in the order of their ids; at most 200.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``office.none``.
    """
    who.require("office.manage")

    def look(session: Session) -> list[str]:
        if session.get(Office, office_id) is None:
            raise NotFound("office.none")
        query = select(OfficeMember).where(OfficeMember.office_id == office_id).order_by(OfficeMember.account_id)
        return [row.account_id for row in session.scalars(query.limit(_MOST_MEMBERS))]

    return core.database.read(look)


def verify_employer(
    core: Core, who: Principal, organisation_id: str, region: str, licence_until: date | None
) -> EmployerView:
    """Verify an employer against its licence, as an officer of its region.

    Raises:
        NotAllowed: ``access.*``, ``office.region``.
        NotFound: ``organisation.none``.
        Invalid: ``filing.field``.
    """
    who.require("employer.verify")
    _check_region(region)

    def work(unit: UnitOfWork) -> EmployerView:
        session, now = unit.session, unit.now
        own = office_region(session, who)
        organisation = session.get(Organisation, organisation_id)
        if organisation is None or organisation.kind != "employer" or organisation.state != "active":
            raise NotFound("organisation.none")
        row = session.get(Employer, organisation_id, with_for_update=True)
        if own is None or not covers(own, region) or (row is not None and not covers(own, row.region)):
            raise NotAllowed("office.region", path="region", expected=own or "an office", found=region)
        if row is None:
            row = Employer(organisation_id=organisation_id, merged_into=None, revision=0)
            session.add(row)
        row.state = EMPLOYER.move("verify", row.state or EMPLOYER.first, "officer").target
        row.region, row.changed_at = region, now
        row.licence_until = None if licence_until is None else licence_until.isoformat()
        row.revision += 1
        session.flush()
        unit.audit("employer.verify", organisation_id, {"region": region})
        return _employer(row)

    return core.transact(who.by(), work)


def move_employer(core: Core, who: Principal, organisation_id: str, name: str, reason: str) -> EmployerView:
    """Suspend an employer, or record that it has ceased, as an officer of its region.

    Args:
        name: suspend or cease.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
    """
    who.require("employer.verify")
    words = check_text(reason, "reason", _LONGEST_REASON)

    def work(unit: UnitOfWork) -> EmployerView:
        session, now = unit.session, unit.now
        row = session.get(Employer, organisation_id, with_for_update=True)
        own = office_region(session, who)
        if row is None or own is None or not covers(own, row.region):
            raise NotFound("organisation.none")
        row.state, row.changed_at = EMPLOYER.move(name, row.state, "officer").target, now
        row.revision += 1
        session.flush()
        unit.audit(f"employer.{name}", organisation_id, {"reason": words})
        return _employer(row)

    return core.transact(who.by(), work)


def known_employer(core: Core, who: Principal, organisation_id: str) -> str:
    """The id of an employer: any for officials, whose region is asked where they act, else one's own.

    Raises:
        NotFound: ``organisation.none``.
    """

    def look(session: Session) -> bool:
        organisation = session.get(Organisation, organisation_id)
        return organisation is not None and organisation.kind == "employer"

    if not (who.role.official or organisation_id == who.organisation_id) or not core.database.read(look):
        raise NotFound("organisation.none")
    return organisation_id


def show_employer(core: Core, who: Principal, organisation_id: str) -> EmployerView:
    """An employer: one's own, one that one acts for, or one in the region of one's office.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
    """
    official = who.may("employer.verify") or who.may("filing.lead")
    if not official:
        who.require("filing.file")

    def look(session: Session) -> EmployerView:
        organisation = session.get(Organisation, organisation_id)
        row = session.get(Employer, organisation_id)
        if organisation is None or organisation.kind != "employer":
            raise NotFound("organisation.none")
        if official:
            own = office_region(session, who)
            seen = row is None or (own is not None and covers(own, row.region))
        else:
            seen = organisation_id in (employers_of(core, session, who) or ())
        if not seen:
            raise NotFound("organisation.none")
        return _employer(row) if row is not None else _unknown(organisation_id)

    return core.database.read(look)


def employer_codes(core: Core, who: Principal, organisation_id: str) -> EmployerCodes:
    """The codes of an employer that :func:`show_employer` shows, or of any for who manages organisations.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
    """
    if not who.may("organisation.manage"):
        show_employer(core, who, organisation_id)

    def look(session: Session) -> EmployerCodes:
        former = former_codes(core, session, organisation_id)
        content = organisation_record(core, session, organisation_id)
        return EmployerCodes(organisation_id, content["name"], content["code"], former)

    return core.database.read(look)


def name_employer(core: Core, who: Principal, organisation_id: str) -> NamedEmployer:
    """Name and code of an employer, for an officer who handles employers.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
    """
    who.require("employer.verify")

    def look(session: Session) -> NamedEmployer:
        row = session.get(Organisation, organisation_id)
        if row is None or row.kind != "employer":
            raise NotFound("organisation.none")
        content = organisation_record(core, session, row.id)
        return NamedEmployer(row.id, content["name"], content["code"])

    return core.database.read(look)


def employer_with_code(core: Core, who: Principal, code: str) -> NamedEmployer:
    """The active employer that has a unified social credit code or had it before, with the code that it has now.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
    """
    who.require("employer.verify")

    def look(session: Session) -> NamedEmployer:
        row = organisation_of_code(core, session, code, "employer")
        content = organisation_record(core, session, row.id)
        return NamedEmployer(row.id, content["name"], content["code"])

    return core.database.read(look)


def _check_region(region: str) -> None:
    if region == NATION or not is_known(region):
        raise Invalid("filing.field", path="region", expected="a code of GB/T 2260")


def _office(row: Office) -> OfficeView:
    return OfficeView(row.id, row.region, row.name_en, row.name_zh)


def _employer(row: Employer) -> EmployerView:
    return EmployerView(row.organisation_id, row.state, row.region, row.licence_until, row.revision)


def _unknown(organisation_id: str) -> EmployerView:
    return EmployerView(organisation_id, "pending", None, None, 0)
