"""Views of a person's insurance, by role.

Promises:

1. The holder and officials see the whole number; employers and agencies its last four characters.
2. An employer, and an agency for it, sees what is of its own employment (months, sums, schemes, region, and for as long
   as that goes on whether the insurance has lapsed), never another's.
3. States of schemes are computed from record and rules when they are shown, never stored beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, NotFound
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .answering import Answered, states_of
from .answers import Answer, rule_brief
from .compliance import compliance_of_day
from .coverage import Duties
from .departure import choices_of
from .findings import Report
from .history import Employment, Person
from .leaving import Choice
from .ledger import balances
from .models import InsuranceFact, InsuredPerson
from .money import in_yuan
from .months import month_of, month_text
from .parties import require_insured, seen_by, seen_employers, staff_of
from .records import Insured, certificate_of, load_people
from .schemes import Scheme, scheme_names
from .treaties import judge_certificate

__all__ = [
    "EmploymentView",
    "InsuranceView",
    "MonthView",
    "certificate_answer",
    "compliance_of",
    "insured_people",
    "leaving_of",
    "list_insurance",
    "report_day",
    "report_on",
    "scheme_states",
    "show_insurance",
    "statement",
    "steps_of",
]

SchemeState = Literal[
    "ENROLLED", "EXEMPT", "SUSPENDED", "TERMINATED", "not_eligible", "disputed", "not_enrolled", "no_rule"
]
_ROLE_SEES_NUMBER: Final = frozenset({"holder"})


@dataclass(frozen=True, slots=True)
class EmploymentView:
    """An employment as it is shown."""

    employer_id: str
    region: str
    began: str
    ended: str | None


@dataclass(frozen=True, slots=True)
class InsuranceView:
    """A person's insurance.

    Args:
        number: the whole number, or None for whoever sees the last four characters alone.
        schemes: the state of each.
        state: ``good`` or ``lapsed``; ``lapsed_since`` a day; both None for an employer of before.
    """

    person_id: str
    name: str
    number: str | None
    number_last4: str
    number_regular: bool | None
    region: str
    state: str | None
    lapsed_since: str | None
    schemes: Mapping[str, str]
    employments: list[EmploymentView]
    rules: list[dict[str, Any]]
    revision: int


@dataclass(frozen=True, slots=True)
class MonthView:
    """What was reported and paid for a month with an employer, by scheme; sums in yuan."""

    month: str
    employer_id: str
    scheme: str
    reported: str
    paid_employer: str
    paid_employee: str
    payments: int


def show_insurance(core: Core, who: Principal, person_id: str) -> InsuranceView:
    """A person's insurance.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
    """

    def look(session: Session) -> InsuranceView:
        return next(_views(core, session, who, [_load(core, session, who, person_id)]))

    return core.database.read(look)


def list_insurance(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[InsuranceView]:
    """A page of the insurance of the people whom somebody sees, in the order of their ids.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[InsuranceView]:
        people = load_people(core, session, _seen(core, session, who, after, limit), books=False)
        return list(_views(core, session, who, people.values()))

    return core.database.read(look)


def _views(core: Core, session: Session, who: Principal, people: Iterable[Insured]) -> Iterator[InsuranceView]:
    today, book = day_of(int(core.clock.local())), book_of(session)
    employers = seen_employers(core, session, who)
    whole = who.role.official or who.role.name in _ROLE_SEES_NUMBER
    for insured in people:
        person = _of_employers(insured.person.as_known(today), employers)
        states, rules = scheme_states(book, person, today)
        running = [one for one in person.employments if one.ended is None or one.ended >= today]
        alone = employers is None or bool(running)
        record = insured.record
        yield InsuranceView(
            insured.row.person_id,
            f"{record.surname} {record.given}".strip(),
            record.number if whole else None,
            record.number[-4:],
            record.regular,
            insured.row.region if employers is None else _newest_region(person),
            insured.row.state if alone else None,
            insured.row.lapsed_since if alone else None,
            states,
            [_employment(one) for one in person.employments],
            rules,
            insured.row.revision,
        )


