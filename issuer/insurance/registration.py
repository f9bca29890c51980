"""Registration: an employer, an agency with its mandate, or an officer registers a person, and ends it.

Promises:

1. A person is found by the passport or the insurance number, and made where neither is known. The number is made once
   by the numbering rule or taken as assigned; a new passport is recorded beside it and changes nothing. A number that
   another person has is refused.
2. One registration makes its facts (basis, employment, enrolment) in one transaction, with the audit and the notices;
   the person's state is computed in it. An employer registers a person once for as long as the work goes on.
3. Registered for are the schemes that are due there and then, with those that a certificate exempts from now: they are
   due again when it ends. Where nothing is due (above the region's age, disputed without an agreement) the answer says
   so, and that is no lapse.
4. What is told is held against the rules before anything is written: a region that there is, days in their order,
   no work after death, names that are the passport's.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.card.fields import is_plain
from icard_crypto.errors import StateError
from issuer.accounts.models import Person as PersonRow
from issuer.accounts.people import write_name
from issuer.accounts.principals import Principal
from issuer.acts import Act
from issuer.core import Core
from issuer.permits.models import PersonDocument
from issuer.permits.names import PassportName, compare, name_refusals
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.regions import NATION, is_known
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .contributions import own_rate
from .coverage import Duties, MonthDuty
from .lapses import follow
from .models import InsuredPerson
from .money import parse_yuan
from .months import month_of
from .numbers import make_number, read_assigned
from .parties import notify_insured, require_employer, require_insured
from .records import Insured, PersonRecord, add_fact, load_people, number_key, replace_fact, write_person
from .schemes import NONE, Scheme, scheme_names

__all__ = [
    "NewRegistration",
    "Registered",
    "end_work",
    "passport_key",
    "record_passport",
    "register",
    "register_within",
]

T = TypeVar("T")

_BASES: Final = ("work_permit", "press_card", "permanent_residence")
_ALPHA3: Final = re.compile("[A-Z]{3}")
_NUMBER: Final = re.compile("[A-Z0-9]{4,20}")
_EARLIEST: Final = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class NewRegistration:
    """What is told of a person and the work.

    Args:
        surname, given: as in the passport; a single name is the surname.
        passport_state: alpha-3 code of who issued the passport.
        basis: ``work_permit``, ``press_card`` or ``permanent_residence``, obtained on a day and valid until one.
        employer_id: None: one's own.
        wage: in yuan, such as ``30000.00``; None: not known yet.
        injury_rate: the employer's own rate of work injury insurance.
        sent: sent by a foreign employer; the domestic workplace registers.
        name_at_work: the name in the employer's papers; None: the passport's.
        number: as an authority assigned it; None: made by the rule.
        agreed: the schemes of an agreement, where the region leaves them to one.
    """

    surname: str
    given: str
    nationality: str
    passport_state: str
    passport: str
    born: date
    sex: Literal["male", "female"]
    basis: str
    obtained: date
    basis_until: date | None
    region: str
    began: date
    employer_id: str | None = None
    wage: str | None = None
    injury_rate: str | None = None
    sent: bool = False
    name_at_work: tuple[str, str] | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    agreed: Scheme = NONE


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a registration: the person, and the schemes by what they are from the first month on."""

    person_id: str
    duty: MonthDuty
    enrolled: Scheme


def register(core: Core, who: Principal, new: NewRegistration) -> Registered:
    """Register a person.

    Raises:
        StateError: ``access.*``, ``insurance.*``; never with what was told in it.
    """
    return _unique(lambda: core.database.transact(lambda session: register_within(core, session, who, new)))


