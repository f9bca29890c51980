"""Employers that became part of another one, or got another code or name, over the API by two officers."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from issuer.accounts.models import Mandate
from issuer.permits.mergers import renew_merged
from issuer.permits.models import Employer
from tests.kit.callers import problem
from tests.kit.people import Somebody, acts, credit_code, make, organisation
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.signed_domain import step, verdicts

pytestmark = pytest.mark.slow


def merged(office: PermitOffice, into: Somebody) -> None:
    """Two officers merge the office's employer into another one."""
    arguments = {"employer_id": office.employer_id, "into_id": organisation_of(office, into)}
    asked = office.asked("employer.merge", arguments)
    assert asked.status_code == 201, asked.text
    answer = office.confirmed(asked.json()["confirmation_id"])
    assert answer.status_code == 200, answer.text


def organisation_of(office: PermitOffice, somebody: Somebody) -> str:
    return str(office.ok(somebody, "GET", "/v1/account")["organisation_id"])


def kinds(office: PermitOffice, somebody: Somebody) -> list[str]:
    return [one["kind"] for one in office.ok(somebody, "GET", "/v1/notices")["items"]]


def test_open_applications_permits_and_codes_go_on_with_the_other_employer(office: PermitOffice) -> None:
    """The old codes read replaced, the new ones name the other employer; terms and clocks stay; all get notice."""
    into = office.another_employer(7)
    permit = office.employed(1)
    holder = office.holder(permit)
    old = office.code(permit, "work")
    filing_id = office.filed("overseas", person_record(office.today, 2))
    before = office.ok(office.officer, "GET", f"/v1/filings/{filing_id}")
    office.travel(office.today.replace(day=office.today.day + 1))
    merged(office, into)
    assert office.turn().merged == 1
    assert renew_merged(office.core, 10) == 0, "each card once"

    after = office.permit(permit["permit_id"])
    assert (after["state"], after["until"]) == ("ACTIVE", permit["until"])
    assert [term["ground"] for term in after["terms"]] == ["in_country", "merger"]
    assert {term["post"] for term in after["terms"]} == {permit["terms"][0]["post"]}
    new = office.code(after, "work")
    step(office.core, office.issuing_service.clock)
    first, second = verdicts(office.core, [old, new])
    assert (first.reason, second.outcome) == ("replaced", "VALID")
    assert second.card is not None
    assert second.card.permit.employer == "Organisation 7"

    assert office.ask(office.employer, "GET", f"/v1/filings/{filing_id}").status_code == 404
    seen = office.ok(into, "GET", f"/v1/filings/{filing_id}")
    assert {name: seen[name] for name in ("state", "clocks")} == {name: before[name] for name in ("state", "clocks")}
    assert [one["permit_id"] for one in office.ok(into, "GET", "/v1/permits")["items"]] == [permit["permit_id"]]
    assert office.ok(into, "GET", f"/v1/cards/{permit['card_id']}")["card_id"] == permit["card_id"]
    assert "employer.merged" in kinds(office, office.employer)
    assert {"employer.merged", "permit.employer_merged"} <= set(kinds(office, into))
    assert "permit.employer_merged" in kinds(office, holder)
    refused = office.ask(office.employer, "POST", "/v1/filings", {"process": "overseas"})
    assert refused.status_code == 201, "a draft is nobody's business"
    submitted = office.move(office.employer, refused.json()["filing_id"], "submit")
    assert (submitted.status_code, submitted.json()["code"]) == (422, "filing.refused")


def test_mandates_of_the_merged_employer_end(office: PermitOffice) -> None:
    """Its agency sees its applications no more; the other employer's handlers do."""
    into = office.another_employer(7)
    agency_id = organisation(office.issuing_service, "agency", 8)
    agency = make(office.issuing_service, "agency", "agency", organisation_id=agency_id)
    now = int(office.issuing_service.clock.at)
    body = {"agency_id": agency_id, "employer_id": office.employer_id, "begins_at": now, "ends_at": now + 86_400 * 30}
    office.ok(office.employer, "POST", "/v1/mandates", body)
    filing_id = office.filed("overseas", person_record(office.today, 2), agency, employer_id=office.employer_id)
    merged(office, into)
    assert office.ask(agency, "GET", f"/v1/filings/{filing_id}").status_code == 404
    assert office.ok(into, "GET", f"/v1/filings/{filing_id}")["state"] == "SUBMITTED"
    ended = office.core.database.read(lambda session: session.scalars(select(Mandate.ended_at)).all())
    assert None not in ended


def test_mandates_that_begin_after_the_merger_end_too(office: PermitOffice) -> None:
    """Otherwise an agency would act for an employer that is no more."""
    into = office.another_employer(7)
    agency_id = organisation(office.issuing_service, "agency", 8)
    begins = int(office.issuing_service.clock.at) + 86_400
    body = {"agency_id": agency_id, "employer_id": office.employer_id, "begins_at": begins, "ends_at": begins + 86_400}
    mandate = office.ok(office.employer, "POST", "/v1/mandates", body)["mandate_id"]
    merged(office, into)
    assert office.ok(office.employer, "GET", f"/v1/mandates/{mandate}")["ended_at"] is not None