def insured_people(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[str]:
    """A page of the ids of the insured people that somebody sees, in their order.

    Raises:
        NotAllowed: ``access.*``.
    """

    return core.database.read(lambda session: _seen(core, session, who, after, limit))


def _seen(core: Core, session: Session, who: Principal, after: str, limit: int) -> list[str]:
    seen, employers = seen_by(core, session, who), seen_employers(core, session, who)
    if employers is None:
        query = page_of(select(InsuredPerson.person_id).where(seen), InsuredPerson.person_id, after, limit)
    else:
        # By the staff: to find them among everybody who is insured would take longer the fewer they are.
        query = page_of(staff_of(employers).distinct(), InsuranceFact.person_id, after, limit)
    return list(session.scalars(query))


def scheme_states(book: RuleBook, person: Person, today: date) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The state of each scheme on a day, and the rows that decide."""
    month = month_of(today)
    duties = Duties(book)
    running = [one for one in person.employments if one.began <= today and (one.ended is None or one.ended >= today)]
    found = [duties.month(person, one, month) for one in running]
    enrolled = ended = Scheme(0)
    for enrolment in person.enrolments:
        if enrolment.last_month is None or enrolment.last_month >= month:
            enrolled |= enrolment.schemes
        else:
            ended |= enrolment.schemes
    states: dict[str, str] = {}
    for scheme in Scheme:
        state: SchemeState = "TERMINATED" if ended & scheme else "not_enrolled"
        if any(duty.exempt & scheme for duty in found):
            state = "EXEMPT"
        elif any(duty.not_eligible & scheme for duty in found):
            state = "not_eligible"
        elif enrolled & scheme:
            state = "ENROLLED" if running else "SUSPENDED"
        elif any(duty.disputed & scheme for duty in found):
            state = "disputed"
        elif found and all(duty.reason == "no_rule" for duty in found):
            state = "no_rule"
        states[scheme_names(scheme)[0]] = state
    rules = {rule.name: rule for duty in found for rule in duty.rules}
    return states, [rule_brief(rule) for rule in rules.values()]


def statement(core: Core, who: Principal, person_id: str, year: int | None = None) -> list[MonthView]:
    """What was reported and paid in a year (by default this one), month by month; an employer sees its own months.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
    """

    def look(session: Session) -> list[MonthView]:
        insured = _load(core, session, who, person_id)
        employers = seen_employers(core, session, who)
        first = ((year or day_of(int(core.clock.local())).year) - 1970) * 12
        last = first + 11
        rows = [
            (month, employer, scheme, balance)
            for (employer, month, scheme), balance in balances(insured.person.entries).items()
            if first <= month <= last and (employers is None or employer in employers)
        ]
        return [
            MonthView(
                month_text(month),
                employer,
                scheme_names(scheme)[0],
                in_yuan(balance.reported),
                in_yuan(balance.paid_employer),
                in_yuan(balance.paid_employee),
                balance.payments,
            )
            for month, employer, scheme, balance in sorted(rows, key=lambda row: row[:3])
        ]

    return core.database.read(look)


def compliance_of(
    core: Core, who: Principal, person_id: str, as_of: date | None, known_on: date | None
) -> tuple[Report, dict[str, Answered]]:
    """The compliance report about a person, and where its findings stand, by their keys; an employer sees what is about
    its own employment.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
        Invalid: ``insurance.day``.
    """
    day = report_day(core, as_of, known_on)

    def look(session: Session) -> tuple[Report, dict[str, Answered]]:
        insured = _load(core, session, who, person_id)
        employers = seen_employers(core, session, who)
        found = compliance_of_day(book_of(session), day, known_on).report(insured.person)
        if employers is not None:
            found = Report(
                found.as_of,
                found.known_on,
                tuple(line for line in found.lines if line.employer in employers),
                tuple(finding for finding in found.findings if finding.employer in employers),
            )
        return found, states_of(core, session, person_id, list(found.findings))

    return core.database.read(look)


def report_day(core: Core, as_of: date | None, known_on: date | None) -> date:
    """The day that a report is about; by default today.

    Raises:
        Invalid: ``insurance.day``: a day to come; every month until it would be worked out.
    """
    today = day_of(int(core.clock.local()))
    for path, day in (("as_of", as_of), ("known_on", known_on)):
        if day is not None and day > today:
            raise Invalid("insurance.day", path=path, expected="a day that has come")
    return as_of or today


def steps_of(core: Core, who: Principal, person_id: str, key: str) -> Answered:
    """Where a finding of today's report stands.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``, ``insurance.no_finding``.
    """
    _, states = compliance_of(core, who, person_id, None, None)
    if key not in states:
        raise NotFound("insurance.no_finding", path="key")
    return states[key]


def report_on(core: Core, person_id: str, as_of: date | None, known_on: date | None) -> Report:
    """The whole report about a person, for the host.

    Raises:
        NotFound: ``insurance.none``.
    """

    def look(session: Session) -> Report:
        insured = load_people(core, session, [person_id]).get(person_id)
        if insured is None:
            raise NotFound("insurance.none")
        day = as_of or day_of(int(core.clock.local()))
        return compliance_of_day(book_of(session), day, known_on).report(insured.person)

    return core.database.read(look)


def certificate_answer(core: Core, who: Principal, person_id: str, certificate_id: str) -> Answer:
    """What was decided on a certificate, by its record: the same words as when it was handed in.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
    """

    def look(session: Session) -> Answer:
        insured = _load(core, session, who, person_id)
        certificates = [fact for fact in insured.facts if fact.kind == "certificate"]
        place = next((number for number, fact in enumerate(certificates) if fact.id == certificate_id), None)
        if place is None:
            raise NotFound("insurance.none")
        fact = certificates[place]
        earlier = [certificate_of(one.body) for one in certificates[:place] if one.body["outcome"] == "accepted"]
        return judge_certificate(book_of(session), certificate_of(fact.body), earlier, fact.recorded.on)

    return core.database.read(look)


def leaving_of(core: Core, who: Principal, person_id: str) -> list[Choice]:
    """What a person can choose who leaves, with what each choice means; after a death, the heirs.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
    """

    def look(session: Session) -> list[Choice]:
        insured = _load(core, session, who, person_id)
        today = day_of(int(core.clock.local()))
        return choices_of(session, insured, today)

    return core.database.read(look)


def _of_employers(person: Person, employers: set[str] | None) -> Person:
    """A person as these employers see them: their own employments and what follows from those; None: all."""
    if employers is None:
        return person
    return replace(
        person,
        employments=tuple(one for one in person.employments if one.employer in employers),
        agreements=tuple(one for one in person.agreements if one.employer in employers),
        enrolments=tuple(one for one in person.enrolments if one.employer in employers),
    )


def _newest_region(person: Person) -> str:
    newest = max(person.employments, key=lambda one: one.began, default=None)
    return "" if newest is None else newest.region


def _load(core: Core, session: Session, who: Principal, person_id: str) -> Insured:
    require_insured(core, session, who, person_id)
    return load_people(core, session, [person_id])[person_id]


def _employment(one: Employment) -> EmploymentView:
    ended = None if one.ended is None else one.ended.isoformat()
    return EmploymentView(one.employer, one.region, one.began.isoformat(), ended)