def register_within(core: Core, session: Session, who: Principal, new: NewRegistration) -> Registered:
    """As :func:`register`, within a transaction that ends with it.

    Raises:
        StateError: as :func:`register`.
    """
    who.require("insurance.register")
    now = core.clock.now(session)
    today = day_of(now)
    employer_id = require_employer(core, session, who, new.employer_id)
    book = book_of(session)
    _check(book, new, today)
    insured = _person(core, session, now, book, new)
    person_id = insured.row.person_id
    current = insured.person.as_known(today)
    if any(one.employer == employer_id and one.ended is None for one in current.employments):
        raise StateError("insurance.registered", path="employer_id")
    if insured.record.died is not None and new.began > insured.record.died:
        raise StateError("insurance.day", path="began", expected="a day before the person's death")
    _write_facts(core, session, now, insured, employer_id, new)
    session.flush()
    duty, enrolled = _enrol(core, session, now, book, person_id, employer_id, new)
    insured.row.region = new.region
    insured.row.revision += 1
    insured.row.changed_at = now
    notify_insured(core, session, now, "insurance.registered", [person_id], [employer_id])
    session.flush()
    _, acts = follow(core, session, now, [person_id], who.by())
    details = {"employer": employer_id, "region": new.region, "schemes": list(scheme_names(enrolled))}
    core.audit(session, now, [Act(who.actor, "insurance.register", person_id, details), *acts], made=person_id)
    return Registered(person_id, duty, enrolled)


def end_work(core: Core, who: Principal, person_id: str, employer_id: str | None, day: date) -> None:
    """Note that a person's work with an employer has ended; contributions end with its month. Repeating is no error.

    Raises:
        StateError: ``access.*``, ``insurance.none``, ``insurance.employer``, ``insurance.day``.
    """
    who.require("insurance.register")

    def work(session: Session) -> bool:
        now = core.clock.now(session)
        require_insured(core, session, who, person_id)
        employer = require_employer(core, session, who, employer_id)
        insured = load_people(core, session, [person_id], lock=True)[person_id]
        known = [fact for fact in insured.facts if fact.recorded.is_known(day_of(now)) and fact.employer_id == employer]
        running = [fact for fact in known if fact.kind == "employment" and fact.body["ended"] is None]
        if not running:
            if any(fact.kind == "employment" for fact in known):
                return True
            raise StateError("insurance.none")
        for fact in running:
            if day < date.fromisoformat(fact.body["began"]):
                raise StateError("insurance.day", path="day", expected="a day on or after the start of work")
            replace_fact(core, session, now, fact, {**fact.body, "ended": day.isoformat()})
        for fact in known:
            if fact.kind == "enrolment" and fact.body["last_month"] is None:
                replace_fact(core, session, now, fact, {**fact.body, "last_month": month_of(day)})
        insured.row.revision += 1
        insured.row.changed_at = now
        notify_insured(core, session, now, "insurance.ended", [person_id], [employer])
        session.flush()
        _, acts = follow(core, session, now, [person_id], who.by())
        details = {"employer": employer, "day": day.isoformat()}
        core.audit(session, now, [Act(who.actor, "insurance.end", person_id, details), *acts])
        return True

    core.database.transact(work, settled=lambda session: None)


def record_passport(core: Core, who: Principal, person_id: str, state: str, number: str, until: date | None) -> None:
    """Record a new passport beside the insurance number, which it does not change (promise 1).

    Raises:
        StateError: ``access.*``, ``insurance.none``, ``insurance.document``.
    """
    who.require("insurance.register")
    _document(state, number)

    def work(session: Session) -> bool:
        require_insured(core, session, who, person_id)
        now = core.clock.now(session)
        if not _add_document(core, session, now, person_id, state, number, until):
            return True
        core.audit(session, now, [Act(who.actor, "insurance.passport", person_id)])
        return True

    _unique(lambda: core.database.transact(work, settled=lambda session: None))


def passport_key(core: Core, state: str, number: str) -> str:
    """The keyed hash by which a passport is found, as for permits."""
    return core.at_rest.digest("document", f"passport:{state}:{_normal(number)}")


def _normal(number: str) -> str:
    return re.sub("[ -]", "", number).upper()


def _document(state: str, number: str) -> None:
    if not _ALPHA3.fullmatch(state) or not _NUMBER.fullmatch(_normal(number)):
        raise StateError(
            "insurance.document", path="passport", expected="three letters, and 4 to 20 letters and digits"
        )


