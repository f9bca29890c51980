"""Applications by employers and agencies, or by the person where the employer is gone: drafts, filing, withdrawal.

Promises:

1. A draft may be saved in parts, and is seen by nobody but who files it. An organisation has a bounded number of them.
2. Filing checks everything at once and names every point; what is filed has a person, the day of its rules, and clocks.
3. A person has one open application of a kind.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.mandates import clients
from issuer.accounts.models import Organisation
from issuer.accounts.people import passport_digest
from issuer.accounts.principals import Principal
from issuer.acts import Act
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .clocks import set_days
from .ending import end_deemed
from .guards import EmployerFacts, PermitFacts, facts_of, record_refusals, submit_refusals
from .hearings import begin_hearing
from .leaving import require_employer_gone
from .machines import UNDECIDED
from .materials import PROCESSES, FilingFacts, Process
from .models import Employer, Filing, Hearing, Permit, Upload
from .moves import move
from .papers import has_forged, paper_facts
from .parties import filed_by, load_filing, require_filer, require_own
from .people import employer_facts, passport_of, person_for
from .records import FilingRecord, read_filing, record_from, wants_hearing, write_filing
from .refusals import FilingRefused, Refusal
from .terms import permit_facts, permit_of_passport

__all__ = [
    "NewFiling",
    "create_filing",
    "filing_facts",
    "preview_filing",
    "save_filing",
    "submit_filing",
    "withdraw_filing",
]


@dataclass(frozen=True, slots=True)
class NewFiling:
    """A new draft. ``employer_id``: for an agency, whom it files for; ``permit_id``: of the permit that it is about."""

    process: str
    employer_id: str | None = None
    permit_id: str | None = None
    record: Mapping[str, Any] | None = None


def create_filing(core: Core, who: Principal, new: NewFiling, request: Request | None = None) -> str:
    """Begin a draft; its id.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``organisation.none``.
        Conflict: ``filing.too_many``.
        Invalid: ``filing.field``, ``filing.employer``, ``filing.no_permit``.
    """
    require_filer(who)
    if new.process not in PROCESSES:
        raise Invalid("filing.field", path="process", expected=", ".join(PROCESSES))
    record = record_from(new.record or {})
    filing_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        place = _place_of(core, session, who, new, now)
        permit = place.permit
        row = Filing(
            id=filing_id,
            process=new.process,
            state="DRAFT",
            region=place.region,
            filer="person" if who.may("permit.own") else who.role.organisation or "employer",
            employer_id=place.employer_id,
            agency_id=who.organisation_id if who.role.organisation == "agency" else None,
            person_id=permit.person_id if permit else None,
            permit_id=permit.id if permit else None,
            prolonged=0,
            returns=0,
            revision=1,
            created_at=now,
            changed_at=now,
        )
        most = core.settings.most_drafts
        drafts = select(func.count()).select_from(Filing).where(Filing.state == "DRAFT", filed_by(row))
        if (session.scalar(drafts) or 0) >= most:
            raise Conflict("filing.too_many", path="process", expected=f"at most {most} drafts")
        write_filing(core, row, _with_passport(core, session, record, row))
        session.add(row)
        session.flush()
        unit.audit("filing.create", row.id, {"process": row.process})
        unit.made(row.id)
        return row.id

    return core.transact(who.by(), work, request=request)


def _with_passport(core: Core, session: Session, record: FilingRecord, row: Filing) -> FilingRecord:
    """A new extension's record with the last day of the passport on record, where it says none itself."""
    if row.process != "extension" or row.person_id is None or record.passport_until is not None:
        return record
    until = passport_of(core, session, row.person_id).get("until")
    return record if until is None else replace(record, passport_until=date.fromisoformat(until))


