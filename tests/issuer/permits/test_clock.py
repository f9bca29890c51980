"""The authority's clock over the API: pre-review, returns, silence, prolongation, refusal with its redress."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.orm import Session

from issuer.permits.models import Filing
from tests.kit.callers import problem
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow

M04 = {"defects": [{"path": "M04", "text": "The certificate is not legible."}]}


def test_clocks_name_day_rule_and_certainty(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert [(clock["name"], clock["due"], clock["provisional"]) for clock in seen["clocks"]] == [
        ("D01", "2026-03-09", False),
        ("D02", "2026-03-09", False),
    ]
    assert seen["clocks"][1]["rule"]["en"].startswith("Administrative Licensing Law, article 32")
    assert seen["clocks"][1]["title"]["zh"] == "一次性告知补正内容"
    assert seen["moves"] == ["withdraw"]
    office.moved(office.officer, filing_id, "pre-review")
    accepted = office.moved(office.officer, filing_id, "accept")
    assert [(clock["name"], clock["due"]) for clock in accepted["clocks"]] == [("D03", "2026-03-30")]
    assert accepted["moves"] == ["approve", "pause", "refuse", "resume"]


def test_silence_counts_as_acceptance_from_receipt(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    office.travel("2026-03-09", hour=23)
    assert office.turn().accepted == 0
    office.travel("2026-03-10", hour=0)
    answer = office.move(office.officer, filing_id, "return", M04)
    assert problem(answer) == (422, "filing.late")
    assert "article 32" in answer.json()["errors"][0]["rule"]
    assert office.turn().accepted == 1
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert (seen["state"], seen["accepted_on"]) == ("ACCEPTED", "2026-03-02")
    assert [clock["due"] for clock in seen["clocks"]] == ["2026-03-30"]
    assert [(event["move"], event["by"]) for event in seen["events"]][-1] == ("accept_by_silence", "clock")
    assert office.turn().accepted == 0, "a repetition moves nothing"


def test_return_names_all_defects_and_a_further_one_only_what_changed(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    returned = office.moved(office.officer, filing_id, "return", M04)
    assert (returned["state"], returned["returns"]) == ("RETURNED", 1)
    assert returned["events"][-1]["record"]["defects"] == M04["defects"]
    assert problem(office.move(office.officer, filing_id, "accept"))[0] == 409
    office.travel("2026-03-04")
    path = f"/v1/filings/{filing_id}/papers/M04"
    office.ok(office.employer, "PUT", path, office.paper("M04"))
    office.moved(office.employer, filing_id, "submit")
    forgotten = {"defects": [{"path": "M06", "text": "The contract bears no seal."}]}
    answer = office.move(office.officer, filing_id, "return", forgotten)
    assert problem(answer) == (422, "filing.known_defect")
    office.travel("2026-03-11", hour=23)
    assert office.turn().accepted == 0, "the time runs from the answer"
    again = office.moved(office.officer, filing_id, "return", M04)
    assert again["returns"] == 2
    office.moved(office.employer, filing_id, "submit")
    office.travel("2026-03-19", hour=1)
    assert office.turn().accepted == 1, "the defect that was forgotten does not stop the clock"


def test_returned_and_never_answered_ends(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    office.moved(office.officer, filing_id, "return", M04)
    office.travel("2026-04-01")
    assert office.turn().lapsed == 0
    office.travel("2026-04-02")
    assert office.turn().lapsed == 1
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert (seen["state"], seen["moves"]) == ("LAPSED", [])
    assert office.filed("overseas", person_record(office.today)), "a new application is possible"


def test_head_prolongs_once_and_the_applicant_gets_the_reason(office: PermitOffice) -> None:
    filing_id = office.accepted("overseas", person_record(office.today))
    body = {"days": 10, "reason": "An expert review of the diploma is needed."}
    assert problem(office.move(office.officer, filing_id, "prolong", body)) == (403, "access.not_allowed")
    assert problem(office.move(office.head, filing_id, "prolong", {**body, "days": 11})) == (422, "rules.prolong")
    prolonged = office.moved(office.head, filing_id, "prolong", body)
    assert [clock["due"] for clock in prolonged["clocks"]] == ["2026-04-14"]
    assert problem(office.move(office.head, filing_id, "prolong", body)) == (409, "filing.prolonged")
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert seen["events"][-1]["record"] == body
    assert problem(office.move(office.head, filing_id, "approve", {}))[0] == 403


def test_refusal_has_reasons_and_redress_with_last_days(office: PermitOffice) -> None:
    filing_id = office.accepted("overseas", person_record(office.today))
    reasons = {"reasons": [{"path": "M05", "text": "The medical report is forged; a warning is given."}]}
    refused = office.moved(office.officer, filing_id, "refuse", reasons)
    record = refused["events"][-1]["record"]
    assert record["reasons"] == reasons["reasons"]
    assert [(one["way"], one["until"]) for one in record["redress"]] == [
        ("reconsideration", "2026-05-06"),
        ("court", "2026-09-02"),
    ]
    assert record["redress"][0]["rule"]["zh"].startswith("《行政复议法》第20条")
    assert refused["moves"] == ["deliver"]
    assert problem(office.move(office.officer, filing_id, "approve", {}))[0] == 409


def test_rejected_paper_bars_approval(office: PermitOffice) -> None:
    filing_id = office.accepted("overseas", person_record(office.today))
    body = {"note": "The office that is named did not issue it."}
    office.ok(office.officer, "POST", f"/v1/filings/{filing_id}/papers/M05/reject", body)
    answer = office.move(office.officer, filing_id, "approve", {"category": "B"})
    assert [(one["pointer"], one["expected"]) for one in answer.json()["errors"]] == [("/body/M05", "VERIFIED")]
    assert problem(answer) == (422, "filing.refused")


def test_no_crime_certificate_counts_from_its_issue_though_apostilled_last_week(office: PermitOffice) -> None:
    old = {"issued": "2025-09-02", "authenticated_on": "2026-02-23"}
    filing_id = office.filed("overseas", person_record(office.today), papers={"M04": old})
    later = office.draft(
        "overseas",
        person_record(office.today, 2),
        papers={"M04": {**old, "issued": "2025-09-01"}},
    )
    answer = office.move(office.employer, later, "submit")
    (error,) = answer.json()["errors"]
    assert (error["code"], error["expected"]) == ("permit.paper_expired", "by 2026-03-01")
    path = f"/v1/filings/{filing_id}/papers/M04/verify"
    seen = office.ok(office.officer, "POST", path, {"how": "apostille"})
    paper = next(item["paper"] for item in seen["checklist"] if item["code"] == "M04")
    assert (paper["state"], paper["how"]) == ("VERIFIED", "apostille")


def test_nobody_decides_on_an_application_about_themselves(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))

    def about_the_officer(session: Session) -> None:
        session.get_one(Filing, filing_id).person_id = office.officer.person_id

    office.core.database.transact(about_the_officer)
    assert problem(office.move(office.officer, filing_id, "pre-review")) == (403, "filing.own")
    assert office.move(office.second, filing_id, "pre-review").status_code == 200


def test_officer_of_another_region_sees_nothing(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    elsewhere = make(office.issuing_service, "permit_officer", "elsewhere")
    assert problem(office.ask(elsewhere, "GET", f"/v1/filings/{filing_id}")) == (404, "filing.none")
    body = {"region": "320500", "name_en": "Suzhou", "name_zh": "苏州"}
    suzhou = office.ok(office.admin, "POST", "/v1/offices", body)["office_id"]
    office.ok(office.admin, "PUT", f"/v1/offices/{suzhou}/members", {"account_id": elsewhere.account_id})
    assert problem(office.move(elsewhere, filing_id, "pre-review")) == (404, "filing.none")
    assert office.ok(elsewhere, "GET", "/v1/filings")["items"] == []
    answer = office.ask(elsewhere, "PUT", f"/v1/employers/{office.employer_id}", {"region": "320500"})
    assert problem(answer) == (403, "office.region")


def test_stale_revision_and_a_repeated_move_are_refused(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    revision = office.ok(office.officer, "GET", f"/v1/filings/{filing_id}")["revision"]
    office.moved(office.officer, filing_id, "pre-review")
    late = office.move(office.second, filing_id, "pre-review", revision=revision)
    assert problem(late) == (412, "filing.changed")
    again = office.move(office.second, filing_id, "pre-review")
    assert problem(again) == (409, "process.move")
    assert again.json()["expected"].startswith("from PRE_REVIEWED: accept (officer, ")


@pytest.mark.parametrize("day", ["2026-12-21"])
def test_decision_beyond_the_known_calendar_is_provisional(office: PermitOffice, day: str) -> None:
    office.travel(date.fromisoformat(day))
    filing_id = office.accepted("overseas", person_record(office.today))
    (clock,) = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")["clocks"]
    assert (clock["due"], clock["provisional"]) == ("2027-01-19", True)