def _check(book: RuleBook, new: NewRegistration, today: date) -> None:
    """Hold what is told against the rules (promise 4)."""
    _document(new.passport_state, new.passport)
    if not _ALPHA3.fullmatch(new.nationality):
        raise StateError("insurance.document", path="nationality", expected="three capital letters of ISO 3166-1")
    name = PassportName(new.surname, new.given)
    if name_refusals(name) or not new.surname or not is_plain(new.surname + new.given):
        raise StateError("insurance.name", path="surname", expected="the name as in the passport")
    if not is_known(new.region) or new.region == NATION:
        raise StateError("insurance.region", path="region", expected="a region of GB/T 2260")
    if new.basis not in _BASES:
        raise StateError("insurance.basis", path="basis", expected=", ".join(_BASES))
    days = {"born": new.born, "obtained": new.obtained, "began": new.began}
    for path, day in days.items():
        if not _EARLIEST <= day <= today:
            raise StateError("insurance.day", path=path, expected="a day that has come")
    if new.born >= min(new.began, new.obtained):
        raise StateError("insurance.day", path="born", expected="a day before work and permit")
    if new.basis_until is not None and new.basis_until < new.obtained:
        raise StateError("insurance.day", path="basis_until", expected="a day after it was obtained")
    if new.wage is not None and parse_yuan(new.wage, "wage") == 0:
        raise StateError("insurance.amount", path="wage", expected="more than nothing")
    if new.injury_rate is not None:
        own_rate(book, new.region, new.began, new.injury_rate)


def _person(core: Core, session: Session, now: int, book: RuleBook, new: NewRegistration) -> Insured:
    """The person, found or made (promise 1), locked."""
    person_id = session.scalar(
        select(PersonDocument.person_id).where(
            PersonDocument.digest == passport_key(core, new.passport_state, new.passport)
        )
    )
    by_number = None
    if new.number is not None:
        key = number_key(core, read_assigned(book, new.number, day_of(now)).text)
        by_number = session.scalar(select(InsuredPerson.person_id).where(InsuredPerson.number_key == key))
        if by_number is not None and person_id not in (None, by_number):
            raise StateError("insurance.number_taken", path="number")
    person_id = person_id or by_number
    if person_id is None:
        person_id = secrets.token_hex(16)
        row = PersonRow(id=person_id, identity_key=None, created_at=now)
        write_name(core, row, f"{new.surname} {new.given}".strip())
        session.add(row)
        session.flush()
    found = load_people(core, session, [person_id], lock=True).get(person_id)
    if found is None:
        _add_insured(core, session, now, book, person_id, new)
        found = load_people(core, session, [person_id], lock=True)[person_id]
    else:
        _same(core, found, new, by_number)
    _add_document(core, session, now, person_id, new.passport_state, new.passport, None)
    return found


def _same(core: Core, found: Insured, new: NewRegistration, by_number: str | None) -> None:
    """Refuse data that contradict the record, or another number than it has."""
    record = found.record
    if (record.born, record.sex) != (new.born, new.sex):
        raise StateError("insurance.other_person", path="born", expected="what is on record")
    if compare(PassportName(record.surname, record.given), PassportName(new.surname, new.given)) is not None:
        raise StateError("insurance.other_person", path="surname", expected="what is on record")
    if new.number is not None and by_number is None and number_key(core, new.number) != found.row.number_key:
        raise StateError("insurance.other_number", path="number", expected="the number on record, which is for life")


