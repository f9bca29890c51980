"""Load insured people from the tables as the values that the rules read.

Promises:

1. Names, numbers, wages and certificates are opened only here, and sealed before they reach a row.
2. Work permits on record here count as bases without being reported again: a permit's terms, cut at its ends.
3. People are loaded by the hundred: four statements for as many as there are, never one for each.
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.db.bound import checked_rows
from issuer.permits.models import Permit, PermitEnd, PermitTerm
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place

from .history import Agreement, Basis, Employment, Enrolment, Evidence, Person, Recorded
from .ledger import Entry
from .models import InsuranceEntry, InsuranceFact, InsuredPerson
from .months import month_of
from .schemes import scheme_names, scheme_set, schemes_of
from .treaties import Certificate

__all__ = [
    "SPANS",
    "Fact",
    "FactKind",
    "Insured",
    "PersonRecord",
    "add_fact",
    "certificate_body",
    "certificate_of",
    "end_fact",
    "load_people",
    "load_workers",
    "number_key",
    "read_person",
    "replace_fact",
    "write_person",
]

FactKind = Literal["basis", "employment", "agreement", "certificate", "enrolment", "payout"]
#: What lasts, by kind: the names of its first and last day, of an enrolment its months.
SPANS: Final[Mapping[str, tuple[str, str]]] = {
    "employment": ("began", "ended"),
    "agreement": ("first", "last"),
    "enrolment": ("first_month", "last_month"),
}
#: Keys of one question to the database; SQLite takes 32,766 values a statement.
_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """The sealed data about an insured person.

    Args:
        number: the insurance number; ``regular``: it has the form of the numbering rule, None: none is known.
        assigned: an authority assigned it.
    """

    number: str
    regular: bool | None
    assigned: bool
    surname: str
    given: str
    nationality: str
    born: date
    sex: Literal["male", "female"]
    died: date | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something on record, by the id of its row, with its content."""

    id: str
    kind: FactKind
    employer_id: str | None
    body: Mapping[str, Any]
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class Insured:
    """An insured person: the row, the record, the facts, and the person as the rules read them."""

    row: InsuredPerson
    record: PersonRecord
    facts: tuple[Fact, ...]
    person: Person


def number_key(core: Core, number: str) -> str:
    """The keyed hash by which an insurance number is found."""
    return core.at_rest.digest("insurance_number", number)


def write_person(core: Core, row: InsuredPerson, record: PersonRecord) -> None:
    """Put a record into its row, with the key of the number."""
    content = {
        "number": record.number,
        "regular": record.regular,
        "assigned": record.assigned,
        "surname": record.surname,
        "given": record.given,
        "nationality": record.nationality,
        "born": record.born.isoformat(),
        "sex": record.sex,
        "died": _text(record.died),
    }
    row.record = core.at_rest.seal(Place("insured_persons", "record", row.person_id), _json(content))
    row.number_key = number_key(core, record.number)


def read_person(core: Core, row: InsuredPerson) -> PersonRecord:
    """The record in a row."""
    return _opened(core, row.person_id, row.record)


def _opened(core: Core, person_id: str, sealed: bytes) -> PersonRecord:
    content = _object(core.at_rest.open(Place("insured_persons", "record", person_id), sealed))
    content["born"] = date.fromisoformat(content["born"])
    content["died"] = _day(content["died"])
    return PersonRecord(**content)


def add_fact(
    core: Core,
    session: Session,
    now: int,
    person_id: str,
    kind: FactKind,
    body: Mapping[str, Any],
    employer_id: str | None = None,
) -> str:
    """Put something on record; the id of its row."""
    row = InsuranceFact(
        id=secrets.token_hex(16),
        person_id=person_id,
        kind=kind,
        employer_id=employer_id,
        recorded_on=day_of(now).isoformat(),
        replaced_on=None,
        created_at=now,
    )
    row.body = core.at_rest.seal(Place("insurance_facts", "body", row.id), _json(body))
    own = select(func.coalesce(func.max(InsuranceFact.number), 0) + 1).where(InsuranceFact.person_id == person_id)
    row.number = cast("Any", own.scalar_subquery())
    session.add(row)
    return row.id


