"""Identify an insured person by passport or insurance number, or create one with a number for life.

Promises:

1. A person is found by the passport or the insurance number, and made where neither is known. The number is made once
   by the numbering rule or taken as assigned. A number that another person has is refused.
2. A new passport is recorded beside the number and changes nothing: by an official, or by the present employer. What an
   employer reports is on no card before it is confirmed (:mod:`issuer.permits.people`).
3. What contradicts the record, or the passport of somebody who was not insured before, is refused, never taken over.
   Which field does is said to officials alone: whoever knew a passport's number would find out the rest field by field.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.models import Person as PersonRow
from issuer.accounts.people import normal_number, passport_digest, write_name
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.models import PersonDocument
from issuer.permits.names import PassportName, compare
from issuer.permits.people import REPORTED, document_moment, passport_of
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place

from .models import InsuredPerson
from .numbers import make_number, read_assigned
from .parties import refuse_own, require_insured, seen_employers
from .records import Insured, PersonRecord, load_people, number_key, write_person

__all__ = ["Identity", "check_document", "find_or_make", "made_once", "record_passport", "require_staff"]

T = TypeVar("T")

_ALPHA3: Final = re.compile("[A-Z]{3}")
_NUMBER: Final = re.compile("[A-Z0-9]{4,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is reported about a person's identity.

    Args:
        surname, given: as in the passport; a single name is the surname.
        passport_state: alpha-3 code of who issued the passport.
        number: the insurance number as an authority assigned it; None: made by the rule.
    """

    surname: str
    given: str
    nationality: str
    passport_state: str
    passport: str
    born: date
    sex: Literal["male", "female"]
    number: str | None = field(default=None, repr=False)

    @property
    def name(self) -> PassportName:
        """The name as in the passport."""
        return PassportName(self.surname, self.given)


def record_passport(core: Core, who: Principal, person_id: str, state: str, number: str, until: date | None) -> None:
    """Record a new passport beside the insurance number, which it does not change (promise 2).

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
        Invalid: ``insurance.document``.
    """
    who.require("insurance.register")
    check_document(state, number)

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        refuse_own(who, person_id)
        require_staff(core, session, who, person_id)
        official = who.role.official
        record = load_people(core, session, [person_id])[person_id].record
        told = {
            "surname": record.surname,
            "given": record.given,
            "nationality": record.nationality,
            "birth": record.born.isoformat(),
            "sex": record.sex,
            **passport_of(core, session, person_id),
        }
        if not _add_document(core, session, now, person_id, state, number, until, told, confirmed=official):
            return True
        unit.audit("insurance.passport", person_id)
        return True

    made_once(lambda: core.transact(who.by(), work, settled=lambda session: None))


def require_staff(core: Core, session: Session, who: Principal, person_id: str) -> None:
    """Refuse an employer, or an agency for one, for whom the person works no more.

    Raises:
        NotFound: ``insurance.none``.
    """
    employers = seen_employers(core, session, who)
    if employers is None:
        return
    person = load_people(core, session, [person_id])[person_id].person.as_known(day_of(core.clock.now(session)))
    if not any(one.employer in employers and one.ended is None for one in person.employments):
        raise NotFound("insurance.none")


def check_document(state: str, number: str) -> None:
    """Refuse a passport that can be none.

    Raises:
        Invalid: ``insurance.document``.
    """
    if not _ALPHA3.fullmatch(state) or not _NUMBER.fullmatch(normal_number(number)):
        raise Invalid("insurance.document", path="passport", expected="three letters, and 4 to 20 letters and digits")


