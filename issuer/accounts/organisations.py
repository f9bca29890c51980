"""Organisations: employers and agencies. Their members are the accounts that name them.

Promises:

1. An organisation is there once, by its unified social credit code (GB 32100-2015), which is kept sealed and found by a
   keyed hash.
2. Closing one shuts its accounts out and ends its mandates, in one transaction.
3. An employer's code may change: the one before stays this employer's, and becomes nobody else's.
4. An employer's name may change: each name before stays on record with the time until which it was used.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.vault.at_rest import Place

from . import changes
from .credit_codes import code_key, organisation_of_code, read_code
from .fields import check_text
from .models import Account, FormerCode, Mandate, Organisation
from .principals import Principal

__all__ = [
    "NewOrganisation",
    "OrganisationView",
    "ReplacedCode",
    "change_code",
    "change_name",
    "check_name",
    "close_organisation",
    "create_organisation",
    "find_agency",
    "find_organisation",
    "former_codes",
    "list_organisations",
    "name_at",
    "names_of",
    "require_free_code",
    "show_organisation",
    "shown_organisations",
]

_LONGEST_NAME: Final = 200
_MANAGE: Final = "organisation.manage"


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """An organisation to register. ``code``: its unified social credit code, 18 characters."""

    kind: Literal["employer", "agency"]
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation. ``created_at``: Unix time."""

    organisation_id: str
    kind: str
    code: str
    name: str
    state: str
    version: int
    created_at: int


@dataclass(frozen=True, slots=True)
class ReplacedCode:
    """A code that an employer had until ``replaced_at``, Unix time. ``code`` None: only its keyed hash was kept."""

    code: str | None
    replaced_at: int


def create_organisation(
    core: Core, who: Principal, new: NewOrganisation, request: Request | None = None
) -> OrganisationView:
    """Register an organisation.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``organisation.exists``.
        Invalid: ``account.field``.
    """
    who.require(_MANAGE)
    credit_code = read_code(new.code)
    if new.kind not in ("employer", "agency"):
        raise Invalid("account.field", path="kind", expected="employer or agency")
    good = NewOrganisation(new.kind, credit_code, check_name(new.name))
    organisation_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> OrganisationView:
        session, now = unit.session, unit.now
        row = Organisation(
            id=organisation_id,
            kind=good.kind,
            code_key=code_key(core, credit_code),
            state="active",
            version=1,
            created_at=now,
        )
        _write(core, row, asdict(good))
        session.add(row)
        session.flush()
        # Behind the row: the employer that had this code may have been given another one meanwhile.
        if session.get(FormerCode, row.code_key) is not None:
            raise Conflict("organisation.exists", path="code")
        unit.audit("organisation.create", row.id, {"kind": row.kind})
        unit.made(row.id)
        return _view(core, row)

    try:
        return core.transact(who.by(), work, request=request)
    except IntegrityError as fault:
        if "code_key" in str(fault.orig):
            raise Conflict("organisation.exists", path="code") from None
        raise


def require_free_code(core: Core, session: Session, organisation_id: str, code: str) -> FormerCode | None:
    """Raise unless an organisation may get this code: nobody has it, and nobody else had it. Its own row, if it had it.

    Raises:
        Conflict: ``organisation.exists``.
    """
    key = code_key(core, code)
    taken = session.scalar(select(Organisation.id).where(Organisation.code_key == key))
    # Second: a code that its employer loses meanwhile is one that it had.
    former = session.get(FormerCode, key)
    if taken is not None or (former is not None and former.organisation_id != organisation_id):
        raise Conflict("organisation.exists", path="code")
    return former


def change_code(core: Core, session: Session, now: int, organisation_id: str, code: str) -> None:
    """Give an employer another code (promise 3); the caller writes the audit.

    Args:
        code: as :func:`read_code` gives it.

    Raises:
        NotFound: ``organisation.none``.
        Conflict: ``organisation.exists``: the employer has it already, or another organisation has or had it.
    """
    former = require_free_code(core, session, organisation_id, code)
    row = _there(session, organisation_id, lock=True)
    key = code_key(core, code)
    if former is not None:
        session.delete(former)
    session.add(FormerCode(code_key=row.code_key, organisation_id=organisation_id, replaced_at=now))
    record = _read(core, row)
    before = [one for one in (*record.get("former", ()), record["code"]) if one != code]
    _write(core, row, {**record, "code": code, "former": before})
    row.code_key, row.version = key, row.version + 1
    session.flush()


def former_codes(core: Core, session: Session, organisation_id: str) -> list[ReplacedCode]:
    """The codes that an employer had before, the newest first.

    Raises:
        NotFound: ``organisation.none``.
    """
    row = _there(session, organisation_id)
    record = _read(core, row)
    # In the order in which they were replaced: several may be of one second.
    kept = {code_key(core, code): code for code in record.get("former", ())}
    places = {key: place for place, key in enumerate(kept)}
    rows = session.scalars(select(FormerCode).where(FormerCode.organisation_id == organisation_id)).all()
    newest_first = sorted(rows, key=lambda one: (one.replaced_at, places.get(one.code_key, -1)), reverse=True)
    return [ReplacedCode(kept.get(one.code_key), one.replaced_at) for one in newest_first]