def replace_fact(core: Core, session: Session, now: int, fact: Fact, body: Mapping[str, Any] | None) -> None:
    """Let another entry take the place of one from today on; None: nothing does."""
    row = session.get_one(InsuranceFact, fact.id)
    row.replaced_on = day_of(now).isoformat()
    if body is not None:
        add_fact(core, session, now, row.person_id, fact.kind, body, fact.employer_id)


def end_fact(core: Core, session: Session, now: int, fact: Fact, day: date) -> bool:
    """End what lasts beyond a day (:data:`SPANS`), and take back what begins later. False: it had ended."""
    first_name, last_name = SPANS[fact.kind]
    end: Any = month_of(day) if fact.kind == "enrolment" else day.isoformat()
    if fact.body[last_name] is not None and fact.body[last_name] <= end:
        return False
    replace_fact(core, session, now, fact, {**fact.body, last_name: end} if fact.body[first_name] <= end else None)
    return True


def load_people(
    core: Core, session: Session, ids: Sequence[str], *, lock: bool = False, books: bool = True
) -> dict[str, Insured]:
    """Insured people by id, in the order of their ids; those that are not there are left out.

    Args:
        lock: until the transaction's end; books: False: these are left out.
    """
    found: dict[str, Insured] = {}
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _CHUNK):
        found.update(_load(core, session, ordered[start : start + _CHUNK], lock=lock, books=books))
    return found


def load_workers(core: Core, session: Session, rows: Iterable[Mapping[str, Any]]) -> dict[str, Person]:
    """Insured people by id with their employments, and all that is on record of those who have a certificate: what rows
    of the books are checked against. The books themselves are left out.

    Args:
        rows: of insured persons, as :func:`issuer.db.bound.checked_rows` reads them.
    """
    records = {row["person_id"]: _opened(core, row["person_id"], row["record"]) for row in rows}
    kinds = InsuranceFact.kind.in_(("employment", "certificate"))
    facts = _facts(core, session, InsuranceFact.person_id.in_(records), kinds)
    holders = [person for person, own in facts.items() if any(fact.kind == "certificate" for fact in own)]
    if holders:
        facts.update(_facts(core, session, InsuranceFact.person_id.in_(holders)))
    permits = _permits(session, holders) if holders else defaultdict(list)
    return {person: _person(record, facts[person], permits[person], ()) for person, record in records.items()}


def _load(core: Core, session: Session, ids: Sequence[str], *, lock: bool, books: bool) -> dict[str, Insured]:
    query = select(InsuredPerson).where(InsuredPerson.person_id.in_(ids)).order_by(InsuredPerson.person_id)
    rows = session.scalars(query.with_for_update() if lock else query).all()
    facts = _facts(core, session, InsuranceFact.person_id.in_(ids))
    entries: Mapping[str, Sequence[Entry]] = defaultdict(list)
    if books:
        entries = _entries(session, InsuranceEntry.person_id.in_(ids))
    permits = _permits(session, ids)
    found = {}
    for row in rows:
        record = read_person(core, row)
        own = facts[row.person_id]
        person = _person(record, own, permits[row.person_id], entries[row.person_id])
        found[row.person_id] = Insured(row, record, tuple(own), person)
    return found