def test_merger_is_refused_by_state_region_and_person(office: PermitOffice) -> None:
    """Into itself, into one that is not verified, twice, by one officer alone, by an officer without an office."""
    into = office.another_employer(7)
    into_id = organisation_of(office, into)
    unknown = organisation(office.issuing_service, "employer", 9)
    ask = {"employer_id": office.employer_id}
    assert problem(office.asked("employer.merge", {**ask, "into_id": office.employer_id})) == (422, "filing.employer")
    assert problem(office.asked("employer.merge", {**ask, "into_id": unknown})) == (404, "organisation.none")
    stranger = make(office.issuing_service, "permit_officer", "stranger")
    assert problem(office.asked("employer.merge", {**ask, "into_id": into_id}, stranger)) == (403, "office.region")
    asked = office.asked("employer.merge", {**ask, "into_id": into_id}).json()["confirmation_id"]
    assert problem(office.confirmed(asked, office.officer)) == (403, "confirm.same_person")
    assert office.confirmed(asked).status_code == 200
    again = office.asked("employer.merge", {**ask, "into_id": into_id})
    assert problem(again) == (409, "process.move")
    office.ok(office.officer, "POST", f"/v1/employers/{into_id}/state", {"move": "suspend", "reason": "a test"})
    row = office.core.database.read(lambda session: session.get_one(Employer, office.employer_id))
    assert (row.state, row.merged_into) == ("merged", into_id)


def test_merger_across_regions_is_asked_for_in_one_and_confirmed_in_the_other(office: PermitOffice) -> None:
    """Two officers of one region do not give its employer to another region's; those who can confirm get notice."""
    far, third = office.officer_elsewhere("440000"), office.officer_elsewhere("110000")
    into_id = organisation(office.issuing_service, "employer", 7)
    office.ok(far, "PUT", f"/v1/employers/{into_id}", {"region": "440305", "licence_until": None})
    office.issuing_service.later()
    arguments = {"employer_id": office.employer_id, "into_id": into_id}
    assert problem(office.asked("employer.merge", arguments, third)) == (403, "office.region")
    for asker, idle, confirmer in ((office.officer, office.second, far), (far, third, office.second)):
        request = office.asked("employer.merge", arguments, asker).json()["confirmation_id"]
        path = f"/v1/confirmations/{request}"
        assert office.ask(third, "GET", path).status_code == 404
        wanted = [kinds(office, one).count("confirmation.wanted") for one in (idle, confirmer)]
        assert wanted == [0, 1]
        assert office.ask(asker, "POST", f"{path}/refuse").status_code == 204
    request = office.asked("employer.merge", arguments).json()["confirmation_id"]
    refused = office.confirmed(request)
    assert (problem(refused), refused.json()["found"]) == ((403, "office.neither"), "440305")
    assert office.confirmed(request, far).status_code == 200
    row = office.core.database.read(lambda session: session.get_one(Employer, office.employer_id))
    assert (row.state, row.merged_into) == ("merged", into_id)


def test_changed_code_is_in_the_new_codes_and_the_permits_go_on(office: PermitOffice) -> None:
    """Open applications stay where they are, everybody gets notice, and nobody else may get either code."""
    permit = office.employed(1)
    holder = office.holder(permit)
    old = office.code(permit, "work")
    filing_id = office.filed("overseas", person_record(office.today, 2))
    office.travel(office.today.replace(day=office.today.day + 1))
    arguments = {"organisation_id": office.employer_id, "code": credit_code(70)}
    asked = office.asked("employer.code", arguments).json()["confirmation_id"]
    assert problem(office.confirmed(asked, office.officer)) == (403, "confirm.same_person")
    assert office.confirmed(asked).status_code == 200
    assert office.turn().merged == 1
    assert renew_merged(office.core, 10) == 0, "each card once"

    after = office.permit(permit["permit_id"])
    assert (after["state"], after["until"]) == ("ACTIVE", permit["until"])
    assert [term["ground"] for term in after["terms"]] == ["in_country", "employer_code"]
    new = office.code(after, "authority")
    step(office.core, office.issuing_service.clock)
    first, second = verdicts(office.core, [old, new])
    assert (first.reason, second.outcome) == ("replaced", "VALID")
    assert second.card is not None
    assert second.card.permit.employer_code == credit_code(70)
    assert office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")["state"] == "SUBMITTED"
    assert "employer.code_changed" in kinds(office, office.employer)
    assert "permit.employer_code" in kinds(office, holder)


def test_code_is_refused_that_is_malformed_taken_or_of_an_employer_that_is_no_more(office: PermitOffice) -> None:
    into = office.another_employer(7)
    ask = {"organisation_id": office.employer_id}
    assert problem(office.asked("employer.code", {**ask, "code": "1" * 18})) == (422, "account.field")
    assert problem(office.asked("employer.code", {**ask, "code": credit_code(7)})) == (409, "organisation.exists")
    stranger = make(office.issuing_service, "permit_officer", "stranger")
    free = {**ask, "code": credit_code(70)}
    assert problem(office.asked("employer.code", free, stranger)) == (403, "office.region")
    assert office.confirmed(office.asked("employer.code", free).json()["confirmation_id"]).status_code == 200
    # The code of before is not free for others.
    other = {"organisation_id": organisation_of(office, into), "code": credit_code(1)}
    assert problem(office.asked("employer.code", other)) == (409, "organisation.exists")
    merged(office, into)
    assert problem(office.asked("employer.code", {**ask, "code": credit_code(71)})) == (422, "filing.employer")


