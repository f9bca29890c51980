"""Objections over the API: clocks, who decides, stay, outcome, and what follows for application, permit and codes."""

from __future__ import annotations

from typing import Any

import pytest

from issuer.accounts import mandates
from issuer.permits import objections
from tests.issuer.permits.test_permit_life import extension
from tests.issuer.permits.test_person_mergers import merged, split
from tests.kit.callers import problem
from tests.kit.people import Somebody, make, organisation
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow

REASONS = {"reasons": [{"path": "M06", "text": "The post no longer exists."}]}
WHY = {"reason": "The file was looked at again."}


def refused(office: PermitOffice) -> str:
    filing_id = office.accepted("overseas", person_record(office.today))
    office.moved(office.officer, filing_id, "refuse", REASONS)
    return filing_id


def lodged(office: PermitOffice, by: Any, **about: Any) -> dict[str, Any]:
    return office.ok(by, "POST", "/v1/objections", {"grounds": "The post exists.", **about})


def step(office: PermitOffice, objection: dict[str, Any], name: str, body: Any = None, by: Any = None) -> Any:
    """A step by the head, or by another, on the objection as it stands."""
    by = by or office.head
    path = f"/v1/objections/{objection['objection_id']}"
    seen = office.ask(by, "GET", path)
    assert seen.status_code == 200, seen.text
    return office.ask(by, "POST", f"{path}/{name}", body, version=f'"{seen.json()["revision"]}"')


def restored(office: PermitOffice, permit: dict[str, Any], objection: dict[str, Any]) -> dict[str, Any]:
    """Two officers restore a permit."""
    arguments = {"permit_id": permit["permit_id"], "objection_id": objection["objection_id"]}
    asked = office.asked("permit.restore", arguments)
    assert asked.status_code == 201, asked.text
    answer = office.confirmed(asked.json()["confirmation_id"])
    assert answer.status_code == 200, answer.text
    return office.permit(permit["permit_id"])


def test_refusal_reconsideration_and_a_new_decision(office: PermitOffice) -> None:
    filing_id = refused(office)
    seen = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert [(one["way"], one["until"]) for one in seen["redress"]] == [
        ("reconsideration", "2026-05-06"),
        ("court", "2026-09-02"),
    ]
    office.travel("2026-03-05")
    delivery = {"way": "post", "day": "2026-03-04", "evidence": "Registered letter XA12345678CN"}
    delivered = office.moved(office.officer, filing_id, "delivery", delivery)
    assert [one["until"] for one in delivered["redress"]] == ["2026-05-06", "2026-09-04"]
    objection = lodged(office, office.employer, filing_id=filing_id)
    assert (objection["number"], objection["state"]) == ("310115-2026-000001", "LODGED")
    assert objection["examined_due"] == "2026-03-12"
    assert problem(office.ask(office.employer, "POST", "/v1/objections", {"filing_id": filing_id, "grounds": "x"})) == (
        409,
        "objection.open",
    )
    assert problem(step(office, objection, "admit", {}, office.officer))[0] == 403
    admitted = step(office, objection, "admit", {}).json()
    assert (admitted["state"], admitted["decided_due"]) == ("ADMITTED", "2026-05-06")
    longer = step(office, objection, "prolong", {"days": 30, **WHY}).json()
    assert longer["decided_due"] == "2026-06-03"
    assert problem(step(office, objection, "prolong", {"days": 1, **WHY})) == (422, "rules.prolong")
    outcome = {"outcome": "annul", **WHY}
    assert step(office, objection, "decide", outcome).json()["state"] == "ANNULLED"
    again = office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")
    assert (again["state"], again["accepted_on"], again["redress"]) == ("ACCEPTED", "2026-03-05", [])
    assert again["events"][-1]["record"] == {"objection": "310115-2026-000001"}
    approved = office.moved(office.officer, filing_id, "approve", {"category": "B"})
    assert approved["state"] == "APPROVED"


def test_nothing_said_in_time_counts_as_admitted_and_an_upheld_refusal_names_the_court(office: PermitOffice) -> None:
    filing_id = refused(office)
    objection = lodged(office, office.employer, filing_id=filing_id)
    office.travel("2026-03-09", hour=23)
    assert office.turn().objections == 0
    office.travel("2026-03-10", hour=0)
    assert office.turn().objections == 1
    office.travel("2026-03-12")
    upheld = step(office, objection, "decide", {"outcome": "uphold", **WHY}).json()
    assert (upheld["state"], upheld["admitted_on"]) == ("UPHELD", "2026-03-09")
    assert [(one["way"], one["until"]) for one in upheld["record"]["redress"]] == [
        ("court-after-reconsideration", "2026-03-27")
    ]
    assert office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")["state"] == "REFUSED"
    kinds = {one["kind"] for one in office.ok(office.employer, "GET", "/v1/notices")["items"]}
    assert {"objection.lodge", "objection.admit", "objection.uphold"} <= kinds
    assert problem(step(office, objection, "withdraw", None, office.employer)) == (409, "process.move")