def preview_filing(core: Core, who: Principal, new: NewFiling) -> None:
    """Look whether a draft could be begun and, its papers aside, filed; nothing is written.

    Raises:
        FilingRefused: ``filing.refused``, with every point.
        Conflict: ``filing.open``, ``filing.draft_there``.
        StateError: as :func:`create_filing`.
    """
    require_filer(who)
    if new.process not in PROCESSES:
        raise Invalid("filing.field", path="process", expected=", ".join(PROCESSES))
    record = record_from(new.record or {})

    def look(session: Session) -> list[Refusal]:
        now = core.clock.now(session)
        today = day_of(now)
        place = _place_of(core, session, who, new, now)
        permit = None if place.permit is None else permit_facts(core, session, place.permit, place.employer_id)
        if place.permit is not None:
            _require_none(session, place.permit, new.process)
        process, agency = cast("Process", new.process), who.role.organisation == "agency"
        facts = facts_of(record, process, place.region, today, agency=agency, permit=permit)
        return record_refusals(book_of(session), record, facts, employer_facts(session, place.employer_id), permit)

    found = core.database.read(look)
    if found:
        raise FilingRefused(found)


def _require_none(session: Session, permit: Permit, process: str) -> None:
    """Refuse a second application of a kind about a permit."""
    query = select(Filing.state).where(Filing.permit_id == permit.id, Filing.process == process)
    states = set(session.scalars(query))
    if states.intersection(UNDECIDED):
        raise Conflict("filing.open", path="permit_id")
    if "DRAFT" in states:
        raise Conflict("filing.draft_there", path="permit_id")


def save_filing(core: Core, who: Principal, filing_id: str, record: Mapping[str, Any], revision: int) -> None:
    """Save what a draft, or a returned application, says.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
        Conflict: ``filing.changed``, ``process.move``.
        Invalid: ``filing.field``.
    """
    require_filer(who)
    new = record_from(record)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
        require_own(who, row)
        if row.state not in ("DRAFT", "RETURNED"):
            raise Conflict(
                "process.move", path="filing", expected="a draft, or a returned application", found=row.state
            )
        write_filing(core, row, new)
        row.revision += 1
        row.changed_at = now
        unit.audit("filing.save", row.id)

    core.transact(who.by(), work)


def submit_filing(core: Core, who: Principal, filing_id: str, revision: int) -> None:
    """File a draft, or answer a return (promise 2).

    Raises:
        FilingRefused: ``filing.refused``, with every point.
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
        Conflict: ``filing.changed``, ``filing.open``, ``process.move``.
    """
    require_filer(who)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
        require_own(who, row)
        today = day_of(now)
        book = book_of(session)
        record = read_filing(core, row)
        row.rules_on = row.rules_on or today.isoformat()
        facts = filing_facts(core, session, row)
        permit = known_permit(core, session, row, record)
        employer = _employer_facts(session, row, today)
        found = submit_refusals(book, record, facts, employer, permit, paper_facts(core, session, row.id))
        if found:
            raise FilingRefused(found)
        if row.person_id is None:
            row.person_id = person_for(core, session, now, record)
        row.open_key = core.at_rest.digest("open filing", f"{row.person_id}:{row.process}")
        row.submitted_on, row.answer_due = today.isoformat(), None
        move(core, session, now, row, "submit", "applicant", who.account_id, {})
        set_days(book, row, record.category)
        session.flush()
        _hear(core, session, now, row, record)
        unit.audit("filing.submit", row.id)

    try:
        core.transact(who.by(), work)
    except IntegrityError as fault:
        # SQLite names the column, PostgreSQL the index.
        if "open" in str(fault.orig):
            raise Conflict("filing.open") from None
        raise


def withdraw_filing(core: Core, who: Principal, filing_id: str, revision: int) -> None:
    """Withdraw an application that is not decided. A permit that went on by law by it ends at this moment.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
        Conflict: ``filing.forged``, ``filing.changed``, ``process.move``.
    """
    require_filer(who)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
        require_own(who, row)
        if row.state == "DRAFT":
            # What was never filed is nobody's evidence; its files follow within hours.
            session.execute(delete(Upload).where(Upload.filing_id == row.id))
        if has_forged(session, row.id):
            raise Conflict("filing.forged")
        move(core, session, now, row, "withdraw", "applicant", who.account_id, {})
        acts = end_deemed(core, session, now, row, who)
        unit.audit_acts([Act(who.actor, "filing.withdraw", row.id), *acts])

    core.transact(who.by(), work)