def renamed(office: PermitOffice, name: str) -> None:
    """Two officers give the office's employer another name."""
    asked = office.asked("employer.name", {"organisation_id": office.employer_id, "name": name})
    assert asked.status_code == 201, asked.text
    answer = office.confirmed(asked.json()["confirmation_id"])
    assert answer.status_code == 200, answer.text


def certificate(office: PermitOffice, permit: dict[str, Any]) -> str:
    """The employer on a permit's certificate."""
    path = f"/v1/permits/{permit['permit_id']}/certificate.json?profile=work"
    return str(office.ok(office.officer, "GET", path)["card"]["permit"]["employer"])


def test_new_name_is_on_what_is_made_from_then_on_and_earlier_decisions_keep_theirs(office: PermitOffice) -> None:
    """Codes, certificate and open applications name it; decided applications and terms of before have the name of
    their time, also after a second change and another code. Whoever is concerned gets notice."""
    permit = office.employed(1)
    holder = office.holder(permit)
    old = office.code(permit, "work")
    (decided,) = office.ok(office.employer, "GET", "/v1/filings")["items"]
    filing_id = office.filed("overseas", person_record(office.today, 2))
    assert certificate(office, permit) == "Organisation 1"

    office.travel(office.today.replace(day=office.today.day + 1))
    renamed(office, "穆斯特精密机械（上海）有限公司")
    assert office.turn().merged == 1
    assert renew_merged(office.core, 10) == 0, "each card once"
    after = office.permit(permit["permit_id"])
    assert (after["state"], after["until"]) == ("ACTIVE", permit["until"])
    assert [(term["ground"], term["employer"]) for term in after["terms"]] == [
        ("in_country", "Organisation 1"),
        ("employer_name", "穆斯特精密机械（上海）有限公司"),
    ]
    step(office.core, office.issuing_service.clock)
    first, second = verdicts(office.core, [old, office.code(after, "work")])
    assert (first.reason, second.outcome) == ("replaced", "VALID")
    assert second.card is not None
    assert second.card.permit.employer == "穆斯特精密机械（上海）有限公司"
    assert certificate(office, permit) == "穆斯特精密机械（上海）有限公司"
    assert office.ok(office.officer, "GET", f"/v1/filings/{decided['filing_id']}")["employer"] == "Organisation 1"
    assert office.ok(office.employer, "GET", f"/v1/filings/{filing_id}")["employer"].startswith("穆斯特")
    assert "employer.name_changed" in kinds(office, office.employer)
    assert {"permit.employer_name"} <= set(kinds(office, holder))

    office.travel(office.today.replace(day=office.today.day + 1))
    office.moved(office.employer, filing_id, "withdraw")
    office.travel(office.today.replace(day=office.today.day + 1))
    renamed(office, "Muster Precision")
    code = office.asked("employer.code", {"organisation_id": office.employer_id, "code": credit_code(70)})
    assert office.confirmed(code.json()["confirmation_id"]).status_code == 200
    names = [term["employer"] for term in office.permit(permit["permit_id"])["terms"]]
    assert names == ["Organisation 1", "穆斯特精密机械（上海）有限公司", "Muster Precision", "Muster Precision"]
    seen = {one: office.ok(office.officer, "GET", f"/v1/filings/{one}") for one in (decided["filing_id"], filing_id)}
    assert [one["employer"] for one in seen.values()] == ["Organisation 1", "穆斯特精密机械（上海）有限公司"]
    assert [action for action, _, _ in acts(office.core)].count("employer.name.confirmed") == 2


def test_name_is_refused_that_is_none_or_the_same_or_of_an_employer_that_is_no_more(office: PermitOffice) -> None:
    """And by one officer alone, or by one of another region."""
    into = office.another_employer(7)
    ask = {"organisation_id": office.employer_id}
    for wrong in ("", "   ", "x" * 201, "A\u202eB", "Organisation 1"):
        assert problem(office.asked("employer.name", {**ask, "name": wrong})) == (422, "account.field"), wrong
    free = {**ask, "name": "Muster"}
    stranger = make(office.issuing_service, "permit_officer", "stranger")
    assert problem(office.asked("employer.name", free, stranger)) == (403, "office.region")
    asked = office.asked("employer.name", free).json()["confirmation_id"]
    assert problem(office.confirmed(asked, office.officer)) == (403, "confirm.same_person")
    merged(office, into)
    assert problem(office.confirmed(asked)) == (422, "filing.employer"), "it was merged before the second officer came"
    assert office.ok(office.officer, "GET", f"/v1/employers/{office.employer_id}")["state"] == "merged"
