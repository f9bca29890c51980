"""Where a document comes from and where an application is filed: stories over the API by the roles that do it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.people import Somebody, make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow

#: Iraq is no contracting state of the Apostille Convention by the shipped rows.
IRAQ = {"issuing_state": "IRQ", "issued": "2026-02-10", "authenticated_on": "2026-02-20"}


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


def test_document_of_a_state_without_apostille_needs_the_legalisation_of_the_embassy(office: PermitOffice) -> None:
    """Refused at filing with the rule, filed anew with a legalisation, verified by that, and approved."""
    record = person_record(office.today, nationality="IRQ")
    filing_id = office.draft("overseas", record, papers={"M04": {**IRAQ, "way": "apostille"}})
    refused = office.move(office.employer, filing_id, "submit")
    assert codes(refused) == [("/body/M04", "permit.paper_authentication")]
    (error,) = refused.json()["errors"]
    assert error["expected"] == "legalisation"
    assert "36" in error["rule"]
    legalised = {**office.paper("M04"), **IRAQ, "way": "legalisation"}
    office.ok(office.employer, "PUT", f"/v1/filings/{filing_id}/papers/M04", legalised)
    office.moved(office.employer, filing_id, "submit")
    office.moved(office.officer, filing_id, "pre-review")
    path = f"/v1/filings/{filing_id}/papers/M04/verify"
    seen = office.ok(office.officer, "POST", path, {"how": "legalisation"})
    paper = next(item["paper"] for item in seen["checklist"] if item["code"] == "M04")
    assert (paper["state"], paper["how"]) == ("VERIFIED", "legalisation")
    office.verify_papers(filing_id)
    office.moved(office.officer, filing_id, "accept")
    assert office.moved(office.officer, filing_id, "approve", {"category": "B"})["state"] == "APPROVED"


def shenzhen(office: PermitOffice) -> tuple[Somebody, Somebody]:
    """An officer of Shenzhen's office, and the handler of an employer there."""
    officer = make(office.issuing_service, "permit_officer", "officer.shenzhen")
    body = {"region": "440300", "name_en": "Shenzhen", "name_zh": "深圳"}
    place = office.ok(office.admin, "POST", "/v1/offices", body)
    member = {"account_id": officer.account_id}
    office.ok(office.admin, "PUT", f"/v1/offices/{place['office_id']}/members", member)
    own, office.officer = office.officer, officer
    employer = office.another_employer(7, "440305")
    office.officer = own
    return officer, employer


def test_two_regions_answer_differently_to_the_same_application(office: PermitOffice) -> None:
    """A 61-year-old in A: Shenzhen wants a guarantee and promises seven working days, Shanghai neither."""
    officer, employer = shenzhen(office)
    record = person_record(office.today, birth="1965-01-15", category="A", facts={"founder": True})
    here = office.accepted("overseas", record)
    there = office.draft("overseas", {**record, "passport": "C01X00099"}, employer, papers={"M18": None})
    missing = office.move(employer, there, "submit")
    assert ("/body/M18", "permit.paper_missing") in codes(missing)
    office.ok(employer, "PUT", f"/v1/filings/{there}/papers/M18", {})
    office.moved(employer, there, "submit")
    office.moved(officer, there, "pre-review")
    office.moved(officer, there, "accept")
    ours, theirs = (
        office.ok(by, "GET", f"/v1/filings/{name}") for by, name in ((office.officer, here), (officer, there))
    )
    materials = [{item["code"] for item in one["checklist"] if item["need"] == "required"} for one in (ours, theirs)]
    assert materials[1] - materials[0] == {"M18"}
    promised = [[clock for clock in one["clocks"] if clock["name"] == "D04"] for one in (ours, theirs)]
    assert promised[0] == []
    assert [(clock["due"], "440300" in str(clock) or "Shenzhen" in str(clock)) for clock in promised[1]] == [
        ("2026-03-11", True)
    ]
    assert office.ask(office.officer, "GET", f"/v1/filings/{there}").status_code == 404, "each office sees its own"