def _facts(core: Core, session: Session, *conditions: ColumnElement[bool]) -> defaultdict[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    order = (InsuranceFact.created_at, InsuranceFact.number, InsuranceFact.id)
    for row in checked_rows(session, InsuranceFact, *conditions, order=order):
        content = _object(core.at_rest.open(Place("insurance_facts", "body", row["id"]), row["body"]))
        recorded = Recorded(date.fromisoformat(row["recorded_on"]), _day(row["replaced_on"]))
        found[row["person_id"]].append(Fact(row["id"], row["kind"], row["employer_id"], content, recorded))
    return found


def _entries(session: Session, *conditions: ColumnElement[bool]) -> defaultdict[str, list[Entry]]:
    """The rows of the books that meet the conditions, by person, as the rules read them."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for row in checked_rows(session, InsuranceEntry, *conditions, order=(InsuranceEntry.id,)):
        found[row["person_id"]].append(
            Entry(
                row["id"],
                row["kind"],
                row["employer_id"],
                row["month"],
                scheme_set(row["scheme"]),
                row["employer_part"],
                row["employee_part"],
                date.fromisoformat(row["day"]),
                date.fromisoformat(row["recorded_on"]),
                row["takes_back"],
            )
        )
    return found


def _permits(session: Session, ids: Sequence[str]) -> defaultdict[str, list[Basis]]:
    query = select(Permit, PermitTerm).join(PermitTerm, PermitTerm.permit_id == Permit.id)
    terms = session.execute(query.where(Permit.person_id.in_(ids)).order_by(PermitTerm.id)).all()
    found: defaultdict[str, list[Basis]] = defaultdict(list)
    if not terms:
        return found
    # The end of a permit that came back is none.
    wanted = select(PermitEnd).join(Permit).where(Permit.person_id.in_(ids), Permit.restored_by.is_(None))
    ends = {end.permit_id: end.day for end in session.scalars(wanted.order_by(PermitEnd.number))}
    for permit, term in terms:
        first, last = date.fromisoformat(term.first), date.fromisoformat(term.until)
        end = _day(ends.get(term.permit_id))
        last = last if end is None or end < first else min(last, end)
        recorded = Recorded(day_of(term.created_at))
        found[permit.person_id].append(Basis("work_permit", first, first, last, term.employer_id, recorded))
    return found


def _person(record: PersonRecord, facts: Sequence[Fact], permits: Sequence[Basis], entries: Sequence[Entry]) -> Person:
    found: dict[str, list[Any]] = defaultdict(list)
    for fact in facts:
        # A certificate that was refused stays on record and exempts from nothing.
        if fact.kind in _READERS and (fact.kind != "certificate" or fact.body["outcome"] == "accepted"):
            found[fact.kind].append(_READERS[fact.kind](fact))
    return Person(
        record.born,
        record.sex,
        record.died,
        (*permits, *found["basis"]),
        tuple(found["employment"]),
        tuple(found["agreement"]),
        tuple(found["certificate"]),
        tuple(found["enrolment"]),
        tuple(entries),
    )


def _basis(fact: Fact) -> Basis:
    body = fact.body
    obtained, first = date.fromisoformat(body["obtained"]), date.fromisoformat(body["first"])
    return Basis(body["kind"], obtained, first, _day(body["last"]), fact.employer_id, fact.recorded)


def _employment(fact: Fact) -> Employment:
    body = fact.body
    return Employment(
        fact.employer_id or "",
        body["region"],
        date.fromisoformat(body["began"]),
        _day(body["ended"]),
        body["wage"],
        body["injury_rate"],
        body["sent"],
        body["same_name"],
        fact.recorded,
    )


def _agreement(fact: Fact) -> Agreement:
    body = fact.body
    first, last = date.fromisoformat(body["first"]), _day(body["last"])
    return Agreement(fact.employer_id or "", body["kind"], first, last, schemes_of(body["schemes"]), fact.recorded)


def _evidence(fact: Fact) -> Evidence:
    return Evidence(certificate_of(fact.body), fact.recorded)


def _enrolment(fact: Fact) -> Enrolment:
    body = fact.body
    return Enrolment(
        fact.employer_id or "",
        body["region"],
        schemes_of(body["schemes"]),
        date.fromisoformat(body["registered"]),
        body["first_month"],
        body["last_month"],
        fact.recorded,
    )


def certificate_of(body: Mapping[str, Any]) -> Certificate:
    """A certificate from what is on record of it."""
    return Certificate(
        body["country"],
        body["group"],
        schemes_of(body["schemes"]),
        date.fromisoformat(body["first"]),
        date.fromisoformat(body["last"]),
        body["extension"],
        body["same_name"],
        _day(body["issued_on"]),
    )


def certificate_body(certificate: Certificate, number: str, outcome: str, reason: str) -> dict[str, Any]:
    """What is put on record of a certificate and what was decided on it."""
    return {
        "country": certificate.country,
        "group": certificate.group,
        "number": number,
        "schemes": list(scheme_names(certificate.schemes)),
        "first": certificate.first.isoformat(),
        "last": certificate.last.isoformat(),
        "extension": certificate.extension,
        "same_name": certificate.same_name,
        "issued_on": _text(certificate.issued_on),
        "outcome": outcome,
        "reason": reason,
    }


_READERS: Final[Mapping[str, Callable[[Fact], Any]]] = {
    "basis": _basis,
    "employment": _employment,
    "agreement": _agreement,
    "certificate": _evidence,
    "enrolment": _enrolment,
}


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _object(content: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(content.decode()))
