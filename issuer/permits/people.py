"""Find or create persons, passports and employers within the caller's transaction.

Promises:

1. Two people are the same where kind, issuing state and number of a document are the same; nothing else merges them.
2. A passport's number is in a sealed column and as a keyed hash, nowhere else.
3. A passport that was reported for social insurance names a person and is on no card, until an officer or an approved
   application confirms it. Of a person who has no other, an application takes its place at once.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid
from issuer.accounts.models import Organisation, Person
from issuer.accounts.organisations import name_at
from issuer.accounts.people import noted_passports, passport_digest, write_name
from issuer.core import Core
from issuer.db.moments import later_moment
from issuer.vault.at_rest import Place

from .guards import EmployerFacts
from .merger_models import PersonMerger
from .models import Employer, Filing, Permit, PersonDocument
from .names import PassportName
from .records import FilingRecord, read_filing

__all__ = [
    "REPORTED",
    "document_moment",
    "document_of",
    "employer_facts",
    "filing_name",
    "merged_into",
    "organisation_name",
    "organisation_record",
    "passport_of",
    "permit_name",
    "person_for",
    "record_passport",
    "require_own_record",
    "same_human",
]


#: The kind of a passport that nobody in office has confirmed.
REPORTED: Final = "passport_reported"


def person_for(core: Core, session: Session, now: int, record: FilingRecord) -> str:
    """The id of the person of a passport; made where the passport is new. The record has to be complete.

    What is on record of a known passport stays as it is: an application changes nothing before it is approved.
    """
    digest = passport_digest(core, record.nationality or "", record.passport or "")
    found = session.scalars(select(PersonDocument).where(PersonDocument.digest == digest)).one_or_none()
    if found is not None:
        if found.kind == REPORTED and not passport_of(core, session, found.person_id):
            record_passport(core, session, now, found.person_id, record)
        return found.person_id
    person = Person(id=secrets.token_hex(16), identity_key=None, created_at=now)
    write_name(core, person, record.name.shown)
    session.add(person)
    session.flush()
    record_passport(core, session, now, person.id, record)
    return person.id


def record_passport(core: Core, session: Session, now: int, person_id: str, record: FilingRecord) -> None:
    """Put the passport of an approved application on record; fields that it does not give stay.

    Raises:
        Invalid: ``filing.passport``; it is another person's.
    """
    known = passport_of(core, session, person_id)
    given = {
        "surname": record.surname,
        "given": record.given if record.surname is not None else None,
        "nationality": record.nationality,
        "birth": record.birth.isoformat() if record.birth else None,
        "sex": record.sex,
        "number": record.passport,
        "until": record.passport_until.isoformat() if record.passport_until else None,
    }
    content = {**known, **{name: value for name, value in given.items() if value is not None}}
    content.setdefault("given", "")
    digest = passport_digest(core, content["nationality"], content["number"])
    row = session.scalar(select(PersonDocument).where(PersonDocument.digest == digest).with_for_update())
    if row is not None and row.person_id != person_id:
        raise Invalid("filing.passport", path="passport")
    if row is None:
        at = document_moment(session, now, person_id)
        row = PersonDocument(
            id=secrets.token_hex(16), person_id=person_id, kind="passport", digest=digest, created_at=at
        )
        session.add(row)
    elif row.kind == REPORTED:
        row.kind, row.created_at = "passport", document_moment(session, now, person_id)
    row.until = content["until"]
    row.record = core.at_rest.seal(
        Place("person_documents", "record", row.id), json.dumps(content, ensure_ascii=False).encode()
    )
    session.flush()


def document_moment(session: Session, now: int, person_id: str) -> int:
    """The time of a document that is recorded or confirmed now: by it the newest passport is found."""
    return later_moment(session, now, PersonDocument.created_at, PersonDocument.person_id == person_id)


def passport_of(core: Core, session: Session, person_id: str) -> dict[str, Any]:
    """The newest confirmed passport of a person: surname, given, nationality, birth, sex, number, until."""
    return _newest_document(core, session, person_id, PersonDocument.kind == "passport")


def document_of(core: Core, session: Session, person_id: str) -> dict[str, Any]:
    """The newest confirmed passport of a person; of one who has none, the newest document that was reported."""
    return passport_of(core, session, person_id) or _newest_document(core, session, person_id)


def _newest_document(core: Core, session: Session, person_id: str, *only: ColumnElement[bool]) -> dict[str, Any]:
    query = select(PersonDocument).where(PersonDocument.person_id == person_id, *only)
    row = session.scalars(query.order_by(PersonDocument.created_at.desc(), PersonDocument.id.desc()).limit(1)).first()
    if row is None:
        return {}
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("person_documents", "record", row.id), row.record))
    return content


def same_human(core: Core, session: Session, person_id: str) -> frozenset[str]:
    """A person, the persons who have one of the passports that administrators noted of them, the records merged
    with one of these, and these passports' keyed hashes: two who have one of these in common are one human being.
    """
    passports, persons = noted_passports(core, session, person_id), {person_id}
    if passports:
        query = select(PersonDocument.person_id).where(PersonDocument.digest.in_(passports))
        persons.update(session.scalars(query))
    about = or_(PersonMerger.kept_id.in_(persons), PersonMerger.absorbed_id.in_(persons))
    for merger in session.scalars(select(PersonMerger).where(PersonMerger.state == "merged", about)):
        persons |= {merger.kept_id, merger.absorbed_id}
    return frozenset(persons | passports)


def filing_name(core: Core, session: Session, row: Filing) -> str:
    """The name of the person that an application is about; empty while it is not known."""
    record = read_filing(core, row)
    if record.surname is not None or row.person_id is None:
        return record.name.shown
    return _passport_name(passport_of(core, session, row.person_id))


def permit_name(core: Core, session: Session, row: Permit) -> str:
    """The name of a permit's holder, as in the newest passport on record; of a record that was merged into another one,
    which has its passports now, the name of that."""
    passport = passport_of(core, session, row.person_id)
    if not passport:
        kept_id = merged_into(session, row.person_id)
        passport = {} if kept_id is None else passport_of(core, session, kept_id)
    return _passport_name(passport)


def merged_into(session: Session, person_id: str) -> str | None:
    """The record that a record was merged into, over several mergers too; None: it stands by itself."""
    at, since, passed = person_id, 0, [""]
    while True:
        later = PersonMerger.absorbed_id == at, PersonMerger.merged_at >= since, PersonMerger.id.not_in(passed)
        query = select(PersonMerger).where(*later, PersonMerger.state == "merged")
        merger = session.scalars(query.order_by(PersonMerger.merged_at.desc(), PersonMerger.id).limit(1)).first()
        if merger is None:
            return None if at == person_id else at
        # Records may have gone into one another: the way follows the mergers in the order of time.
        at, since = merger.kept_id, merger.merged_at
        passed.append(merger.id)


def require_own_record(session: Session, permit: Permit) -> None:
    """Refuse what makes a permit hold again while the record that it belongs to is merged into another one.

    Raises:
        Conflict: ``permit.merged``.
    """
    if merged_into(session, permit.person_id) is not None:
        raise Conflict("permit.merged", path="permit_id")


def _passport_name(passport: Mapping[str, Any]) -> str:
    return PassportName(str(passport.get("surname", "")), str(passport.get("given", ""))).shown


def employer_facts(session: Session, organisation_id: str) -> EmployerFacts | None:
    """What an officer found about an employer; None: nothing yet."""
    row = session.get(Employer, organisation_id)
    if row is None:
        return None
    return EmployerFacts(row.state, None if row.licence_until is None else date.fromisoformat(row.licence_until))


def organisation_record(core: Core, session: Session, organisation_id: str) -> Mapping[str, Any]:
    """Name and code of an organisation, and the names that it had."""
    row = session.get_one(Organisation, organisation_id)
    content: Mapping[str, Any] = json.loads(core.at_rest.open(Place("organisations", "record", row.id), row.record))
    return content


def organisation_name(core: Core, session: Session, organisation_id: str, at: int | None = None) -> str:
    """The name of an organisation, at a Unix time where one is given."""
    return name_at(organisation_record(core, session, organisation_id), at)
