"""Extension, change, cancellation, another employer, agencies: stories over the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from issuer.accounts import mandates
from issuer.audit.models import Read
from issuer.cards.models import OnlineLookup
from issuer.rules.book import shipped
from issuer.rules.rows import rule_json
from issuer.rules.store import add_rules
from tests.kit.callers import problem
from tests.kit.people import HOST, make, organisation
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def extension(office: PermitOffice, permit: dict[str, Any], days: int = 365) -> dict[str, Any]:
    until = date.fromisoformat(permit["until"]) + timedelta(days=days)
    far = (until + timedelta(days=400)).isoformat()
    facts = person_record(office.today)["facts"]
    return {"until": until.isoformat(), "contract_until": far, "passport_until": far, "facts": facts}


def errors(office: PermitOffice, filing_id: str) -> list[str]:
    answer = office.move(office.employer, filing_id, "submit")
    return [] if answer.status_code == 200 else [one["code"] for one in answer.json()["errors"]]


def test_in_country_application_makes_a_card_at_once(office: PermitOffice) -> None:
    permit = office.employed()
    assert (permit["state"], permit["until"], permit["may_work"]) == ("ACTIVE", "2026-06-10", True)
    assert office.verdict(office.code(permit)) == ["VALID"]
    card = office.ok(office.officer, "GET", f"/v1/cards/{permit['card_id']}")["card"]
    assert card["permit"]["position"] == "Design engineer"
    own = office.ok(office.employer, "GET", "/v1/permits")["items"]
    assert [one["permit_id"] for one in own] == [permit["permit_id"]]


@pytest.mark.parametrize(
    ("before", "found"), [(91, ["filing.too_early"]), (90, []), (30, []), (29, ["filing.too_late"])]
)
def test_extension_is_filed_from_90_to_30_days_before_the_end(
    office: PermitOffice, before: int, found: list[str]
) -> None:
    permit = office.employed()
    office.travel(date.fromisoformat(permit["until"]) - timedelta(days=before))
    filing_id = office.draft("extension", extension(office, permit), permit_id=permit["permit_id"])
    assert errors(office, filing_id) == found


def test_extension_gives_a_term_from_the_day_after_and_new_codes(office: PermitOffice) -> None:
    permit = office.employed()
    old = office.code(permit)
    office.travel("2026-04-13")
    office.approved("extension", extension(office, permit), permit_id=permit["permit_id"])
    extended = office.permit(permit["permit_id"])
    assert [(term["first"], term["until"]) for term in extended["terms"]] == [
        ("2026-03-02", "2026-06-10"),
        ("2026-06-11", "2027-06-10"),
    ]
    assert (extended["number"], extended["card_id"]) == (permit["number"], permit["card_id"])
    new = office.code(extended)
    assert new != old
    assert office.verdict(old, new) == ["VALID", "VALID"]
    office.travel("2026-06-11")
    assert office.turn().expired == 0
    assert office.verdict(old, new) == ["expired", "VALID"]


def test_extension_left_lying_goes_on_by_law_then_a_refusal_ends_it_at_once(office: PermitOffice) -> None:
    permit = office.employed()
    old = office.code(permit)
    office.travel("2026-04-13")
    filing_id = office.accepted("extension", extension(office, permit), permit_id=permit["permit_id"])
    office.travel("2026-06-04")
    assert office.turn().interim == 0
    office.travel("2026-06-05")
    assert office.turn().interim == 1
    assert office.turn().interim == 0
    seen = office.permit(permit["permit_id"])
    assert (seen["state"], seen["interim_until"]) == ("ACTIVE", "2026-07-05")
    interim = office.code(seen)
    office.travel("2026-06-11")
    assert (office.turn().extended, office.turn().expired) == (1, 0)
    seen = office.permit(permit["permit_id"])
    assert (seen["state"], seen["may_work"]) == ("EXTENDED_BY_LAW", True)
    assert office.verdict(old, interim) == ["expired", "VALID"]
    office.travel("2026-06-30")
    assert office.turn().interim == 1
    newest = office.code(seen)
    office.travel("2026-07-10")
    office.turn()
    assert office.verdict(interim, newest) == ["expired", "VALID"]
    reasons = {"reasons": [{"path": "M06", "text": "The post no longer exists."}]}
    office.moved(office.officer, filing_id, "refuse", reasons)
    ended = office.permit(permit["permit_id"])
    assert (ended["state"], ended["may_work"]) == ("EXPIRED", False)
    assert [(end["kind"], end["day"]) for end in ended["ends"]] == [("expired", "2026-07-10")]
    assert ended["ends"][0]["record"]["redress"][0]["way"] == "reconsideration"
    assert office.verdict(newest) == ["revoked"]


def test_extension_granted_late_joins_the_old_term(office: PermitOffice) -> None:
    permit = office.employed()
    office.travel("2026-04-13")
    filing_id = office.accepted("extension", extension(office, permit), permit_id=permit["permit_id"])
    office.travel("2026-06-05")
    office.turn()
    office.travel("2026-06-15")
    office.turn()
    office.moved(office.officer, filing_id, "approve", {})
    seen = office.permit(permit["permit_id"])
    assert (seen["state"], seen["until"], seen["interim_until"]) == ("ACTIVE", "2027-06-10", None)
    assert seen["terms"][-1]["first"] == "2026-06-11"
    assert office.verdict(office.code(seen)) == ["VALID"]


def test_permit_without_extension_expires_by_itself(office: PermitOffice) -> None:
    permit = office.employed()
    code = office.code(permit)
    office.travel("2026-06-10", hour=23)
    assert office.turn().expired == 0
    assert office.verdict(code) == ["VALID"]
    office.travel("2026-06-11", hour=0)
    assert office.turn().expired == 1
    seen = office.permit(permit["permit_id"])
    assert (seen["state"], seen["ends"][0]["record"]["ground"]) == ("EXPIRED", "not_extended")


def test_region_may_switch_the_extension_by_law_off(office: PermitOffice) -> None:
    off = rule_json(shipped().require("switches", "extension_by_law", "CN", office.today))
    add_rules(office.core, [{**off, "region": "310000", "value": {**off["value"], "on": False}}], HOST)
    permit = office.employed()
    office.travel("2026-04-13")
    office.accepted("extension", extension(office, permit), permit_id=permit["permit_id"])
    office.travel("2026-06-11")
    assert (office.turn().interim, office.permit(permit["permit_id"])["state"]) == (0, "EXPIRED")


def test_new_passport_keeps_the_permit_number_and_replaces_the_codes(office: PermitOffice) -> None:
    permit = office.employed()
    old = office.code(permit)
    office.travel("2026-03-20")
    record = {
        "changed_on": "2026-03-19",
        "passport": "C09Y77777",
        "passport_until": "2036-03-18",
        "surname": "VOGEL-ADLER",
        "given": "HANNELORE",
        "nationality": "DEU",
        "facts": person_record(office.today)["facts"],
    }
    office.approved("change", record, permit_id=permit["permit_id"])
    changed = office.permit(permit["permit_id"])
    assert (changed["number"], changed["until"]) == (permit["number"], permit["until"])
    assert office.verdict(old, office.code(changed)) == ["replaced", "VALID"]
    card = office.ok(office.officer, "GET", f"/v1/cards/{changed['card_id']}")["card"]
    assert card["holder"]["name"] == "VOGEL-ADLER HANNELORE"


def test_promotion_changes_the_post(office: PermitOffice) -> None:
    permit = office.employed()
    record: dict[str, Any] = {"changed_on": office.today.isoformat(), "post": "Head of design"}
    record |= {"facts": {**person_record(office.today)["facts"], "position_changes": True}}
    filing_id = office.accepted("change", record, permit_id=permit["permit_id"])
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert next(item["need"] for item in seen["checklist"] if item["code"] == "M06") == "required"
    office.moved(office.officer, filing_id, "approve", {})
    assert office.permit(permit["permit_id"])["terms"][-1]["post"] == "Head of design"


def test_another_nationality_is_a_new_application(office: PermitOffice) -> None:
    permit = office.employed()
    record: dict[str, Any] = {"changed_on": office.today.isoformat(), "nationality": "FRA", "passport": "22AA33333"}
    record |= {"facts": person_record(office.today)["facts"]}
    filing_id = office.draft("change", record, permit_id=permit["permit_id"])
    assert errors(office, filing_id) == ["filing.new_application"]


def cancellation(office: PermitOffice, **changes: Any) -> dict[str, Any]:
    facts = person_record(office.today)["facts"]
    return {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True, "facts": facts, **changes}


def test_new_employer_files_after_the_old_one_cancelled_and_between_there_is_no_right_to_work(
    office: PermitOffice,
) -> None:
    permit = office.employed()
    old = office.code(permit)
    other = office.another_employer(2)
    record = person_record(office.today, 1, facts={"other_employer": True})
    filing_id = office.draft("in_country", record, other)
    answer = office.move(other, filing_id, "submit")
    assert [one["code"] for one in answer.json()["errors"]] == ["filing.other_employer"]
    assert "D09" in answer.json()["errors"][0]["rule"]
    before = {"field": "post", "value": "Designer", "reason": "Of the employer before."}
    path = f"/v1/permits/{permit['permit_id']}/corrections"
    office.ok(office.officer, "POST", path, before, version=f'"{permit["revision"]}"')
    office.travel("2026-03-16")
    office.approved("cancellation", cancellation(office), permit_id=permit["permit_id"])
    gap = office.permit(permit["permit_id"])
    assert (gap["state"], gap["may_work"]) == ("CANCELLED", False)
    assert office.verdict(old) == ["revoked"]
    assert office.move(other, filing_id, "submit").status_code == 200
    office.moved(office.officer, filing_id, "pre-review")
    office.verify_papers(filing_id)
    office.moved(office.officer, filing_id, "accept")
    office.moved(office.officer, filing_id, "approve", {"category": "B"})
    seen = office.permit(permit["permit_id"])
    assert (seen["state"], seen["may_work"], seen["number"]) == ("ACTIVE", True, permit["number"])
    assert seen["card_id"] != permit["card_id"]
    assert office.verdict(old, office.code(seen)) == ["revoked", "VALID"]
    path = f"/v1/permits/{permit['permit_id']}"
    assert problem(office.ask(office.employer, "GET", path)) == (404, "permit.none")
    later = {"field": "post", "value": "Head of design", "reason": "Misspelt."}
    office.ok(office.officer, "POST", f"{path}/corrections", later, version=f'"{seen["revision"]}"')
    own = office.ok(other, "GET", f"/v1/permits/{permit['permit_id']}")
    assert [(term["employer_id"], term["ground"]) for term in own["terms"]] == [
        (other.who().organisation_id, "in_country")
    ], "nothing of the employer before"
    assert (len(seen["terms"]), len(seen["ends"]), own["ends"]) == (2, 1, [])
    assert [one["after"] for one in own["corrections"]] == ["Head of design"]
    assert [one["after"] for one in office.permit(permit["permit_id"])["corrections"]] == ["Designer", "Head of design"]
    ways = office.core.database.read(lambda session: set(session.scalars(select(Read.way))))
    assert {"filing.decide", "filing.read"} <= ways
    looked = select(OnlineLookup.id).where(OnlineLookup.card_id == seen["card_id"])
    assert office.core.database.read(lambda session: session.scalars(looked).first()) is not None


def test_cancellation_is_recorded_with_ground_and_redress(office: PermitOffice) -> None:
    permit = office.employed()
    office.approved("cancellation", cancellation(office, ground="dismissed"), permit_id=permit["permit_id"])
    (end,) = office.permit(permit["permit_id"])["ends"]
    assert (end["kind"], end["record"]["ground"]) == ("cancelled", "dismissed")
    assert "Administrative Licensing Law, article 70" in end["record"]["basis"]["en"]
    assert [one["way"] for one in end["record"]["redress"]] == ["reconsideration", "court"]


def test_agency_files_by_a_mandate_and_not_after_it_ended(office: PermitOffice) -> None:
    agency_id = organisation(office.issuing_service, "agency", 30)
    agency = make(office.issuing_service, "agency", "agency", organisation_id=agency_id)
    record = person_record(office.today)
    body = {"process": "overseas", "employer_id": office.employer_id, "record": record}
    assert problem(office.ask(agency, "POST", "/v1/filings", body)) == (404, "organisation.none")
    now = int(office.issuing_service.clock.at)
    mandates.give_mandate(office.core, office.employer.who(), agency_id, office.employer_id, now, now + 20 * 86_400)
    filing_id = office.draft("overseas", record, agency, employer_id=office.employer_id)
    seen = office.ok(agency, "GET", f"/v1/filings/{filing_id}")
    assert next(item["need"] for item in seen["checklist"] if item["code"] == "M16") == "required"
    office.moved(agency, filing_id, "submit")
    assert office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")["agency_id"] == agency_id
    office.travel("2026-03-23")
    assert problem(office.ask(agency, "GET", f"/v1/filings/{filing_id}")) == (404, "filing.none")
    assert problem(office.ask(agency, "POST", "/v1/filings", body)) == (404, "organisation.none")


def test_one_open_application_of_a_kind_for_a_person(office: PermitOffice) -> None:
    office.filed("overseas", person_record(office.today))
    other = office.another_employer(2)
    second = office.draft("overseas", person_record(office.today), other)
    assert problem(office.move(other, second, "submit")) == (409, "filing.open")


def test_applicant_withdraws_and_files_anew(office: PermitOffice) -> None:
    filing_id = office.filed("overseas", person_record(office.today))
    office.moved(office.employer, filing_id, "withdraw")
    assert problem(office.move(office.employer, filing_id, "withdraw")) == (409, "process.move")
    assert office.filed("overseas", person_record(office.today))


def test_drafts_are_nobody_else_s_and_may_be_saved_in_parts(office: PermitOffice) -> None:
    made = office.ok(office.employer, "POST", "/v1/filings", {"process": "overseas"})
    path = f"/v1/filings/{made['filing_id']}"
    assert problem(office.ask(office.officer, "GET", path)) == (404, "filing.none")
    saved = office.ok(office.employer, "PUT", path, {"record": {"surname": "VOGEL"}}, version='"1"')
    assert (saved["record"], saved["revision"]) == ({"surname": "VOGEL"}, 2)
    assert problem(office.ask(office.employer, "PUT", path, {"record": {}}, version='"1"')) == (412, "filing.changed")
    bad = office.ask(office.employer, "PUT", path, {"record": {"birth": "soon"}}, version='"2"')
    assert (problem(bad), bad.json()["path"]) == ((422, "filing.field"), "birth")
    answer = office.move(office.employer, made["filing_id"], "submit")
    missing = {one["pointer"] for one in answer.json()["errors"] if one["code"] == "filing.incomplete"}
    assert {"/body/passport", "/body/birth", "/body/post"} <= missing


def test_what_if_without_an_application(office: PermitOffice) -> None:
    facts = {"education": "master", "age": 32, "experience_years": 6, "salary": 300_000, "months_in_china": 11}
    facts |= {"chinese": "hsk4", "merit": False, "local_points": 0}
    body = {"region": "310000", "facts": facts, "on": "2024-06-03"}
    found = office.ok(office.employer, "POST", "/v1/permits/assessments", body)
    assert (found["total"], found["category"]) == (72, "B")
    assert all(row["rule"]["en"] for row in found["points"])
    assert office.ok(office.employer, "GET", "/v1/filings")["items"] == []
    assert problem(office.ask(office.employer, "POST", "/v1/permits/assessments", {**body, "region": "990000"})) == (
        422,
        "filing.field",
    )
