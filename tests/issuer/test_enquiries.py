"""Messages about an application: whose thread, since when it waits, by when it is answered, who may say what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer.permits.models import Permit
from tests.issuer.conftest import new_database_url
from tests.kit.callers import problem
from tests.kit.people import Somebody, make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026."""
    folder: Path = tmp_path_factory.mktemp("enquiries")
    made = PermitOffice.begin(folder, new_database_url("sqlite", folder))
    yield made
    made.core.close()


def threads(office: PermitOffice, who: Somebody, filing_id: str) -> list[dict[str, object]]:
    """The threads that somebody sees."""
    answer = office.ask(who, "GET", f"/v1/filings/{filing_id}/messages")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_message_waits_until_it_is_answered_and_whoever_asked_gets_notice(office: PermitOffice) -> None:
    """Both sides see since when it waits and until when it is answered, by the service's own rule of five working days;
    passing it on begins the time anew, an answer ends the wait."""
    filing_id = office.filed("overseas", person_record(office.today, 1))
    path = f"/v1/filings/{filing_id}"
    office.ok(office.employer, "POST", f"{path}/messages", {"text": "Which translation is missing?"})
    [own] = threads(office, office.employer, filing_id)
    [theirs] = threads(office, office.officer, filing_id)
    assert (own["waits_since"], own["due"]) == (theirs["waits_since"], "2026-03-09")
    assert [one["own"] for one in own["messages"]] == [True]  # type: ignore[attr-defined]
    waiting = office.ask(office.officer, "GET", "/v1/enquiries").json()
    assert [(one["filing_id"], one["due"]) for one in waiting] == [(filing_id, "2026-03-09")]
    office.travel("2026-03-04")
    body = {"side": "applicant", "kind": "passed_on", "text": "To the desk for authentication."}
    office.ok(office.officer, "POST", f"{path}/answers", body)
    [own] = threads(office, office.employer, filing_id)
    assert own["due"] == "2026-03-11"
    assert own["waits_since"] == theirs["waits_since"]
    office.ok(office.second, "POST", f"{path}/answers", {**body, "kind": "answered", "text": "M04."})
    [own] = threads(office, office.employer, filing_id)
    assert (own["waits_since"], own["due"]) == (None, None)
    assert office.ask(office.officer, "GET", "/v1/enquiries").json() == []
    again = office.ask(office.officer, "POST", f"{path}/answers", {**body, "kind": "answered"})
    assert problem(again) == (409, "enquiry.nothing_waits")
    notices = office.ask(office.employer, "GET", "/v1/notices").json()["items"]
    assert [one["kind"] for one in notices][:2] == ["message.answered", "message.answered"]


def test_holder_and_employer_do_not_read_each_others_thread(office: PermitOffice) -> None:
    permit = office.employed(2)
    person_id = office.core.database.read(lambda session: session.get_one(Permit, permit["permit_id"]).person_id)
    holder = make(office.issuing_service, "holder", "holder.two", person_id=person_id)
    filings = office.ask(holder, "GET", "/v1/filings").json()["items"]
    filing_id = filings[0]["filing_id"]
    office.ok(holder, "POST", f"/v1/filings/{filing_id}/messages", {"text": "My employer must not read this."})
    [employers] = threads(office, office.employer, filing_id)
    assert employers["messages"] == []
    seen = threads(office, office.officer, filing_id)
    assert [one["side"] for one in seen] == ["holder"]
    wrong = {"side": "applicant", "kind": "answered", "text": "No."}
    answer = office.ask(office.officer, "POST", f"/v1/filings/{filing_id}/answers", wrong)
    assert problem(answer) == (409, "enquiry.nothing_waits")
    office.ok(office.employer, "POST", f"/v1/filings/{filing_id}/messages", {"text": "We may not keep him."})
    copy = office.ask(holder, "GET", "/v1/privacy/export").json()
    assert [one["text"] for one in copy["messages"]] == ["My employer must not read this."]


def test_office_answers_a_thread_that_is_full(office: PermitOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("issuer.enquiries.threads._MOST", 2)
    filing_id = office.filed("overseas", person_record(office.today, 6))
    path = f"/v1/filings/{filing_id}"
    for text in ("Which translation is missing?", "Or is it the photo?"):
        office.ok(office.employer, "POST", f"{path}/messages", {"text": text})
    third = office.ask(office.employer, "POST", f"{path}/messages", {"text": "Well?"})
    assert problem(third) == (409, "enquiry.too_many")
    office.ok(office.officer, "POST", f"{path}/answers", {"side": "applicant", "kind": "answered", "text": "M04."})
    [own] = threads(office, office.employer, filing_id)
    assert (len(own["messages"]), own["waits_since"]) == (3, None)  # type: ignore[arg-type]


def test_draft_takes_no_message_and_a_strangers_application_is_not_there(office: PermitOffice) -> None:
    draft = office.draft("overseas", person_record(office.today, 3))
    refused = office.ask(office.employer, "POST", f"/v1/filings/{draft}/messages", {"text": "When?"})
    assert problem(refused) == (409, "enquiry.draft")
    stranger = office.another_employer(9)
    filed = office.filed("overseas", person_record(office.today, 4))
    other = office.ask(stranger, "POST", f"/v1/filings/{filed}/messages", {"text": "When?"})
    assert problem(other) == (404, "filing.none")
    written = office.ask(office.officer, "POST", f"/v1/filings/{filed}/messages", {"text": "When?"})
    assert written.status_code == 403