def test_late_objection_needs_a_reason_and_may_be_dismissed(office: PermitOffice) -> None:
    filing_id = refused(office)
    office.travel("2026-05-07")
    body = {"filing_id": filing_id, "grounds": "The post exists."}
    late = office.ask(office.employer, "POST", "/v1/objections", body)
    assert problem(late) == (422, "objection.late")
    assert "article 20" in late.json()["errors"][0]["rule"]
    objection = lodged(office, office.employer, filing_id=filing_id, late_reason="The letter was lost.")
    assert objection["record"]["late_reason"] == "The letter was lost."
    assert step(office, objection, "dismiss", WHY).json()["state"] == "INADMISSIBLE"
    assert lodged(office, office.employer, filing_id=filing_id, late_reason="A second try.")["state"] == "LODGED"


def test_employer_cancels_the_person_objects_and_the_permit_is_restored_with_new_codes(office: PermitOffice) -> None:
    permit = office.employed()
    old, holder = office.code(permit), office.holder(permit)
    body = {"permit_id": permit["permit_id"], "grounds": "I did not resign."}
    assert problem(office.ask(holder, "POST", "/v1/objections", body)) == (409, "objection.nothing")
    facts = person_record(office.today)["facts"]
    record = {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True, "facts": facts}
    office.approved("cancellation", record, permit_id=permit["permit_id"])
    objection = lodged(office, holder, permit_id=permit["permit_id"])
    assert (objection["end"], objection["moves"]) == ("cancelled", ["withdraw"])
    arguments = {"permit_id": permit["permit_id"], "objection_id": objection["objection_id"]}
    assert problem(office.asked("permit.restore", arguments)) == (409, "objection.undecided")
    step(office, objection, "admit", {"simple": True})
    step(office, objection, "stay", WHY)
    meanwhile = restored(office, permit, objection)
    assert (meanwhile["state"], meanwhile["number"], meanwhile["may_work"]) == ("ACTIVE", permit["number"], True)
    first = office.code(meanwhile)
    assert office.verdict(old, first) == ["revoked", "VALID"]
    step(office, objection, "decide", {"outcome": "uphold", **WHY})
    ended = office.permit(permit["permit_id"])
    assert (ended["state"], len(ended["ends"])) == ("CANCELLED", 2)
    assert office.verdict(first) == ["revoked"]
    body = {"permit_id": permit["permit_id"], "grounds": "Once more."}
    assert problem(office.ask(holder, "POST", "/v1/objections", body)) == (409, "objection.nothing"), (
        "the court is left"
    )
    assert problem(office.asked("permit.restore", arguments)) == (404, "objection.none")


def test_end_that_was_set_aside_lets_two_officers_restore_the_permit(office: PermitOffice) -> None:
    permit = office.employed()
    old = office.code(permit)
    facts = person_record(office.today)["facts"]
    record = {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True, "facts": facts}
    office.approved("cancellation", record, permit_id=permit["permit_id"])
    objection = lodged(office, office.employer, permit_id=permit["permit_id"])
    step(office, objection, "admit", {})
    step(office, objection, "decide", {"outcome": "annul", **WHY})
    back = restored(office, permit, objection)
    assert (back["state"], back["until"]) == ("ACTIVE", permit["until"])
    assert office.verdict(old, office.code(back)) == ["revoked", "VALID"]
    arguments = {"permit_id": permit["permit_id"], "objection_id": objection["objection_id"]}
    assert problem(office.asked("permit.restore", arguments)) == (409, "process.move")


def test_refused_extension_is_restored_by_law_until_it_is_decided_anew(office: PermitOffice) -> None:
    permit = office.employed()
    office.travel("2026-04-13")
    filing_id = office.accepted("extension", extension(office, permit), permit_id=permit["permit_id"])
    office.travel("2026-06-05")
    office.turn()
    office.travel("2026-06-11")
    office.turn()
    office.moved(office.officer, filing_id, "refuse", REASONS)
    assert office.permit(permit["permit_id"])["state"] == "EXPIRED"
    objection = lodged(office, office.employer, filing_id=filing_id)
    step(office, objection, "admit", {})
    step(office, objection, "decide", {"outcome": "annul", **WHY})
    back = restored(office, permit, objection)
    assert (back["state"], back["interim_until"]) == ("EXTENDED_BY_LAW", "2026-07-11")
    interim = office.code(back)
    assert office.verdict(interim) == ["VALID"]
    office.moved(office.officer, filing_id, "approve", {})
    extended = office.permit(permit["permit_id"])
    assert (extended["state"], extended["until"]) == ("ACTIVE", "2027-06-10")
    assert office.verdict(office.code(extended)) == ["VALID"]


