"""A person's year, and months that two employers share."""

from __future__ import annotations

from datetime import date

import pytest

from issuer.insurance.lapses import follow_due
from issuer.insurance.registration import end_work, register
from issuer.insurance.yearly import Share, SharedMonth, yearly_statement
from issuer.service.app import make_service
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.test_registration import BY, code, holder_of, pay, registered, state
from tests.kit.callers import by_session
from tests.kit.insured import new_registration
from tests.kit.people import Somebody, make, organisation
from verifier.runtime.http import Drain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def moved(agency: Agency) -> tuple[str, str, str, Somebody]:
    """Somebody who leaves one employer on 10 June and begins with another on the 15th."""
    person_id, number = registered(agency)
    end_work(agency.core, agency.employer.who(), person_id, None, date(2026, 6, 10))
    firm = organisation(agency.issuing_service, "employer", 7)
    other = make(agency.issuing_service, "employer", "employer.seven", organisation_id=firm)
    register(agency.core, other.who(), new_registration(1, began=date(2026, 6, 15)))
    return person_id, number, firm, other


def test_month_of_two_employers_counts_once_and_shows_what_both_paid(agency: Agency) -> None:
    person_id, number, firm, other = moved(agency)
    pay(agency, number, "2026-05", "2026-06", schemes=("pension", "medical"))
    there = {"employer_code": agency.code_of(firm)}
    pay(agency, number, "2026-06", "2026-07", schemes=("pension",), **there)
    # Neither pays for a month in which nobody worked there.
    for who, month in (({}, "2026-07"), (there, "2026-05")):
        wrong = code(lambda who=who, month=month: pay(agency, number, month, schemes=("medical",), **who))
        assert wrong == ("insurance.entry_no_work", "rows.0.month")
    holder = holder_of(agency, person_id)
    app = make_service(agency.core, Drain())
    path = f"/v1/insurance/people/{person_id}/yearly-statement"
    found = by_session(app, holder.enter())("GET", f"{path}?year=2026").json()
    assert [(row["scheme"], row["months"], row["paid_employer"]) for row in found["schemes"]] == [
        ("pension", 3, "19200.00"),
        ("medical", 2, "9600.00"),
    ]
    both = sorted([agency.employer_id, firm])
    shares = [Share(each, "pension", "7200.00") for each in both] + [Share(agency.employer_id, "medical", "7200.00")]
    shared = yearly_statement(agency.core, agency.officer.who(), person_id, 2026).shared_months
    assert shared == [SharedMonth("2026-06", both, shares, ["pension"])]
    assert found["shared_months"][0]["paid_twice"] == ["pension"]
    # What was too much is refunded, and is paid twice no longer.
    pay(agency, number, "2026-06", schemes=("pension",), kind="refunded")
    assert yearly_statement(agency.core, holder.who(), person_id).shared_months[0].paid_twice == []
    # An employer learns nothing of the other one.
    own = by_session(app, other.enter())("GET", path).json()
    assert own["shared_months"] == []
    assert [(row["scheme"], row["months"]) for row in own["schemes"]] == [("pension", 2)]


def test_year_to_come_is_refused_and_one_without_rows_is_empty(agency: Agency) -> None:
    person_id, _ = registered(agency)
    assert code(lambda: yearly_statement(agency.core, agency.officer.who(), person_id, 2027)) == (
        "insurance.day",
        "year",
    )
    found = yearly_statement(agency.core, agency.officer.who(), person_id, 2025)
    assert (found.schemes, found.shared_months) == ([], [])


def test_month_that_the_new_employer_paid_in_full_lapses_for_neither(agency: Agency) -> None:
    person_id, number, firm, _ = moved(agency)
    pay(agency, number, "2026-03", "2026-04", "2026-05")
    assert state(agency, person_id) == ("lapsed", "2026-08-01")
    pay(agency, number, *(f"2026-{month:02d}" for month in range(6, 11)), employer_code=agency.code_of(firm))
    assert state(agency, person_id) == ("good", None)
    follow_due(agency.core, BY)
    assert state(agency, person_id) == ("good", None)
