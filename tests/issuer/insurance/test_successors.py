"""Employers that were merged: whoever worked there goes on with the successor, and no month is owed twice."""

from __future__ import annotations

from datetime import date

import pytest

from issuer.acts import Actor
from issuer.insurance import successors, views
from issuer.insurance.departure import record_death
from issuer.insurance.history import Employment, Person
from issuer.insurance.months import month_of, month_text
from issuer.insurance.overview import employer_overview
from issuer.insurance.reconciliation import reconciled
from issuer.insurance.records import load_people
from issuer.insurance.registration import end_work, register
from issuer.insurance.successors import follow_mergers
from issuer.insurance.views import report_on
from issuer.permits.models import Employer
from issuer.rules.days import day_of
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.test_former_employers import found, paid_by
from tests.issuer.insurance.test_registration import SCHEMES, code, pay, registered
from tests.kit.insured import new_registration
from tests.kit.people import Somebody, make, organisation

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WORKER = Actor("worker")
MARCH, NOVEMBER = month_of(date(2026, 3, 1)), month_of(date(2026, 11, 1))
DAY = 86_400


def successor(agency: Agency, number: int = 7) -> Somebody:
    """A handler of another employer."""
    other = organisation(agency.issuing_service, "employer", number)
    return make(agency.issuing_service, "employer", f"employer.{number}", organisation_id=other)


def merge(agency: Agency, into: Somebody) -> None:
    found(agency, agency.employer_id, "merged", into.who().organisation_id)


def known(agency: Agency, person_id: str) -> Person:
    """The person as the record has them today."""
    core = agency.core
    today = day_of(int(agency.issuing_service.clock.at))
    return core.database.read(lambda session: load_people(core, session, [person_id]))[person_id].person.as_known(today)


def spans(person: Person) -> dict[str, tuple[date, date | None]]:
    return {one.employer: (one.began, one.ended) for one in person.employments}


def same_terms(one: Employment, other: Employment) -> bool:
    return (one.wage, one.region, one.injury_rate, one.sent) == (
        other.wage,
        other.region,
        other.injury_rate,
        other.sent,
    )


def test_work_goes_on_with_the_successor_from_the_next_month(agency: Agency) -> None:
    """On the same terms and registered as before; what is paid and owed is each month's once."""
    person_id, number = registered(agency)
    pay(agency, number, *(f"2026-{month:02d}" for month in range(3, 11)))
    into = successor(agency)
    into_id = into.who().organisation_id or ""
    merge(agency, into)
    assert follow_mergers(agency.core, WORKER) == 1
    assert follow_mergers(agency.core, WORKER) == 0

    person = known(agency, person_id)
    assert spans(person) == {
        agency.employer_id: (date(2026, 3, 1), date(2026, 11, 30)),
        into_id: (date(2026, 12, 1), None),
    }
    assert same_terms(*person.employments)
    enrolled = {one.employer: (one.first_month, one.last_month, one.registered) for one in person.enrolments}
    day = enrolled[agency.employer_id][2]
    assert enrolled == {
        agency.employer_id: (MARCH, NOVEMBER, day),
        into_id: (NOVEMBER + 1, None, day),
    }
    assert set(views.show_insurance(agency.core, into.who(), person_id).schemes.values()) == {"ENROLLED"}

    agency.issuing_service.later(70 * DAY)
    pay(agency, number, "2026-11", "2026-12", employer_code=agency.code_of(into_id), day="2027-01-10")
    assert paid_by(agency)[-8:] == [agency.employer_id] * 4 + [into_id] * 4
    report = report_on(agency.core, person_id, None, None)
    months = [month_text(line.month) for line in report.lines]
    assert len(months) == len(set(months)) == 12
    assert {finding.kind for finding in report.findings if finding.employer == into_id} <= {"no_rule_known"}
    assert set(views.show_insurance(agency.core, into.who(), person_id).schemes.values()) == {"ENROLLED"}