def _add_insured(core: Core, session: Session, now: int, book: RuleBook, person_id: str, new: NewRegistration) -> None:
    today = day_of(now)
    if new.number is not None:
        assigned = read_assigned(book, new.number, today)
        number, regular = assigned.text, assigned.regular
    else:
        number, regular = make_number(book, new.nationality, new.passport, today).text, True
    record = PersonRecord(
        number, regular, new.number is not None, new.surname, new.given, new.nationality, new.born, new.sex
    )
    if session.scalar(select(InsuredPerson.person_id).where(InsuredPerson.number_key == number_key(core, number))):
        raise StateError("insurance.number_taken", path="number")
    row = InsuredPerson(
        person_id=person_id,
        region=new.region,
        state="good",
        lapsed_since=None,
        look_on=None,
        revision=1,
        created_at=now,
        changed_at=now,
    )
    write_person(core, row, record)
    session.add(row)
    session.flush()


def _add_document(
    core: Core, session: Session, now: int, person_id: str, state: str, number: str, until: date | None
) -> bool:
    """Record a passport; False where the person has it already.

    Raises:
        StateError: ``insurance.document_taken``.
    """
    digest = passport_key(core, state, number)
    owner = session.scalar(select(PersonDocument.person_id).where(PersonDocument.digest == digest))
    if owner is not None:
        if owner != person_id:
            raise StateError("insurance.document_taken", path="passport")
        return False
    row = PersonDocument(
        id=secrets.token_hex(16),
        person_id=person_id,
        kind="passport",
        digest=digest,
        until=until.isoformat() if until else None,
        created_at=now,
    )
    content = f'{{"state":"{state}","number":"{_normal(number)}"}}'.encode()
    row.record = core.at_rest.seal(Place("person_documents", "record", row.id), content)
    session.add(row)
    session.flush()
    return True


def _write_facts(
    core: Core, session: Session, now: int, insured: Insured, employer_id: str, new: NewRegistration
) -> None:
    person_id = insured.row.person_id
    last = new.basis_until.isoformat() if new.basis_until else None
    basis = {"kind": new.basis, "obtained": new.obtained.isoformat(), "first": new.obtained.isoformat(), "last": last}
    bound = employer_id if new.basis == "work_permit" else None
    there = any(
        one.kind == new.basis
        and one.first <= new.obtained
        and (one.last is None or one.last >= new.obtained)
        and one.employer in (None, bound)
        for one in insured.person.bases
    )
    if not there:
        add_fact(core, session, now, person_id, "basis", basis, bound)
    at_work = new.name_at_work
    same_name = at_work is None or compare(PassportName(new.surname, new.given), PassportName(*at_work)) is None
    employment: dict[str, Any] = {
        "region": new.region,
        "began": new.began.isoformat(),
        "ended": None,
        "wage": None if new.wage is None else parse_yuan(new.wage, "wage"),
        "injury_rate": new.injury_rate,
        "sent": new.sent,
        "same_name": same_name,
    }
    add_fact(core, session, now, person_id, "employment", employment, employer_id)
    if new.agreed:
        agreement = {
            "kind": "join",
            "first": new.began.isoformat(),
            "last": None,
            "schemes": list(scheme_names(new.agreed)),
        }
        add_fact(core, session, now, person_id, "agreement", agreement, employer_id)


def _enrol(
    core: Core, session: Session, now: int, book: RuleBook, person_id: str, employer_id: str, new: NewRegistration
) -> tuple[MonthDuty, Scheme]:
    """Enrol the person (promise 3)."""
    person = load_people(core, session, [person_id])[person_id].person.as_known(day_of(now))
    duties = Duties(book)
    employment = next(one for one in person.employments if one.employer == employer_id and one.ended is None)
    duty = duties.month(person, employment, month_of(day_of(now)))
    enrolled = duty.due | duty.exempt
    if enrolled:
        body = {
            "region": new.region,
            "schemes": list(scheme_names(enrolled)),
            "registered": day_of(now).isoformat(),
            "first_month": month_of(new.began),
            "last_month": None,
        }
        add_fact(core, session, now, person_id, "enrolment", body, employer_id)
    return duty, enrolled


def _unique(work: Callable[[], T]) -> T:
    """Do it again once where somebody else made the same person at the same moment."""
    try:
        return work()
    except IntegrityError:
        try:
            return work()
        except IntegrityError:
            raise StateError("insurance.number_taken", path="number") from None
