"""The books: rows of what was reported, paid and refunded, and corrections of them.

Promises:

1. A row is checked against the record before it is written: a person and an employer that there are, a month that was
   worked there (no month before work, after death, or to come), a scheme that is not exempt, sums that can be.
   What an employer pays that another one merged into is put to the one with whom the person worked then; a code that an
   employer had before names it still.
2. The same row twice (employer, month, scheme, kind, day and sums) is refused. Part payments are rows of their own;
   what was paid too much shows in the reconciliation.
3. A correction takes back one row, whole, once, and is never corrected itself.
4. Rows given together are written together or not at all, the state of the people in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Table, insert, not_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, IcardError, Invalid, NotAllowed, NotFound, StateError, together
from issuer.accounts.credit_codes import employers_by_code
from issuer.accounts.principals import Principal
from issuer.acts import Actor
from issuer.bulk.refusals import all_of
from issuer.core import Core
from issuer.db.bound import checked_rows, update_rows, with_mac
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.mergers import taken_over_by
from issuer.permits.parties import covered, office_region
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .coverage import Duties
from .history import Person
from .kept_sums import note_changes
from .lapses import follow
from .ledger import Entry, check_correction
from .models import InsuranceEntry, InsuredPerson
from .months import month_of
from .new_entries import NewEntry, digest_of
from .records import load_people, load_workers, number_key

__all__ = ["Refused", "record", "record_within", "take_back"]

#: Faults of one request that are named.
_MOST_NAMED: Final = 200
#: Digits of a batch's name in the ids of its rows.
_BATCH_ID: Final = 24
#: What two rows are alike in (promise 2).
_likeness: Final = itemgetter("employer_id", "month", "scheme", "kind", "day", "employer_part", "employee_part")


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was refused: its place in what was given, from 0, and why."""

    place: int
    fault: IcardError


def record(
    core: Core,
    rows: Sequence[NewEntry | IcardError],
    by: Actor,
    batch: str,
    request: Request | None = None,
    who: Principal | None = None,
) -> int:
    """Write rows, all or none; how many there are.

    Args:
        rows: one that could not be read stands there as its fault.
        batch: what the rows are known by together, 32 hexadecimal digits.
        who: the official who writes them: none about himself, and of an office none about people outside its region.

    Raises:
        NotAllowed: ``account.self``.
        NotFound: ``insurance.none``.
        StateError: ``insurance.*`` of the first row that is refused, its place in ``path``; what is wrong with it and
            with the other rows beside that is in ``also``, 200 faults in all.
    """
    places = [place for place, row in enumerate(rows) if isinstance(row, NewEntry)]
    given = [row for row in rows if isinstance(row, NewEntry)]
    unread = [Refused(place, row) for place, row in enumerate(rows) if isinstance(row, IcardError)]

    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        people, refused = record_within(core, session, now, given, batch) if given else ([], [])
        if unread or refused:
            raise _refusal([*unread, *(replace(one, place=places[one.place]) for one in refused)], len(rows))
        if who is not None:
            _check_office(session, who, people)
        _, acts = follow(core, session, now, people, by)
        details = {**by.details(), "rows": len(given), "sha256": digest_of(given)}
        unit.audit("insurance.book", batch, details)
        unit.audit_acts(acts)
        unit.made(batch)
        return len(rows)

    return core.transact(by, work, request=request)


def _refusal(refused: Sequence[Refused], rows: int) -> IcardError:
    """Every fault of every refused row as one error, each with the row's place; to be raised."""
    ordered = sorted(refused, key=attrgetter("place"))
    faults = [_in_row(one.place, fault) for one in ordered for fault in all_of(one.fault)]
    first = together(faults, _MOST_NAMED)
    first.found = f"{len(refused)} of {rows} rows refused"
    return first


def _in_row(place: int, fault: IcardError) -> IcardError:
    path = f"rows.{place}.{fault.path}" if fault.path else f"rows.{place}"
    return type(fault)(fault.code, path=path, expected=fault.expected)


def _check_office(session: Session, who: Principal, people: Sequence[str]) -> None:
    """Refuse rows about the official himself, and about people outside the region of his office."""
    if any(map(who.is_self, people)):
        raise NotAllowed("account.self")
    region = office_region(session, who)
    if region is None:
        return
    outside = select(InsuredPerson.person_id).where(
        InsuredPerson.person_id.in_(people), not_(covered(InsuredPerson.region.expression, region))
    )
    if session.scalar(outside.limit(1)) is not None:
        raise NotFound("insurance.none", path="rows")


