"""Employers that ceased, merged into another one, or are named by another code, and a region that is no more."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import NotFound
from issuer.accounts.organisations import NewOrganisation, change_code, create_organisation, find_organisation
from issuer.insurance.books import record
from issuer.insurance.models import InsuranceEntry
from issuer.insurance.months import month_text, parse_month
from issuer.insurance.new_entries import entry_from
from issuer.insurance.overview import employer_overview
from issuer.insurance.reconciliation import reconciled
from issuer.insurance.registration import register
from issuer.insurance.views import report_on
from issuer.permits.models import Employer
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.test_registration import BY, code, entry, pay, registered
from tests.kit.insured import new_registration
from tests.kit.people import credit_code, make, organisation

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def found(agency: Agency, employer_id: str, state: str, merged_into: str | None = None) -> None:
    """What an officer found about an employer."""

    def write(session: Session) -> None:
        row = Employer(organisation_id=employer_id, state=state, region="310115", licence_until=None,
                       merged_into=merged_into, revision=1, changed_at=0)  # fmt: skip
        session.add(row)

    agency.core.database.transact(write)


def paid_by(agency: Agency) -> list[str]:
    query = select(InsuranceEntry.employer_id).order_by(InsuranceEntry.month)
    return list(agency.core.database.read(lambda session: session.scalars(query).all()))


@pytest.mark.parametrize("state", ["ceased", "merged"])
def test_employer_of_before_registers_nobody_and_its_debts_are_still_paid(agency: Agency, state: str) -> None:
    _, number = registered(agency)
    found(agency, agency.employer_id, state)
    for who in (agency.employer, agency.officer):
        new = new_registration(2, employer_id=agency.employer_id)
        assert code(lambda who=who, new=new: register(agency.core, who.who(), new)) == (
            "insurance.employer_ended",
            "employer_id",
        )
    pay(agency, number, "2026-03", schemes=("pension",))
    assert paid_by(agency) == [agency.employer_id]


@pytest.mark.parametrize("state", ["ceased", "merged"])
def test_employer_of_before_still_reads_what_it_owes(agency: Agency, state: str) -> None:
    """Its findings and books, as do officials; another employer reads neither."""
    person_id, number = registered(agency)
    pay(agency, number, "2026-03", schemes=("pension",))
    found(agency, agency.employer_id, state)
    for who in (agency.employer, agency.officer):
        assert employer_overview(agency.core, who.who(), agency.employer_id).staff == 1
        (row,) = reconciled(agency.core, who.who(), agency.employer_id, parse_month("2026-03"))
        assert row.person_id == person_id
    stranger = make(
        agency.issuing_service,
        "employer",
        "stranger-1",
        organisation_id=organisation(agency.issuing_service, "employer", 9),
    )
    for look in (employer_overview, partial(reconciled, month=parse_month("2026-03"))):
        with pytest.raises(NotFound, match=r"insurance\.employer"):
            look(agency.core, stranger.who(), agency.employer_id)


def test_successor_pays_for_the_employer_that_it_took_over_and_for_no_other(agency: Agency) -> None:
    _, number = registered(agency)
    between, last, other = (organisation(agency.issuing_service, "employer", place) for place in (7, 8, 9))
    found(agency, agency.employer_id, "merged", between)
    found(agency, between, "merged", last)
    pay(agency, number, "2026-03", schemes=("pension",), employer_code=agency.code_of(last))
    pay(agency, number, "2026-04", schemes=("pension",))
    assert paid_by(agency) == [agency.employer_id, agency.employer_id]
    # The same payment under either code is the same.
    twice = code(lambda: pay(agency, number, "2026-04", schemes=("pension",), employer_code=agency.code_of(last)))
    assert twice == ("insurance.entry_twice", "rows.0.month")
    strange = entry(agency, number, "2026-05", employer_code=agency.code_of(other))
    assert code(lambda: record(agency.core, [entry_from(strange)], BY, "0" * 32))[0] == "insurance.entry_no_work"


def test_employer_is_named_by_the_code_it_has_and_by_those_it_had(agency: Agency) -> None:
    """Its rows stay its own, reports go on, and the same payment under either code is the same."""
    person_id, number = registered(agency)
    before = agency.code_of(agency.employer_id)
    pay(agency, number, "2026-03", schemes=("pension",))
    core = agency.core

    def rename(new: str) -> None:
        core.database.transact(
            lambda session: change_code(core, session, core.clock.now(session), agency.employer_id, new)
        )

    rename(credit_code(70))
    assert agency.code_of(agency.employer_id) == credit_code(70)
    pay(agency, number, "2026-04", schemes=("pension",), employer_code=before)
    pay(agency, number, "2026-05", schemes=("pension",))
    assert paid_by(agency) == [agency.employer_id] * 3
    assert code(lambda: pay(agency, number, "2026-03", schemes=("pension",)))[0] == "insurance.entry_twice"
    found = report_on(core, person_id, None, None)
    assert {line.employer for line in found.lines} == {agency.employer_id}
    assert [month_text(line.month) for line in found.lines if line.paid] == ["2026-03", "2026-04", "2026-05"]
    administrator = make(agency.issuing_service, "administrator", "administrator.one").who()
    for named in (before, f" {before.lower()} ", credit_code(70)):
        shown = find_organisation(core, administrator, named, "employer")
        assert (shown.organisation_id, shown.code) == (agency.employer_id, credit_code(70))
    assert code(lambda: find_organisation(core, administrator, before, "agency"))[0] == "organisation.none"
    # Nobody else may be registered under a code that this employer has or had, and it may go back to its own.
    for taken in (before, credit_code(70)):
        new = NewOrganisation("employer", taken, "Another")
        assert code(lambda new=new: create_organisation(core, administrator, new)) == ("organisation.exists", "code")
    rename(before)
    pay(agency, number, "2026-06", schemes=("pension",), employer_code=credit_code(70))
    assert paid_by(agency) == [agency.employer_id] * 4


def test_region_that_was_merged_into_another_is_refused_by_its_old_code(agency: Agency) -> None:
    """Laiwu (371200) has been part of Jinan (370100) since 2019."""
    old = code(lambda: registered(agency, region="371202"))
    assert old == ("insurance.region", "region")
    assert registered(agency, region="370116")
