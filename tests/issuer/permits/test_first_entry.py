"""First entry: from the draft to a code that verifies, by the roles that do it, over the API alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.callers import problem
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def token_of(office: PermitOffice, filing_id: str) -> dict[str, Any]:
    return office.ok(office.employer, "GET", f"/v1/filings/{filing_id}/notification")


def activation(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"token": found["token"], "number": found["number"], "surname": "Vogel", "given": "Hannelore B"}
    return {**body, "checked": True, **changes}


def test_first_entry_of_a_b_from_draft_to_a_verified_code(office: PermitOffice) -> None:
    filing = office.approved("overseas", person_record(office.today))
    assert (filing["state"], filing["moves"]) == ("APPROVED", ["deliver"])
    permit = office.permit(filing["permit_id"])
    assert (permit["state"], permit["card_id"], permit["may_work"]) == ("GRANTED", None, False)
    found = token_of(office, filing["filing_id"])
    assert (len(found["number"]), found["until"]) == (18, "2026-05-31")
    made = office.ok(office.officer, "POST", "/v1/permits/activations", activation(found))
    permit = office.permit(made["permit_id"])
    assert (permit["state"], permit["may_work"]) == ("ACTIVE", True)
    assert office.verdict(*(office.code(permit, name) for name in ("public", "work", "authority"))) == ["VALID"] * 3
    card = office.ok(office.officer, "GET", f"/v1/cards/{permit['card_id']}")
    assert card["card"]["holder"]["name"] == "VOGEL HANNELORE B"
    assert card["card"]["permit"]["number"] == found["number"]


def test_notification_works_once_and_for_its_person_alone(office: PermitOffice) -> None:
    filing = office.approved("overseas", person_record(office.today))
    found = token_of(office, filing["filing_id"])
    path = "/v1/permits/activations"
    for changes, code in (
        ({"surname": "Adler"}, (422, "notification.person")),
        ({"given": ""}, (422, "notification.person")),
        ({"number": "1" * 18}, (422, "notification.person")),
        ({"token": "x" * 32}, (404, "notification.unknown")),
        ({"checked": False}, (422, "notification.unchecked")),
    ):
        assert problem(office.ask(office.officer, "POST", path, activation(found, **changes))) == code
    assert office.permit(filing["permit_id"])["state"] == "GRANTED"
    assert problem(office.ask(office.employer, "POST", path, activation(found)))[0] == 403
    key = "the-same-request-again"
    first = office.ask(office.officer, "POST", path, activation(found), key=key)
    again = office.ask(office.officer, "POST", path, activation(found), key=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert problem(office.ask(office.second, "POST", path, activation(found))) == (404, "notification.unknown")
    assert problem(office.ask(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")) == (
        404,
        "notification.unknown",
    )


def test_notification_runs_out(office: PermitOffice) -> None:
    filing = office.approved("overseas", person_record(office.today))
    found = token_of(office, filing["filing_id"])
    office.travel("2026-05-31")
    assert office.turn().notifications == 0
    office.travel("2026-06-01")
    path = "/v1/permits/activations"
    assert problem(office.ask(office.officer, "POST", path, activation(found))) == (409, "notification.over")
    assert office.turn().notifications == 1
    assert office.permit(filing["permit_id"])["state"] == "EXPIRED"
    assert problem(office.ask(office.officer, "POST", path, activation(found))) == (404, "notification.unknown")


def test_category_a_files_with_commitments_and_the_officer_records_what_was_checked(office: PermitOffice) -> None:
    promised = {"committed_until": "2026-08-31"}
    record = person_record(office.today, category="A", facts={"founder": True})
    filing_id = office.filed("overseas", record, papers=dict.fromkeys(("M02", "M03", "M04", "M05"), promised))
    office.moved(office.officer, filing_id, "pre-review")
    office.moved(office.officer, filing_id, "accept")
    answer = office.move(office.officer, filing_id, "approve", {"category": "A"})
    assert problem(answer) == (422, "filing.refused")
    assert {one["code"] for one in answer.json()["errors"]} == {"permit.paper_unverified"}
    office.verify_papers(filing_id)
    approved = office.moved(office.officer, filing_id, "approve", {"category": "A"})
    papers = {item["code"]: item["paper"] for item in approved["checklist"] if item["paper"]}
    assert (papers["M04"]["how"], papers["M04"]["committed_until"]) == ("commitment", "2026-08-31")


def test_b_may_not_promise_a_no_crime_certificate(office: PermitOffice) -> None:
    filing_id = office.draft("overseas", person_record(office.today), papers={"M04": {"committed_until": "2026-08-31"}})
    answer = office.move(office.employer, filing_id, "submit")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/body/M04", "permit.no_commitment")]
    assert answer.json()["errors"][0]["rule"].endswith("rule M04)")