def check_name(text: str) -> str:
    """A name of an organisation in its normal form.

    Raises:
        Invalid: ``account.field``.
    """
    return check_text(text, "name", _LONGEST_NAME)


def change_name(core: Core, session: Session, now: int, organisation_id: str, name: str) -> None:
    """Give an employer another name (promise 4); the caller writes the audit.

    Args:
        name: as :func:`check_name` gives it.

    Raises:
        NotFound: ``organisation.none``.
    """
    row = _there(session, organisation_id, lock=True)
    record = _read(core, row)
    former = [*record.get("former_names", ()), {"name": record["name"], "until": now}]
    _write(core, row, {**record, "name": name, "former_names": former})
    row.version += 1
    session.flush()


def name_at(record: Mapping[str, Any], at: int | None) -> str:
    """The name that an organisation had at a Unix time; None: that it has now.

    Args:
        record: its record: ``name``, and ``former_names``, oldest first, each with the time until before which it was
            used.
    """
    names = record.get("former_names", ()) if at is not None else ()
    return str(next((one["name"] for one in names if at < one["until"]), record["name"]))


def show_organisation(core: Core, who: Principal, organisation_id: str) -> OrganisationView:
    """An organisation: anyone for who manages them, else one's own; another's is not there.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
    """
    if not who.may(_MANAGE):
        who.require("organisation.read_own")
        if organisation_id != who.organisation_id:
            raise NotFound("organisation.none")
    return core.database.read(lambda session: _view(core, _there(session, organisation_id)))


def find_agency(core: Core, who: Principal, code: str) -> OrganisationView:
    """The agency with a unified social credit code, for an employer that is about to give it a mandate.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``: no agency that acts has this code.
    """
    who.require("mandate.give")
    return core.database.read(lambda session: _view(core, organisation_of_code(core, session, code, "agency")))


def find_organisation(core: Core, who: Principal, code: str, kind: str) -> OrganisationView:
    """The active employer or agency that has a unified social credit code or had it before, for whoever manages them.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
    """
    who.require(_MANAGE)
    return core.database.read(lambda session: _view(core, organisation_of_code(core, session, code, kind)))


def names_of(core: Core, who: Principal, wanted: Iterable[str]) -> dict[str, str]:
    """The names of organisations by their ids, as :func:`shown_organisations` gives them.

    Raises:
        NotAllowed: ``access.*``.
    """
    return {name: one.name for name, one in shown_organisations(core, who, wanted).items()}


def shown_organisations(core: Core, who: Principal, wanted: Iterable[str]) -> dict[str, OrganisationView]:
    """Organisations by their ids: all for who manages them or their mandates, else one's own and those that share a
    mandate with it; others are left out.

    Raises:
        NotAllowed: ``access.*``.
    """
    query = select(Organisation).where(Organisation.id.in_(sorted(set(wanted))))
    if not (who.may(_MANAGE) or who.may("mandate.manage")):
        who.require("organisation.read_own")
        own = who.organisation_id
        agencies = select(Mandate.agency_id).where(Mandate.employer_id == own)
        employers = select(Mandate.employer_id).where(Mandate.agency_id == own)
        query = query.where(or_(Organisation.id == own, Organisation.id.in_(agencies.union(employers))))
    return core.database.read(lambda session: {row.id: _view(core, row) for row in session.scalars(query)})


def list_organisations(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[OrganisationView]:
    """A page of organisations in the order of their ids.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require(_MANAGE)
    query = page_of(select(Organisation), Organisation.id, after, limit)
    return core.database.read(lambda session: [_view(core, row) for row in session.scalars(query)])


def close_organisation(core: Core, who: Principal, organisation_id: str, *, version: int | None = None) -> None:
    """Close an organisation (promise 2); one that is closed already is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
        Conflict: ``account.changed``.
    """
    who.require(_MANAGE)

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        row = _there(session, organisation_id, lock=True)
        if version is not None and row.version != version:
            raise Conflict("account.changed", expected=str(version), found=str(row.version))
        if row.state == "closed":
            return True
        row.state, row.version = "closed", row.version + 1
        members = select(Account.id).where(Account.organisation_id == row.id, Account.state.in_(("active", "invited")))
        for account_id in session.scalars(members.order_by(Account.id)).all():
            changes.lock(session, account_id, now)
        live = or_(Mandate.agency_id == row.id, Mandate.employer_id == row.id), Mandate.ended_at.is_(None)
        for mandate in session.scalars(select(Mandate).where(*live).order_by(Mandate.id).with_for_update()):
            mandate.ended_at = now
        unit.audit("organisation.close", row.id)
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def _write(core: Core, row: Organisation, record: Mapping[str, Any]) -> None:
    content = json.dumps(record, ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("organisations", "record", row.id), content)


def _read(core: Core, row: Organisation) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(core.at_rest.open(Place("organisations", "record", row.id), row.record))
    return record


def _there(session: Session, organisation_id: str, *, lock: bool = False) -> Organisation:
    row = session.get(Organisation, organisation_id, with_for_update=lock or None)
    if row is None:
        raise NotFound("organisation.none")
    return row


def _view(core: Core, row: Organisation) -> OrganisationView:
    record = _read(core, row)
    return OrganisationView(row.id, row.kind, record["code"], record["name"], row.state, row.version, row.created_at)
