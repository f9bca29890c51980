"""Pauses, transfers, what stands first in the queue, proof of delivery, and clerical corrections, over the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from issuer.permits.models import Filing
from tests.issuer.permits.test_permit_life import extension
from tests.kit.callers import problem
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow

REVIEW = {"ground": "expert_review", "reason": "Three experts review the degree."}


def days(seen: dict[str, Any]) -> dict[str, str]:
    return {clock["name"]: clock["due"] for clock in seen["clocks"]}


def test_pause_moves_the_decision_by_the_working_days_that_it_lasts(office: PermitOffice) -> None:
    filing_id = office.accepted("overseas", person_record(office.today))
    assert problem(office.move(office.officer, filing_id, "pause", {**REVIEW, "ground": "lunch"})) == (
        422,
        "filing.field",
    )
    office.travel("2026-03-05")
    paused = office.moved(office.officer, filing_id, "pause", REVIEW)
    assert (paused["paused_since"], days(paused)) == ("2026-03-05", {})
    assert "article 45" in paused["events"][-1]["record"]["rule"]["en"]
    for name, body in (("approve", {"category": "B"}), ("refuse", {"reasons": [{"path": "M04", "text": "x"}]})):
        assert problem(office.move(office.officer, filing_id, name, body)) == (409, "filing.paused")
    assert problem(office.move(office.officer, filing_id, "pause", REVIEW)) == (409, "filing.paused")
    office.travel("2026-03-12")
    office.moved(office.officer, filing_id, "resume")
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert (seen["paused_since"], days(seen)) == (None, {"D03": "2026-04-07"}), "30 March and five working days"
    assert problem(office.move(office.officer, filing_id, "resume")) == (409, "process.move")
    kinds = {one["kind"] for one in office.ok(office.employer, "GET", "/v1/notices")["items"]}
    assert {"filing.pause", "filing.resume"} <= kinds


def test_application_moves_to_another_office(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    head = make(office.issuing_service, "office_head", "suzhou.head")
    body = {"region": "320500", "name_en": "Suzhou", "name_zh": "苏州"}
    other = office.ok(office.admin, "POST", "/v1/offices", body)["office_id"]
    office.ok(office.admin, "PUT", f"/v1/offices/{other}/members", {"account_id": head.account_id})
    move = {"region": "320506", "reason": "The place of work is in Suzhou."}
    assert problem(office.move(office.head, filing_id, "transfer", {**move, "region": "440300"})) == (
        404,
        "office.none",
    )
    assert office.move(office.head, filing_id, "transfer", move).status_code == 204
    assert problem(office.ask(office.officer, "GET", f"/v1/filings/{filing_id}")) == (404, "filing.none")
    there = office.ok(head, "GET", f"/v1/filings/{filing_id}")
    assert (there["region"], there["events"][-1]["record"]["from"]) == ("320506", "310115")
    assert "filing.transfer" in {one["kind"] for one in office.ok(head, "GET", "/v1/notices")["items"]}


def test_extension_stands_first_ten_working_days_before_the_end(office: PermitOffice) -> None:
    permit = office.employed()
    office.travel("2026-04-13")
    filing_id = office.accepted("extension", extension(office, permit), permit_id=permit["permit_id"])
    office.travel("2026-05-26")
    other = office.accepted("overseas", person_record(office.today, 2))
    assert office.turn().first == 0
    office.travel("2026-05-27")
    assert office.turn().first == 1
    assert office.turn().first == 0
    queue = office.ok(office.officer, "GET", "/v1/queue")["items"]
    assert [(one["filing_id"], one["first"]) for one in queue] == [(filing_id, True), (other, False)]
    kinds = [one["kind"] for one in office.ok(office.head, "GET", "/v1/notices")["items"]]
    assert kinds.count("filing.first_in_queue") == 1
    page = office.ok(office.officer, "GET", "/v1/queue?limit=1")
    rest = office.ok(office.officer, "GET", f"/v1/queue?limit=1&cursor={page['next']}")
    assert [one["filing_id"] for one in rest["items"]] == [other]


def test_delivery_is_proven_once_and_its_clock_stops(office: PermitOffice) -> None:
    filing = office.approved("overseas", person_record(office.today))
    assert days(filing) == {"D05": "2026-03-16"}
    wrong = {"way": "window", "day": "2026-02-27", "evidence": "signed"}
    assert problem(office.move(office.officer, filing["filing_id"], "delivery", wrong)) == (422, "filing.field")
    post = office.move(office.employer, filing["filing_id"], "delivery", {"way": "post"})
    assert problem(post) == (422, "filing.field")
    office.travel("2026-03-04")
    seen = office.moved(office.employer, filing["filing_id"], "delivery", {})
    assert (seen["delivered_on"], days(seen)) == ("2026-03-04", {})
    assert seen["events"][-1]["record"]["way"] == "electronic"


def test_delivery_is_recorded_by_the_side_that_filed_and_by_no_official_about_themselves(office: PermitOffice) -> None:
    filing = office.approved("overseas", person_record(office.today))
    filing_id, holder = filing["filing_id"], office.holder(office.permit(filing["permit_id"]))
    assert problem(office.move(holder, filing_id, "delivery", {})) == (403, "filing.not_yours")
    proof = {"way": "window", "day": office.today.isoformat(), "evidence": "signed"}

    def about(person_id: str | None) -> str | None:
        def bind(session: Session) -> str | None:
            row = session.get_one(Filing, filing_id)
            before, row.person_id = row.person_id, person_id or row.person_id
            return before

        return office.core.database.transact(bind)

    person_id = about(office.officer.person_id)
    assert problem(office.move(office.officer, filing_id, "delivery", proof)) == (403, "filing.own")
    about(person_id)
    assert office.ok(office.officer, "GET", f"/v1/filings/{filing_id}")["delivered_on"] is None
    assert office.moved(office.officer, filing_id, "delivery", proof)["delivered_on"] == office.today.isoformat()


def test_clerical_error_is_put_right_with_a_record_and_new_codes(office: PermitOffice) -> None:
    permit = office.employed()
    old, path = office.code(permit), f"/v1/permits/{permit['permit_id']}/corrections"
    body = {"field": "given", "value": "HANNELORE BERTHA", "reason": "A name was left out."}

    def version() -> str:
        return f'"{office.permit(permit["permit_id"])["revision"]}"'

    assert problem(office.ask(office.officer, "POST", path, body, version='"99"')) == (412, "permit.changed")
    bad = {**body, "field": "birth", "value": "soon"}
    assert problem(office.ask(office.officer, "POST", path, bad, version=version())) == (422, "filing.field")
    seen = office.ok(office.officer, "POST", path, body, version=version())
    (correction,) = seen["corrections"]
    assert (correction["before"], correction["after"]) == ("HANNELORE B", "HANNELORE BERTHA")
    assert (seen["number"], seen["until"], len(seen["terms"])) == (permit["number"], permit["until"], 1)
    card = office.ok(office.officer, "GET", f"/v1/cards/{permit['card_id']}")["card"]
    assert card["holder"]["name"] == "VOGEL HANNELORE BERTHA"
    assert office.verdict(old, office.code(seen)) == ["replaced", "VALID"]
    post = {"field": "post", "value": "Head of design", "reason": "Misspelt."}
    seen = office.ok(office.officer, "POST", path, post, version=version())
    assert (seen["terms"][0]["post"], len(seen["corrections"])) == ("Head of design", 2)
    assert date.fromisoformat(seen["until"]) > office.today


def test_corrections_one_after_the_other_make_no_other_person(office: PermitOffice) -> None:
    """One officer alone gives nobody's card to another: of name and birth one is a slip, unless it is put back."""
    permit = office.employed()
    path = f"/v1/permits/{permit['permit_id']}/corrections"

    def correct(field: str, value: str) -> Any:
        version = f'"{office.permit(permit["permit_id"])["revision"]}"'
        body = {"field": field, "value": value, "reason": "A slip."}
        office.issuing_service.later()
        return office.ask(office.officer, "POST", path, body, version=version)

    before = office.ok(office.officer, "GET", f"/v1/cards/{permit['card_id']}")["card"]["holder"]
    assert [correct("surname", "BRANDT").status_code, correct("given", "ANNA").status_code] == [200, 200]
    assert problem(correct("birth", "1991-02-03")) == (403, "permit.another_person")
    given, surname = "HANNELORE B", "VOGEL"
    assert before["name"] == f"{surname} {given}"
    assert [correct("surname", surname).status_code, correct("given", given).status_code] == [200, 200]
    assert correct("birth", "1991-02-03").status_code == 200
    assert problem(correct("surname", "BRANDT")) == (403, "permit.another_person")