def record_within(
    core: Core, session: Session, now: int, rows: Sequence[NewEntry], batch: str, *, later: bool = False
) -> tuple[list[str], list[Refused]]:
    """Write the rows that may be written, within a transaction that follows the people and writes the audit.

    Args:
        later: the people are marked to be looked at by the next reader, instead of by this transaction.

    Returns:
        The people whose books changed, and the rows that were refused.
    """
    look = _Looking(core, session, now, rows)
    made, refused = [], []
    for place, row in enumerate(rows):
        if row.source_key is not None and row.source_key in look.written:
            continue
        try:
            # Neighbours in the table as in the file: ids without an order would touch a page of the index for each row.
            made.append(look.entry(row, f"{batch[:_BATCH_ID]}{place:08x}"))
        except StateError as fault:
            refused.append(Refused(place, fault))
    if made:
        _insert(session, made)
    people = {each["person_id"] for each in made}
    if later:
        look.mark(people)
        note_changes(session, people)
    return sorted(people), refused


def take_back(core: Core, person_id: str, entry_id: str, by: Actor, request: Request | None = None) -> str:
    """Take back a row that was wrong; the id of the correcting row.

    Raises:
        NotFound: ``insurance.none``, ``insurance.no_entry``.
        Conflict: ``insurance.corrected``.
    """
    correcting = hashlib.sha256(f"takes back {entry_id}".encode()).hexdigest()[:32]

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        insured = load_people(core, session, [person_id], lock=True).get(person_id)
        if insured is None:
            raise NotFound("insurance.none")
        wrong = check_correction(insured.person.entries, entry_id)
        values = _values(_reversed(wrong, correcting, now), person_id, now, None)
        _insert(session, [values])
        _, acts = follow(core, session, now, [person_id], by)
        unit.audit("insurance.correct", entry_id, by.details())
        unit.audit_acts(acts)
        unit.made(correcting)
        return correcting

    try:
        return core.transact(by, work, request=request)
    except IntegrityError:
        raise Conflict("insurance.corrected", path="takes_back", expected="a row that stands") from None


