"""The six ends of a permit over the API: who decides them, after which hearing, and what stands on record."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from issuer.audit.models import Read
from tests.kit.callers import problem
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def cancellation(office: PermitOffice, **changes: Any) -> dict[str, Any]:
    facts = person_record(office.today)["facts"]
    return {"ended_on": office.today.isoformat(), "ground": "dismissed", "signed": True, "facts": facts, **changes}


def unsigned(office: PermitOffice, permit: dict[str, Any], **changes: Any) -> str:
    """A cancellation that the person did not sign, accepted and with its papers verified."""
    record = cancellation(office, signed=False, **changes)
    return office.accepted("cancellation", record, permit_id=permit["permit_id"])


def hearings(office: PermitOffice, permit: dict[str, Any]) -> list[dict[str, Any]]:
    return list(office.ok(office.officer, "GET", f"/v1/permits/{permit['permit_id']}/hearings")["items"])


def heard(office: PermitOffice, permit: dict[str, Any], end: str) -> None:
    """An officer opens a hearing, and the person states their case."""
    holder = office.holder(permit)
    body = {"end": end, "reason": "The degree is not in the register."}
    made = office.ok(office.officer, "POST", f"/v1/permits/{permit['permit_id']}/hearings", body)
    path = f"/v1/hearings/{made['hearing_id']}/statement"
    office.ok(holder, "POST", path, {"statement": "The degree is mine."})


def kinds(office: PermitOffice, somebody: Any) -> set[str]:
    return {one["kind"] for one in office.ok(somebody, "GET", "/v1/notices")["items"]}


def test_cancellation_without_signature_waits_for_the_hearing(office: PermitOffice) -> None:
    permit = office.employed()
    holder = office.holder(permit)
    filing_id = unsigned(office, permit)
    (hearing,) = hearings(office, permit)
    assert (hearing["end"], hearing["state"], hearing["until"]) == ("cancelled.dismissed", "OPEN", "2026-03-09")
    assert "permit.hearing" in kinds(office, holder)
    answer = office.move(office.officer, filing_id, "approve", {})
    assert [one["code"] for one in answer.json()["errors"]] == ["permit.not_heard"]
    assert "article 36" in answer.json()["errors"][0]["rule"]
    path = f"/v1/hearings/{hearing['hearing_id']}/statement"
    words = {"statement": "I was not dismissed."}
    assert problem(office.ask(office.employer, "POST", path, words)) == (404, "hearing.none"), "it is the filer"
    office.ok(holder, "POST", path, words)
    assert problem(office.ask(holder, "POST", path, words)) == (409, "process.move")
    assert "permit.stated" in kinds(office, office.officer)
    (hearing,) = hearings(office, permit)
    assert (hearing["state"], hearing["statement"], hearing["stated_by"]) == ("HEARD", words["statement"], "holder")
    office.moved(office.officer, filing_id, "approve", {})
    assert office.permit(permit["permit_id"])["state"] == "CANCELLED"


def test_hearing_is_over_when_its_last_day_is(office: PermitOffice) -> None:
    permit = office.employed()
    filing_id = unsigned(office, permit)
    office.travel("2026-03-09", hour=23)
    assert office.turn().hearings == 0
    assert office.move(office.officer, filing_id, "approve", {}).status_code == 422
    office.travel("2026-03-10", hour=0)
    assert office.turn().hearings == 1
    office.moved(office.officer, filing_id, "approve", {})
    assert office.permit(permit["permit_id"])["ends"][0]["kind"] == "cancelled"


def test_death_needs_no_hearing_and_is_an_end_of_its_own(office: PermitOffice) -> None:
    permit = office.employed()
    code = office.code(permit)
    filing_id = unsigned(office, permit, ground="death")
    assert hearings(office, permit) == []
    office.moved(office.officer, filing_id, "approve", {})
    ended = office.permit(permit["permit_id"])
    assert (ended["state"], ended["ends"][0]["kind"], ended["may_work"]) == ("DEAD", "dead", False)
    assert office.verdict(code) == ["revoked"]


TWO = [
    ("cancelled.left_china", "CANCELLED", "article 70"),
    ("dead.death", "DEAD", "article 70"),
    ("revoked.fraud", "REVOKED", "article 69"),
    ("revoked.wrongly_granted", "REVOKED", "article 69"),
    ("withdrawn.law_changed", "WITHDRAWN", "article 8"),
    ("withdrawn.facts_changed", "WITHDRAWN", "article 8"),
    ("licence_withdrawn.penalty", "LICENCE_WITHDRAWN", "articles 70, 80"),
]


def test_end_without_an_application_takes_two_officers(office: PermitOffice) -> None:
    for number, (end, state, article) in enumerate(TWO, 1):
        permit = office.employed(number)
        code = office.code(permit)
        arguments = {"permit_id": permit["permit_id"], "end": end}
        if end != "dead.death":
            assert problem(office.asked("permit.end", arguments)) == (422, "permit.not_heard")
            heard(office, permit, end)
        asked = office.asked("permit.end", arguments).json()["confirmation_id"]
        assert office.permit(permit["permit_id"])["state"] == "ACTIVE", "one alone ends nothing"
        assert problem(office.confirmed(asked, office.officer)) == (403, "confirm.same_person")
        assert office.confirmed(asked).status_code == 200
        ended = office.permit(permit["permit_id"])
        assert (ended["state"], ended["may_work"]) == (state, False)
        (record,) = ended["ends"]
        kind, _, ground = end.partition(".")
        assert (record["kind"], record["record"]["ground"]) == (kind, ground)
        assert article in record["record"]["basis"]["en"]
        assert record["record"]["title"]["zh"]
        assert [one["way"] for one in record["record"]["redress"]] == ["reconsideration", "court"]
        assert record["record"]["redress"][0]["until"] == "2026-05-06", "60 days end on a holiday"
        assert "confirmed_by" not in record["record"], "who decided is for the audit"
        assert office.verdict(code) == ["revoked"]
        assert problem(office.asked("permit.end", arguments)) == (409, "process.move")


def test_unknown_ground_and_another_region_are_refused(office: PermitOffice) -> None:
    permit = office.employed()
    arguments = {"permit_id": permit["permit_id"], "end": "expired.not_extended"}
    assert problem(office.asked("permit.end", arguments)) == (422, "permit.ground")
    stranger = make(office.issuing_service, "permit_officer", "suzhou")
    body = {"region": "320500", "name_en": "Suzhou", "name_zh": "苏州"}
    other = office.ok(office.admin, "POST", "/v1/offices", body)["office_id"]
    office.ok(office.admin, "PUT", f"/v1/offices/{other}/members", {"account_id": stranger.account_id})
    there = {"permit_id": permit["permit_id"], "end": "dead.death"}
    assert problem(office.asked("permit.end", there, stranger)) == (404, "permit.none")


def test_request_about_a_permit_is_no_business_of_another_region(office: PermitOffice) -> None:
    """An officer of another region is not notified of a request for its end, sees none, and cannot even refuse it."""
    permit = office.employed()
    stranger = make(office.issuing_service, "permit_officer", "suzhou")
    body = {"region": "320500", "name_en": "Suzhou", "name_zh": "苏州"}
    other = office.ok(office.admin, "POST", "/v1/offices", body)["office_id"]
    office.ok(office.admin, "PUT", f"/v1/offices/{other}/members", {"account_id": stranger.account_id})
    asked = office.asked("permit.end", {"permit_id": permit["permit_id"], "end": "dead.death"}).json()
    path = f"/v1/confirmations/{asked['confirmation_id']}"
    assert (
        "confirmation.wanted" in kinds(office, office.second),
        "confirmation.wanted" in kinds(office, stranger),
    ) == (
        True,
        False,
    )
    assert office.ok(stranger, "GET", "/v1/confirmations")["items"] == []
    assert problem(office.ask(stranger, "GET", path)) == (404, "confirm.none")
    for verb in ("refuse", "confirm"):
        assert problem(office.ask(stranger, "POST", f"{path}/{verb}")) == (404, "confirm.none"), verb
    assert [one["confirmation_id"] for one in office.ok(office.second, "GET", "/v1/confirmations")["items"]] == [
        asked["confirmation_id"]
    ]
    assert office.confirmed(asked["confirmation_id"]).status_code == 200


def test_request_of_an_officer_who_has_left_the_region_is_not_confirmed(office: PermitOffice) -> None:
    permit = office.employed()
    body = {"region": "320500", "name_en": "Suzhou", "name_zh": "苏州"}
    other = office.ok(office.admin, "POST", "/v1/offices", body)["office_id"]
    asked = office.asked("permit.end", {"permit_id": permit["permit_id"], "end": "dead.death"}).json()
    member = {"account_id": office.officer.account_id}
    office.ok(office.admin, "PUT", f"/v1/offices/{other}/members", member)
    assert problem(office.confirmed(asked["confirmation_id"])) == (409, "confirm.asker_gone")
    assert office.ok(office.second, "GET", f"/v1/permits/{permit['permit_id']}")["state"] == "ACTIVE"
    office.join(office.officer)
    assert office.confirmed(asked["confirmation_id"]).status_code == 200


def test_forged_report_leads_to_a_refusal_with_a_warning(office: PermitOffice) -> None:
    filing_id = office.accepted("overseas", person_record(office.today))
    path = f"/v1/filings/{filing_id}/papers/M05"
    note = {"note": "The hospital has not issued this report."}
    forged = office.ok(office.officer, "POST", f"{path}/forged", note)
    assert next(one["paper"]["state"] for one in forged["checklist"] if one["code"] == "M05") == "FORGED"
    assert problem(office.move(office.employer, filing_id, "withdraw")) == (409, "filing.forged")
    answer = office.move(office.officer, filing_id, "approve", {"category": "B"})
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/body/M05"]
    assert problem(office.ask(office.officer, "POST", f"{path}/verify", {"how": "seen_original"})) == (
        409,
        "process.move",
    )
    reasons = {"reasons": [{"path": "M05", "text": "The report is forged."}]}
    refused = office.moved(office.officer, filing_id, "refuse", reasons)
    warning = refused["events"][-1]["record"]["warning"]
    assert "article 78" in warning["rule"]["en"]
    assert "警告" in warning["title"]["zh"]


def test_forged_paper_is_not_replaced_after_a_return(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    path = f"/v1/filings/{filing_id}/papers/M05"
    office.ok(office.officer, "POST", f"{path}/forged", {"note": "Not issued by this hospital."})
    office.moved(office.officer, filing_id, "return", {"defects": [{"path": "M04", "text": "Not legible."}]})
    assert problem(office.ask(office.employer, "PUT", path, office.paper("M05"))) == (409, "filing.forged")


def test_forgery_found_after_the_approval_leads_to_a_revocation(office: PermitOffice) -> None:
    permit = office.employed()
    (filing,) = office.ok(office.officer, "GET", "/v1/filings")["items"]
    path = f"/v1/filings/{filing['filing_id']}/papers/M03/forged"
    office.ok(office.officer, "POST", path, {"note": "The university knows no such degree."})
    (hearing,) = hearings(office, permit)
    assert (hearing["end"], hearing["reason"]) == ("revoked.fraud", "The university knows no such degree.")
    office.travel(hearing["until"], hour=12)
    office.travel("2026-03-10")
    office.turn()
    office.ended(permit, "revoked.fraud")
    assert office.permit(permit["permit_id"])["state"] == "REVOKED"


def test_after_a_revocation_two_officers_let_the_person_apply_again(office: PermitOffice) -> None:
    permit = office.employed()
    heard(office, permit, "revoked.wrongly_granted")
    office.ended(permit, "revoked.wrongly_granted")
    filing_id = office.accepted("in_country", person_record(office.today))
    answer = office.move(office.officer, filing_id, "approve", {"category": "B"})
    assert problem(answer) == (409, "permit.readmission")
    arguments = {"permit_id": permit["permit_id"]}
    assert office.confirmed(office.asked("permit.readmit", arguments).json()["confirmation_id"]).status_code == 200
    assert problem(office.asked("permit.readmit", arguments)) == (409, "process.move")
    office.moved(office.officer, filing_id, "approve", {"category": "B"})
    seen = office.permit(permit["permit_id"])
    assert (seen["state"], seen["number"], seen["readmitted"]) == ("ACTIVE", permit["number"], True)
    assert seen["card_id"] != permit["card_id"]
    assert office.verdict(office.code(seen)) == ["VALID"]


def own_cancellation(office: PermitOffice, holder: Any, permit: dict[str, Any]) -> str:
    """The draft of a cancellation by the person, with its papers."""
    record = cancellation(office, ground="employer_gone")
    return office.draft("cancellation", record, holder, permit_id=permit["permit_id"])


def test_employer_vanished_and_the_person_cancels(office: PermitOffice) -> None:
    permit = office.employed()
    holder = office.holder(permit)
    record = cancellation(office, ground="employer_gone")
    body = {"process": "cancellation", "permit_id": permit["permit_id"], "record": record}
    refused = office.ask(holder, "POST", "/v1/filings", body)
    assert (problem(refused), "D09" in refused.text) == ((422, "filing.employer_files"), True)
    state = {"move": "cease", "reason": "Struck off the register."}
    office.ok(office.officer, "POST", f"/v1/employers/{office.employer_id}/state", state)
    filing_id = own_cancellation(office, holder, permit)
    assert problem(office.ask(office.employer, "GET", f"/v1/filings/{filing_id}")) == (404, "filing.none")
    office.moved(holder, filing_id, "submit")
    assert office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")["moves"] == []
    assert problem(office.move(office.employer, filing_id, "withdraw")) == (403, "filing.not_yours")
    assert office.ok(holder, "GET", f"/v1/filings/{filing_id}")["moves"] == ["withdraw"]
    office.moved(office.officer, filing_id, "pre-review")
    office.verify_papers(filing_id)
    office.moved(office.officer, filing_id, "accept")
    office.moved(office.officer, filing_id, "approve", {})
    ended = office.permit(permit["permit_id"])
    assert (ended["state"], ended["ends"][0]["record"]["ground"]) == ("CANCELLED", "employer_gone")


def test_holder_reports_leaving_and_files_when_the_employer_does_not(office: PermitOffice) -> None:
    permit = office.employed()
    holder = office.holder(permit)
    path = f"/v1/permits/{permit['permit_id']}/leaving"
    assert problem(office.ask(holder, "POST", path, {"day": "2026-03-03"})) == (422, "filing.future")
    office.ok(holder, "POST", path, {"day": "2026-02-27"})
    assert problem(office.ask(holder, "POST", path, {"day": "2026-02-27"})) == (409, "permit.reported")
    assert "permit.left" in kinds(office, office.employer)
    assert "permit.left" in kinds(office, office.officer)
    assert office.permit(permit["permit_id"])["leaving"] == {"day": "2026-02-27", "employer_files_by": "2026-03-16"}
    body = {"process": "cancellation", "permit_id": permit["permit_id"], "record": cancellation(office)}
    office.travel("2026-03-16")
    assert problem(office.ask(holder, "POST", "/v1/filings", body)) == (422, "filing.employer_files")
    office.travel("2026-03-17")
    filing_id = own_cancellation(office, holder, permit)
    office.moved(holder, filing_id, "submit")


def test_holder_files_nothing_but_their_own_cancellation(office: PermitOffice) -> None:
    permit = office.employed()
    holder = office.holder(permit)
    other = office.employed(2)
    for process, permit_id, code in (
        ("extension", permit["permit_id"], "filing.field"),
        ("cancellation", other["permit_id"], "filing.no_permit"),
        ("cancellation", None, "filing.no_permit"),
    ):
        body = {"process": process, "permit_id": permit_id}
        assert problem(office.ask(holder, "POST", "/v1/filings", body)) == (422, code)
    filing_id = office.filed("cancellation", cancellation(office), permit_id=permit["permit_id"])
    assert problem(office.move(holder, filing_id, "withdraw")) == (403, "filing.not_yours")


def test_an_employers_statement_ends_nobodys_hearing(office: PermitOffice) -> None:
    """It stands beside the person's, once, and the person is heard all the same; who looked in office is on record."""
    permit = office.employed()
    holder = office.holder(permit)
    body = {"end": "revoked.fraud", "reason": "The degree is not in the register."}
    made = office.ok(office.officer, "POST", f"/v1/permits/{permit['permit_id']}/hearings", body)
    path = f"/v1/hearings/{made['hearing_id']}/statement"
    office.ok(office.employer, "POST", path, {"statement": "He told us so too."})
    assert problem(office.ask(office.employer, "POST", path, {"statement": "Again."})) == (409, "process.move")
    (hearing,) = hearings(office, permit)
    assert (hearing["state"], hearing["statement"]) == ("OPEN", None)
    office.ok(holder, "POST", path, {"statement": "The degree is mine."})
    (hearing,) = hearings(office, permit)
    assert (hearing["state"], hearing["statement"], hearing["stated_by"]) == ("HEARD", "The degree is mine.", "holder")
    assert hearing["employer_statement"] == "He told us so too."
    pseudonym = office.core.at_rest.pseudonym("subject", f"permit:{permit['permit_id']}")
    looks = select(func.count()).where(Read.subject == pseudonym, Read.role == "permit_officer")
    assert (office.core.database.read(lambda session: session.scalar(looks)) or 0) >= 3