def _employer_facts(session: Session, row: Filing, today: date) -> EmployerFacts | None:
    """The employer for the guards; a person files where it is gone, so that nothing is asked of it."""
    if row.filer != "person":
        return employer_facts(session, row.employer_id)
    require_employer_gone(session, session.get_one(Permit, row.permit_id or ""), today)
    return EmployerFacts("verified", None)


def _hear(core: Core, session: Session, now: int, row: Filing, record: FilingRecord) -> None:
    """Begin the hearing about a cancellation that the person did not sign, once."""
    if row.process != "cancellation" or row.permit_id is None or not wants_hearing(record):
        return
    if session.scalar(select(Hearing.id).where(Hearing.filing_id == row.id).limit(1)) is None:
        permit = session.get_one(Permit, row.permit_id)
        begin_hearing(core, session, now, permit, f"cancelled.{record.ground}", None, filing_id=row.id)


def filing_facts(core: Core, session: Session, row: Filing) -> FilingFacts:
    """The facts of an application, on the day whose rules it keeps; of a draft, today."""
    record = read_filing(core, row)
    today = day_of(core.clock.now(session))
    day = today if row.rules_on is None else date.fromisoformat(row.rules_on)
    permit = known_permit(core, session, row, record)
    process = cast("Process", row.process)
    return facts_of(record, process, row.region, day, agency=row.agency_id is not None, permit=permit)


def known_permit(core: Core, session: Session, row: Filing, record: FilingRecord) -> PermitFacts | None:
    """The permit that the application is about, or that its person has."""
    permit = None
    if row.permit_id is not None:
        permit = session.get(Permit, row.permit_id)
    elif row.person_id is not None:
        permit = session.scalar(select(Permit).where(Permit.person_id == row.person_id))
    elif record.passport is not None and record.nationality is not None:
        permit = permit_of_passport(session, passport_digest(core, record.nationality, record.passport))
    return None if permit is None else permit_facts(core, session, permit, row.employer_id)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an application belongs, and the permit that it is about."""

    region: str
    employer_id: str
    permit: Permit | None


def _place_of(core: Core, session: Session, who: Principal, new: NewFiling, now: int) -> _Place:
    if who.may("permit.own"):
        return _own_place(session, who, new, now)
    employer_id = _employer_of(core, session, who, new, now)
    employer = session.get(Employer, employer_id)
    if employer is None:
        raise Invalid("filing.employer", path="employer", expected="verified", found="unknown")
    return _Place(employer.region, employer_id, _permit_of(session, new, employer_id))


def _own_place(session: Session, who: Principal, new: NewFiling, now: int) -> _Place:
    """Of a holder, who files nothing but the cancellation of their own permit, where the employer is gone."""
    if new.process != "cancellation":
        raise Invalid("filing.field", path="process", expected="cancellation")
    query = select(Permit).where(Permit.id == (new.permit_id or ""), Permit.person_id == who.person_id)
    permit = session.scalar(query)
    if permit is None:
        raise Invalid("filing.no_permit", path="permit_id")
    require_employer_gone(session, permit, day_of(now))
    return _Place(permit.region, permit.employer_id, permit)


def _employer_of(core: Core, session: Session, who: Principal, new: NewFiling, now: int) -> str:
    if who.role.organisation == "employer":
        if new.employer_id not in (None, who.organisation_id):
            raise NotFound("organisation.none", path="employer_id")
        return who.organisation_id or ""
    if new.employer_id is None or new.employer_id not in clients(session, who, now):
        raise NotFound("organisation.none", path="employer_id", expected="an employer with a mandate in force")
    return session.get_one(Organisation, new.employer_id).id


def _permit_of(session: Session, new: NewFiling, employer_id: str) -> Permit | None:
    if new.permit_id is None:
        return None
    permit = session.get(Permit, new.permit_id)
    if permit is None or permit.employer_id != employer_id:
        raise Invalid("filing.no_permit", path="permit_id")
    return permit