def _insert(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    values = [with_mac(session, InsuranceEntry, row) for row in rows]
    session.connection().execute(insert(cast("Table", InsuranceEntry.__table__)), values)


def _reversed(wrong: Entry, name: str, now: int) -> Entry:
    return replace(
        wrong,
        id=name,
        employer_part=-wrong.employer_part,
        employee_part=-wrong.employee_part,
        recorded_on=day_of(now),
        takes_back=wrong.id,
    )


def _values(entry: Entry, person_id: str, now: int, source_key: str | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "person_id": person_id,
        "employer_id": entry.employer,
        "kind": entry.kind,
        "month": entry.month,
        "scheme": int(entry.scheme),
        "employer_part": entry.employer_part,
        "employee_part": entry.employee_part,
        "day": entry.day.isoformat(),
        "recorded_on": entry.recorded_on.isoformat(),
        "takes_back": entry.takes_back,
        "source_key": source_key,
        "created_at": now,
    }


class _Looking:
    """What rows are checked against: people, employers and duties, looked up once for all of them.

    Of a person only what rows need is read: employments, certificates, and of the books the months that are written.
    """

    def __init__(self, core: Core, session: Session, now: int, rows: Sequence[NewEntry]) -> None:
        self._core, self._session, self._now = core, session, now
        self._today = day_of(now)
        self._rows = self._locked({row.number for row in rows})
        ids = [row["person_id"] for row in self._rows.values()]
        self._people = load_workers(core, session, self._rows.values())
        self._employers = employers_by_code(core, session, {row.employer_code for row in rows})
        self._merged = taken_over_by(session, self._employers.values())
        sources = sorted({row.source_key for row in rows if row.source_key is not None})
        there = select(InsuranceEntry.source_key, InsuranceEntry.id)
        self.written = _by_chunks(session, there, InsuranceEntry.source_key, sources).keys()
        self._duties = Duties(book_of(session))
        self._seen = _seen(session, InsuranceEntry.person_id.in_(ids), *_alike(rows))

    def _locked(self, numbers: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """The rows of insured persons by number, locked in the order of their ids."""
        keys = {number_key(self._core, number): number for number in numbers}
        wanted, order = InsuredPerson.number_key.in_(keys), (InsuredPerson.person_id,)
        found = checked_rows(self._session, InsuredPerson, wanted, order=order, lock=True)
        return {keys[row["number_key"]]: row for row in found}

    def mark(self, people: Collection[str]) -> None:
        """Mark these people for the next reader."""
        today = self._today.isoformat()
        rows = (row for row in self._rows.values() if row["person_id"] in people and row["look_on"] != today)
        update_rows(self._session, InsuredPerson, rows, {"look_on": today})

    def entry(self, row: NewEntry, name: str) -> dict[str, Any]:
        """The values of a row that may be written.

        Raises:
            StateError: ``insurance.*``, with what else the record does not have.
        """
        found, employer = self._rows.get(row.number), self._employers.get(row.employer_code)
        future = row.day > self._today or row.month > month_of(self._today)
        if found is None or employer is None or future:
            faults: list[StateError] = []
            if found is None:
                faults.append(NotFound("insurance.none", path="number"))
            if employer is None:
                expected = "an employer on record"
                faults.append(NotFound("insurance.employer", path="employer_code", expected=expected))
            if future:
                faults.append(Invalid("insurance.day", path="day", expected="a day and a month that have come"))
            raise together(faults)
        person_id = found["person_id"]
        employer = self._employer_of(self._people[person_id], employer, row)
        entry = Entry(
            name,
            row.kind,
            employer,
            row.month,
            row.scheme,
            row.employer_part,
            row.employee_part,
            row.day,
            self._today,
        )
        values = _values(entry, person_id, self._now, row.source_key)
        seen, likeness = self._seen[person_id], _likeness(values)
        if likeness in seen:
            raise Conflict("insurance.entry_twice", path="month")
        seen.add(likeness)
        return values

    def _employer_of(self, person: Person, employer: str, row: NewEntry) -> str:
        """The employer whose month a row is about: the one that is named, or one that it took over.

        Raises:
            Invalid: ``insurance.entry_no_work``, ``insurance.entry_exempt``.
        """
        candidates = [employer, *self._merged.get(employer, ())]
        at_work = [
            one
            for one in person.employments
            if one.employer in candidates
            and one.recorded.is_known(self._today)
            and month_of(one.began) <= row.month
            and (one.ended is None or row.month <= month_of(one.ended))
        ]
        if not at_work or (person.died is not None and row.month > month_of(person.died)):
            raise Invalid("insurance.entry_no_work", path="month", expected="a month of work with this employer")
        worked = min(at_work, key=lambda one: candidates.index(one.employer))
        # Nobody is exempt without a certificate.
        if row.kind != "refunded" and person.evidence:
            duty = self._duties.month(person.as_known(self._today), worked, row.month)
            if duty.exempt & row.scheme:
                raise Invalid("insurance.entry_exempt", path="scheme", expected="a scheme that is not exempt")
        return worked.employer


def _alike(rows: Sequence[NewEntry]) -> Iterator[ColumnElement[bool]]:
    """What a row on record that is the same as one of these is found by, or that takes such a row back."""
    yield InsuranceEntry.month.in_({row.month for row in rows})
    yield InsuranceEntry.scheme.in_({int(row.scheme) for row in rows})
    yield InsuranceEntry.kind.in_({row.kind for row in rows})
    yield InsuranceEntry.day.in_({row.day.isoformat() for row in rows})


def _seen(session: Session, *conditions: ColumnElement[bool]) -> defaultdict[str, set[tuple[Any, ...]]]:
    """By person what the rows that stand are alike in; as values, for an import reads as many as it writes."""
    rows = list(checked_rows(session, InsuranceEntry, *conditions))
    gone = {row["takes_back"] for row in rows}
    found: defaultdict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for row in rows:
        if row["takes_back"] is None and row["id"] not in gone:
            found[row["person_id"]].add(_likeness(row))
    return found


def _by_chunks(session: Session, query: Any, column: Any, keys: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(keys), 1000):
        rows = session.execute(query.where(column.in_(keys[start : start + 1000])))
        found.update((key, name) for key, name in rows)
    return found
