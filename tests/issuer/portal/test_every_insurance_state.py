"""What is followed about somebody's insurance, in each of its states: everybody who sees it reads whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest

from issuer.insurance import registration
from issuer.insurance.answering import answer_finding
from issuer.insurance.claim_records import show_claim
from issuer.insurance.claim_stops import stop_claims_for
from issuer.insurance.claims import Grant, apply_claim, decide_claim, withdraw_claim
from issuer.insurance.months import month_of
from issuer.insurance.service_grants import answer_report, report_refusal
from issuer.insurance.views import compliance_of
from issuer.portal.catalogue import Words
from tests.issuer.portal.test_every_state import Pages
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
from tests.kit.furnished_town import furnish
from tests.kit.insured import new_registration
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice
from tests.kit.portal import Town, town

pytestmark = [pytest.mark.slow, pytest.mark.walk]
Step = Literal["explained", "contested", "settled", "closed", "open"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    new = furnish(town(tmp_path_factory.mktemp("insurance"), office=True))
    yield new
    new.issuing_service.core.close()


@pytest.fixture
def office(made: Town) -> PermitOffice:
    assert made.office is not None
    return made.office


def test_finding_in_each_state(made: Town, office: PermitOffice) -> None:
    """Beside the finding, for the person, the employer and the agency's officer; the person's insurance has lapsed."""
    pages, people, core = Pages(office), made.people, made.issuing_service.core
    resident, employer, officer = people["resident"], people["employer"], people["insurance_officer"]
    person_id, path = made.ids["insured"], f"insurance/{made.ids['insured']}"
    pages.says(path, "insurance_lapsed", resident, employer, officer, day=True)
    pages.says(path, "finding_open", resident, employer, officer, day=True)
    report, _ = compliance_of(core, employer.who(), person_id, None, None)
    steps: list[tuple[Step, str]] = [
        ("explained", "employer"),
        ("contested", "employer"),
        ("settled", "insurance_officer"),
        ("open", "insurance_officer"),
        ("closed", "insurance_officer"),
    ]
    for state, role in steps:
        answer_finding(core, people[role].who(), person_id, report.findings[0].key, state, "For this reason.")
        pages.says(path, f"finding_{state}", resident, employer, officer, day=True)


def test_insurance_that_is_good_and_that_nobody_pays_for(made: Town, office: PermitOffice) -> None:
    """Somebody who began today is insured; after the end of work nobody pays, and no day runs."""
    pages, people, core = Pages(office), made.people, made.issuing_service.core
    employer, officer = people["employer"], people["insurance_officer"]
    new = new_registration(71, surname="Novak", given="Jana", nationality="CZE", passport_state="CZE",
                           obtained=office.today, began=office.today, employer_id=made.employer_id)  # fmt: skip
    person_id = registration.register(core, officer.who(), new).person_id
    novak = make(made.issuing_service, "holder", "novak-1", person_id=person_id)
    pages.says(f"insurance/{person_id}", "insurance_good", novak, employer, officer, day=True)
    registration.end_work(core, officer.who(), person_id, made.employer_id, office.today)
    office.travel(office.today + timedelta(days=2))
    pages.says(f"insurance/{person_id}", "insurance_none", novak, officer)


def test_claim_and_report_of_a_refusal_in_each_state(made: Town, office: PermitOffice) -> None:
    pages, people, core = Pages(office), made.people, made.issuing_service.core
    resident, beijinger, officer = people["resident"], people["beijinger"], people["insurance_officer"]
    claim = made.ids["claim"]
    pages.says(f"benefits/claims/{claim}", "claim_filed", resident, officer, day=True)
    withdraw_claim(core, resident.who(), claim)
    pages.says(f"benefits/claims/{claim}", "claim_withdrawn", resident, officer)
    claim = apply_claim(core, resident.who(), made.ids["insured"], "pension", {}, "")
    decide_claim(core, officer.who(), claim, None, "Too young.")
    pages.says(f"benefits/claims/{claim}", "claim_refused", resident, officer, day=True)
    report = made.ids["refusal"]
    pages.says(f"services/refusals/{report}", "refusal_open", beijinger, officer)
    answer_report(core, officer.who(), report, "upheld", "The gate takes it now.")
    pages.says(f"services/refusals/{report}", "refusal_upheld", beijinger, officer)
    report = report_refusal(core, beijinger.who(), "tourism", office.today, "East gate", "They were closed.")
    answer_report(core, officer.who(), report, "dismissed", "The park was closed.")
    pages.says(f"services/refusals/{report}", "refusal_dismissed", beijinger, officer)


def test_claim_that_was_granted_and_then_stopped(made: Town, office: PermitOffice) -> None:
    """The person and the agency's officer read what is paid and what was, and since when nothing is; each finds the
    claim in their list. An officer records the payment on the page."""
    pages, people, core = Pages(office), made.people, made.issuing_service.core
    resident, officer, person_id = people["resident"], people["insurance_officer"], made.ids["insured"]
    claim = apply_claim(core, resident.who(), person_id, "work_injury", {}, "I fell from a ladder at work.")
    grant = Grant("1975.00", month_of(office.today))
    decide_claim(core, officer.who(), claim, grant, "Recognised on site.", {"injury_recognised": True})
    path, t = f"benefits/claims/{claim}", Words("en")

    def read(path: str, *said: str) -> None:
        for somebody in (resident, officer):
            page = words(pages.text(somebody, path))
            assert [one for one in said if one not in page] == [], (path, somebody.login)

    pages.says(path, "claim_granted", resident, officer)
    read(path, "Recognised on site.", "1975.00", "Ordered")
    (order,) = show_claim(core, officer.who(), claim).orders
    assert "Record payment" not in pages.text(resident, path)
    by_page = Person(pages.app, officer.enter())
    answer = by_page.post(f"{path}/paid", order=order.order_id, day=office.today.isoformat())
    assert answer.status_code == 303, answer.text
    paid = f"1975.00 Paid {t.day(office.today, short=True)}"
    read(path, paid)

    assert stop_claims_for(core, officer.who(), person_id, "recovered", office.today) == 1
    pages.says(path, "claim_stopped", resident, officer)
    read(path, f"Stopped on {t.day(office.today)}", "(recovered)", paid)
    for somebody, listed in ((resident, "benefits?"), (officer, "benefits?show=all&")):
        page = Person(pages.app, somebody.enter()).get(f"{listed}lang=en").text
        (row,) = (row for row in page.split("<tr") if path in row)
        assert "Stopped" in words(row)