def mandated(office: PermitOffice, number: int) -> tuple[Somebody, str]:
    """An agency that acts for the employer for a month; its mandate."""
    agency_id = organisation(office.issuing_service, "agency", number)
    agency = make(office.issuing_service, "agency", f"agency.{number}", organisation_id=agency_id)
    now = int(office.issuing_service.clock.at)
    given = mandates.give_mandate(
        office.core, office.employer.who(), agency_id, office.employer_id, now, now + 30 * 86_400
    )
    return agency, given.mandate_id


def test_agency_without_its_mandate_neither_sees_nor_withdraws_what_it_lodged_and_the_employer_does(
    office: PermitOffice,
) -> None:
    agency, mandate_id = mandated(office, 30)
    colleague, _ = mandated(office, 31)
    permit = office.employed()
    facts = person_record(office.today)["facts"]
    record = {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True, "facts": facts}
    office.approved("cancellation", record, permit_id=permit["permit_id"])
    objection = lodged(office, agency, permit_id=permit["permit_id"])
    path = f"/v1/objections/{objection['objection_id']}"
    assert office.ok(agency, "GET", path)["moves"] == ["withdraw"]
    assert problem(office.ask(colleague, "GET", path)) == (404, "objection.none"), "another agency's"
    assert problem(office.ask(office.another_employer(2), "GET", path)) == (404, "objection.none")

    mandates.end_mandate(office.core, office.employer.who(), mandate_id)
    assert problem(office.ask(agency, "GET", path)) == (404, "objection.none")
    assert office.ok(agency, "GET", "/v1/objections")["items"] == []
    version = f'"{objection["revision"]}"'
    assert problem(office.ask(agency, "POST", f"{path}/withdraw", None, version=version)) == (404, "objection.none")

    step(office, objection, "admit", {})
    sides = office.employer, agency
    told, untold = ({one["kind"] for one in office.ok(who, "GET", "/v1/notices")["items"]} for who in sides)
    assert {"objection.lodge", "objection.admit"} <= told
    assert "objection.lodge" in untold
    assert "objection.admit" not in untold
    (seen,) = office.ok(office.employer, "GET", "/v1/objections")["items"]
    assert seen["objection_id"] == objection["objection_id"]
    assert step(office, objection, "withdraw", None, office.employer).json()["state"] == "WITHDRAWN"


def test_nobody_lodges_and_withdraws_all_day(office: PermitOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each objection notifies the heads of the office."""
    monkeypatch.setattr(objections, "_MOST_WITHDRAWN", 1)
    filing_id = refused(office)
    objection = lodged(office, office.employer, filing_id=filing_id)
    assert step(office, objection, "withdraw", None, office.employer).json()["state"] == "WITHDRAWN"
    again = {"filing_id": filing_id, "grounds": "The same once more."}
    assert problem(office.ask(office.employer, "POST", "/v1/objections", again)) == (429, "objection.too_often")


def test_objection_about_a_refusal_is_withdrawn_by_the_employer_whose_agency_lodged_it(
    office: PermitOffice,
) -> None:
    agency, _ = mandated(office, 30)
    filing_id = office.accepted("overseas", person_record(office.today), agency, employer_id=office.employer_id)
    office.moved(office.officer, filing_id, "refuse", REASONS)
    objection = lodged(office, agency, filing_id=filing_id)
    assert step(office, objection, "withdraw", None, office.employer).json()["state"] == "WITHDRAWN"


def test_permit_of_an_absorbed_record_is_restored_once_the_merger_is_taken_back(office: PermitOffice) -> None:
    """The other record has the passports until then, and a permit of its own; nobody gets two."""
    kept, permit = office.employed(1), office.employed(2)
    facts = person_record(office.today)["facts"]
    record = {"ended_on": office.today.isoformat(), "ground": "resigned", "signed": True, "facts": facts}
    office.approved("cancellation", record, permit_id=permit["permit_id"])
    objection = lodged(office, office.employer, permit_id=permit["permit_id"])
    step(office, objection, "admit", {})
    step(office, objection, "decide", {"outcome": "annul", **WHY})
    merger = merged(office, kept, other_permit_id=permit["permit_id"])
    arguments = {"permit_id": permit["permit_id"], "objection_id": objection["objection_id"]}
    assert problem(office.asked("permit.restore", arguments)) == (409, "permit.merged")
    assert split(office, kept, merger).status_code == 200
    back = restored(office, permit, objection)
    assert (back["state"], back["name"]) == ("ACTIVE", permit["name"])
    assert office.verdict(office.code(back), office.code(kept)) == ["VALID", "VALID"]