def test_what_an_officer_writes_down_leaves_the_hearing_open_and_the_holder_gets_notice(office: PermitOffice) -> None:
    permit = office.employed()
    holder = office.holder(permit)
    filing_id = unsigned(office, permit)
    (hearing,) = hearings(office, permit)
    path = f"/v1/hearings/{hearing['hearing_id']}/statement"
    told = {"statement": "She said that she agrees."}
    office.ok(office.officer, "POST", path, told)
    assert problem(office.ask(office.officer, "POST", path, told)) == (409, "process.move")
    assert "permit.recorded" in kinds(office, holder)
    assert "permit.recorded" not in kinds(office, office.employer)
    answer = office.move(office.officer, filing_id, "approve", {})
    assert [one["code"] for one in answer.json()["errors"]] == ["permit.not_heard"], "one officer alone ends no hearing"
    office.ok(holder, "POST", path, {"statement": "I never said so."})
    (seen,) = hearings(office, permit)
    assert (seen["state"], seen["statement"], seen["stated_by"]) == ("HEARD", "I never said so.", "holder")
    assert seen["recorded_statement"] == told["statement"]
    assert problem(office.ask(office.second, "POST", path, told)) == (409, "process.move"), "it is over"


def test_hearing_with_what_an_officer_wrote_down_is_over_after_its_last_day(office: PermitOffice) -> None:
    permit = office.employed()
    filing_id = unsigned(office, permit)
    (hearing,) = hearings(office, permit)
    office.ok(office.officer, "POST", f"/v1/hearings/{hearing['hearing_id']}/statement", {"statement": "She agrees."})
    office.travel("2026-03-09", hour=23)
    assert office.turn().hearings == 0
    office.travel("2026-03-10", hour=0)
    assert office.turn().hearings == 1
    office.moved(office.officer, filing_id, "approve", {})