def test_end_of_work_in_the_month_of_the_merger_is_reported_by_the_successor(agency: Agency) -> None:
    person_id, _ = registered(agency)
    into = successor(agency)
    merge(agency, into)
    follow_mergers(agency.core, WORKER)
    too_early = code(lambda: end_work(agency.core, into.who(), person_id, None, date(2026, 2, 28)))
    assert too_early == ("insurance.day", "day")
    end_work(agency.core, into.who(), person_id, None, date(2026, 10, 28))
    person = known(agency, person_id)
    assert spans(person) == {agency.employer_id: (date(2026, 3, 1), date(2026, 10, 28))}
    assert [(one.employer, one.last_month) for one in person.enrolments] == [(agency.employer_id, NOVEMBER - 1)]


def test_a_death_in_the_month_of_the_merger_ends_what_was_to_go_on(agency: Agency) -> None:
    person_id, _ = registered(agency)
    merge(agency, successor(agency))
    follow_mergers(agency.core, WORKER)
    record_death(agency.core, agency.officer.who(), person_id, date(2026, 11, 20))
    person = known(agency, person_id)
    assert spans(person) == {agency.employer_id: (date(2026, 3, 1), date(2026, 11, 20))}
    assert [one.last_month for one in person.enrolments] == [NOVEMBER]


def test_somebody_whom_the_successor_employs_already_has_one_employment_there(agency: Agency) -> None:
    person_id, _ = registered(agency)
    into = successor(agency)
    assert register(agency.core, into.who(), new_registration(1, began=date(2026, 5, 1))).person_id == person_id
    merge(agency, into)
    assert follow_mergers(agency.core, WORKER) == 1
    person = known(agency, person_id)
    assert spans(person) == {
        agency.employer_id: (date(2026, 3, 1), date(2026, 11, 30)),
        into.who().organisation_id: (date(2026, 5, 1), None),
    }
    assert len(person.enrolments) == len(person.employments) == 2


def test_work_that_had_ended_stays_and_the_successor_sees_it(agency: Agency) -> None:
    """The debts of before are the successor's: it sees the record, and its overview and its months have them."""
    gone, _ = registered(agency)
    end_work(agency.core, agency.employer.who(), gone, None, date(2026, 8, 31))
    stays, number = registered(agency, 2)
    pay(agency, number, "2026-04", schemes=SCHEMES)
    into = successor(agency)
    assert views.insured_people(agency.core, into.who()) == []
    before = employer_overview(agency.core, agency.employer.who(), None)
    merge(agency, into)
    assert follow_mergers(agency.core, WORKER) == 1
    assert spans(known(agency, gone)) == {agency.employer_id: (date(2026, 3, 1), date(2026, 8, 31))}
    assert views.insured_people(agency.core, into.who()) == sorted([gone, stays])
    after = employer_overview(agency.core, into.who(), None)
    assert after.staff == 2
    assert [(row.kind, row.findings, row.people) for row in after.rows] == [
        (row.kind, row.findings, row.people) for row in before.rows
    ]
    assert {row.employer_id for row in after.rows} == {into.who().organisation_id}
    april = {one.person_id: one.paid for one in reconciled(agency.core, into.who(), None, MARCH + 1)}
    assert april == {gone: 0, stays: 4 * 720_000}


def test_over_several_mergers_people_follow_to_the_employer_that_goes_on(agency: Agency) -> None:
    person_id, _ = registered(agency)
    between, last = successor(agency, 7), successor(agency, 8)
    merge(agency, between)
    found(agency, between.who().organisation_id or "", "merged", last.who().organisation_id)
    follow_mergers(agency.core, WORKER)
    assert set(spans(known(agency, person_id))) == {agency.employer_id, last.who().organisation_id}


def test_a_turn_that_was_stopped_is_taken_up_again(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [registered(agency, number)[0] for number in (1, 2, 3)]
    into = successor(agency)
    merge(agency, into)
    monkeypatch.setattr(successors, "CHUNK", 1)
    assert follow_mergers(agency.core, WORKER, stop=iter([False, True]).__next__) == 1

    def taken_over() -> int | None:
        return agency.core.database.read(lambda session: session.get_one(Employer, agency.employer_id).taken_over_at)

    assert taken_over() is None
    assert follow_mergers(agency.core, WORKER) == 2
    assert taken_over() is not None
    assert all(into.who().organisation_id in spans(known(agency, one)) for one in people)