def find_or_make(
    core: Core, session: Session, now: int, book: RuleBook, new: Identity, region: str, *, confirmed: bool
) -> Insured:
    """The person, found or made (promise 1), locked.

    Args:
        region: where a new person is insured.
        confirmed: whether an official reports it.

    Raises:
        Conflict: ``insurance.number_taken``, ``insurance.document_taken``.
        Invalid: ``insurance.other_person``, ``insurance.other_number``, ``insurance.number``.
    """
    digest = passport_digest(core, new.passport_state, new.passport)
    document = session.scalars(select(PersonDocument).where(PersonDocument.digest == digest)).one_or_none()
    person_id = None if document is None else document.person_id
    by_number = None
    if new.number is not None:
        key = number_key(core, read_assigned(book, new.number, day_of(now)).text)
        by_number = session.scalar(select(InsuredPerson.person_id).where(InsuredPerson.number_key == key))
        if by_number is not None and person_id not in (None, by_number):
            raise Conflict("insurance.number_taken", path="number")
    person_id = person_id or by_number
    if person_id is None:
        person_id = secrets.token_hex(16)
        row = PersonRow(id=person_id, identity_key=None, created_at=now)
        write_name(core, row, new.name.shown)
        session.add(row)
        session.flush()
    found = load_people(core, session, [person_id], lock=True).get(person_id)
    known = passport_of(core, session, person_id) if found is None else {}
    contradicted = _of_passport(known, new) if found is None else _of_record(found.record, new)
    if contradicted is not None:
        path = contradicted if confirmed else "passport"
        raise Invalid("insurance.other_person", path=path, expected="what is on record")
    if found is None:
        _add_insured(core, session, now, book, person_id, new, region)
        found = load_people(core, session, [person_id], lock=True)[person_id]
    elif new.number is not None and by_number is None and number_key(core, new.number) != found.row.number_key:
        raise Invalid("insurance.other_number", path="number", expected="the number on record, which is for life")
    told = {
        "surname": new.surname,
        "given": new.given,
        "nationality": new.nationality,
        "birth": new.born.isoformat(),
        "sex": new.sex,
    }
    _add_document(core, session, now, person_id, new.passport_state, new.passport, None, told, confirmed=confirmed)
    return found


def _of_passport(known: Mapping[str, Any], new: Identity) -> str | None:
    """The field that contradicts the confirmed passport of a person who was not insured before; None: none does."""
    told = {
        "birth": ("born", new.born.isoformat()),
        "sex": ("sex", new.sex),
        "nationality": ("nationality", new.nationality),
    }
    for name, (path, value) in told.items():
        # A sex that is neither female nor male is on no number of social insurance.
        if known.get(name) not in (None, "other", value):
            return path
    other = known and compare(PassportName(known["surname"], known["given"]), new.name) is not None
    return "surname" if other else None


def _of_record(record: PersonRecord, new: Identity) -> str | None:
    """The field that contradicts an insured person's record; None: none does."""
    if (record.born, record.sex) != (new.born, new.sex):
        return "born"
    if record.nationality != new.nationality:
        return "nationality"
    return None if compare(PassportName(record.surname, record.given), new.name) is None else "surname"


def _add_insured(
    core: Core, session: Session, now: int, book: RuleBook, person_id: str, new: Identity, region: str
) -> None:
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
        raise Conflict("insurance.number_taken", path="number")
    row = InsuredPerson(
        person_id=person_id,
        region=region,
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
    core: Core,
    session: Session,
    now: int,
    person_id: str,
    state: str,
    number: str,
    until: date | None,
    told: Mapping[str, str],
    *,
    confirmed: bool,
) -> bool:
    """Record a passport, or confirm one that was reported; False where the person has it already.

    Args:
        told: the person's fields in it.
        confirmed: whether an official reports it.

    Raises:
        Conflict: ``insurance.document_taken``.
    """
    digest = passport_digest(core, state, number)
    owner = session.scalars(select(PersonDocument).where(PersonDocument.digest == digest)).one_or_none()
    if owner is not None:
        if owner.person_id != person_id:
            raise Conflict("insurance.document_taken", path="passport")
        if owner.kind != REPORTED or not confirmed:
            return False
    at = document_moment(session, now, person_id)
    row = owner or PersonDocument(id=secrets.token_hex(16), person_id=person_id, digest=digest)
    row.kind = "passport" if confirmed else REPORTED
    row.until, row.created_at = until.isoformat() if until else row.until, at
    # In the form that permits read: the passport's own fields beside the person's.
    content = {**told, "number": normal_number(number), "until": row.until}
    row.record = core.at_rest.seal(Place("person_documents", "record", row.id), json.dumps(content).encode())
    session.add(row)
    session.flush()
    return True


def made_once(work: Callable[[], T]) -> T:
    """Do it again once where somebody else made the same person at the same moment.

    Raises:
        Conflict: ``insurance.number_taken``.
    """
    try:
        return work()
    except IntegrityError:
        try:
            return work()
        except IntegrityError:
            raise Conflict("insurance.number_taken", path="number") from None
