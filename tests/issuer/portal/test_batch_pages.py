"""Lists through their pages: looked at first, done a part at a time, each row once, refused rows to download."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from icard_crypto.errors import Invalid, NotFound
from issuer.accounts.tokens import make_token
from issuer.batches import lists
from issuer.batches.lists import KEPT, Outcome
from issuer.permits import views
from issuer.permits.views import FilingView
from issuer.portal import BASE, make_portal
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.portal.test_guard import Person
from tests.kit.callers import by_session, by_token, problem
from tests.kit.forms import words
from tests.kit.permit_office import PermitOffice, person_record
from verifier.runtime import http

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026."""
    made = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    yield made
    made.core.close()


@pytest.fixture
def app(office: PermitOffice) -> FastAPI:
    """Its application with the portal, without the edge."""
    return make_service(office.core, http.Drain(), [make_portal(office.core)])


def work_through(person: Person, sent: httpx.Response) -> tuple[str, str]:
    """Follow a list to where it stops by itself: its path, and what its page says in English."""
    assert sent.status_code == 303, words(sent.text)[-300:]
    path = sent.headers["location"].removeprefix(BASE)
    while "data-continue" in (page := person.get(f"{path}?lang=en").text):
        assert person.post(f"{path}/go").status_code == 303
    return path, words(page)


def test_extensions_are_looked_at_begun_once_and_submitted_together(office: PermitOffice, app: FastAPI) -> None:
    """Of two permits one is too early and says by which rule; of the other a draft is made with what the record knows;
    the same list again finds the draft; what lacks papers is not submitted, what has them is."""
    ready, early = office.employed(1), office.employed(2, until=(office.today + timedelta(days=140)).isoformat())
    office.travel("2026-04-01")
    person = Person(app, office.employer.enter())
    page = person.get("permits/many?do=extension&lang=en")
    assert ready["permit_id"] in page.text
    assert early["permit_id"] in page.text
    until = (date.fromisoformat(ready["until"]) + timedelta(days=300)).isoformat()
    common = {"do": "extension", "until": until, "contract_until": until}
    assert person.post("permits/many", key="1" * 32, **common).status_code == 422
    table = f"number,until,contract_until\n{ready['number']},{until},{until}\n{early['number']},{until},{until}\n"
    sent = person.post("permits/many", key="2" * 32, do="extension", rows=table, plain="yes")
    path, found = work_through(person, sent)
    assert "1 extension can be begun." in found
    assert "1 row refused." in found
    assert "[" in found, "a refusal names its rule"
    assert _drafts(office) == []
    person.post(f"{path}/start")
    path, found = work_through(person, person.post(f"{path}/go"))
    assert "1 draft of an extension begun." in found
    (draft,) = _drafts(office)
    shown = office.ok(office.employer, "GET", f"/v1/filings/{draft['filing_id']}")
    assert (shown["process"], shown["state"], shown["record"]["until"]) == ("extension", "DRAFT", until)
    assert "passport_until" in shown["record"]

    rows = list(csv.DictReader(io.StringIO(person.get(f"{path}/refused?lang=en").text.lstrip("\ufeff"))))
    assert [(row["number"], row["code"]) for row in rows] == [(early["number"], "filing.too_early")]
    _, again = work_through(person, person.post("permits/many", key="3" * 32, permits=ready["permit_id"], **common))
    assert "A draft of this kind about this permit is there already." in again

    submitting, found = work_through(person, person.post(f"{path}/submit", key="4" * 32))
    assert "1 application can be sent." in found
    person.post(f"{submitting}/start")
    _, found = work_through(person, person.post(f"{submitting}/go"))
    assert "1 row refused." in found
    for item in shown["checklist"]:
        if item["need"] != "not_needed":
            where = f"/v1/filings/{draft['filing_id']}/papers/{item['code']}"
            office.ok(office.employer, "PUT", where, office.paper(item["code"]))
    submitting, _ = work_through(person, person.post(f"{path}/submit", key="5" * 32))
    person.post(f"{submitting}/start")
    _, found = work_through(person, person.post(f"{submitting}/go"))
    assert "1 application submitted." in found
    assert office.ok(office.employer, "GET", f"/v1/filings/{draft['filing_id']}")["state"] == "SUBMITTED"


def _drafts(office: PermitOffice) -> list[dict[str, Any]]:
    items = office.ok(office.employer, "GET", "/v1/filings")["items"]
    return [one for one in items if one["state"] == "DRAFT"]


def test_cancellations_come_as_a_table_and_lists_are_their_accounts_alone(office: PermitOffice, app: FastAPI) -> None:
    """A number that is none of theirs is refused; a refused cell is no formula in a spreadsheet; nobody else opens the
    list."""
    permit = office.employed()
    person = Person(app, office.employer.enter())
    day = office.today.isoformat()
    table = f"number,ended_on,ground,signed\n{permit['number']},{day},resigned,yes\n=1+1,{day},resigned,yes\n"
    table += f"\uff1d2+2,{day},resigned,yes\n"
    path, found = work_through(person, person.post("permits/many", key="1" * 32, do="cancellation", rows=table))
    assert "1 cancellation can be begun." in found
    person.post(f"{path}/start")
    _, found = work_through(person, person.post(f"{path}/go"))
    assert "1 draft of a cancellation begun." in found
    refused = person.get(f"{path}/refused").text
    assert "'=1+1" in refused
    assert "'\uff1d2+2" in refused
    other = Person(app, office.another_employer(7).enter())
    for each in (path, f"{path}/refused"):
        assert other.get(each).status_code == 404
    assert other.post(f"{path}/start").status_code == 404
    theirs = f"number,ended_on,ground,signed\n{permit['number']},{day},resigned,yes\n"
    _, found = work_through(other, other.post("permits/many", key="2" * 32, do="cancellation", rows=theirs))
    assert "1 row refused." in found


def test_page_that_was_slower_finds_its_application_submitted_and_refuses_nothing(
    office: PermitOffice, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pages go on with one list: the other one submits between this one's look and its own try."""
    filing_id = office.draft("in_country", person_record(office.today))
    batch_id = lists.begin(office.core, office.employer.who(), "submission", [{"filing_id": filing_id, "name": "x"}])
    caller, path = by_session(app, office.employer.enter()), f"/v1/lists/{batch_id}"
    assert caller("POST", f"{path}/advance").json()["state"] == "ready"
    assert caller("POST", f"{path}/start").json()["state"] == "running"
    plain, seen = views.show_filing, list[str]()

    def look(*arguments: Any) -> FilingView:
        found = plain(*arguments)
        seen.append(found.state)
        if len(seen) == 1:
            office.moved(office.employer, filing_id, "submit")
        return found

    monkeypatch.setattr(views, "show_filing", look)
    done = caller("POST", f"{path}/advance").json()
    assert (seen[0], done["state"], done["done"], done["refused"]) == ("DRAFT", "done", 1, 0)


@pytest.mark.parametrize(
    "rows",
    [
        "",
        "number,colour\n1,red\n",
        'number,until\n"1,2',
        "number,until\n" + "1,x\n" * 5001,
        "number,until,number\n1,2,3\n",
        "number,until\n1,2,3\n",
    ],
)
def test_table_that_is_none_is_refused_with_what_was_typed(office: PermitOffice, app: FastAPI, rows: str) -> None:
    answer = Person(app, office.employer.enter()).post("permits/many", key="1" * 32, do="extension", rows=rows)
    assert answer.status_code == 422
    assert rows[:40].replace('"', "&#34;").strip() in answer.text


def test_list_goes_on_where_it_was_and_does_no_row_twice(office: PermitOffice) -> None:
    """Stopped in the middle of a part, that part is done again under the same keys, and no other; a second page that
    works on the same part changes no count."""
    core, who = office.core, office.employer.who()
    rows = [{"number": str(number)} for number in range(60)]
    batch = lists.begin(core, who, "extension", rows)
    keys: list[str] = []

    def look(row: Any) -> Outcome:
        return Outcome(code="filing.no_permit") if row["number"] == "7" else Outcome()

    def do(key: str, row: Any) -> Outcome:
        keys.append(key)
        if row["number"] == "30" and keys.count(key) == 1:
            raise ConnectionError
        return Outcome(made=row["number"])

    while lists.advance(core, who, batch, look, do, 0).state == "checking":
        pass
    lists.start(core, who, batch)
    assert lists.advance(core, who, batch, look, do, 0).looked == 25
    with pytest.raises(ConnectionError):
        lists.advance(core, who, batch, look, do, 0)
    assert lists.show(core, who, batch).looked == 25
    done = keys.copy()
    while lists.advance(core, who, batch, look, do, 0).state == "running":
        pass
    view = lists.show(core, who, batch)
    assert (view.state, view.done, view.refused, view.ready) == ("done", 59, 1, 59)
    assert set(done[24:]) <= set(keys[len(done) :])
    assert len(set(keys)) == 59


def test_lists_have_bounds_and_go_when_nobody_touches_them(office: PermitOffice) -> None:
    core, who = office.core, office.employer.who()
    for count in (0, 5001):
        with pytest.raises(Invalid) as fault:
            lists.begin(core, who, "extension", [{}] * count)
        assert fault.value.code == "batch.rows"
    batch = lists.begin(core, who, "extension", [{}])
    assert lists.prune(core) == 0
    office.travel(office.today + timedelta(seconds=KEPT) + timedelta(days=1))
    assert lists.prune(core) == 1
    with pytest.raises(NotFound):
        lists.show(core, who, batch)


def test_program_works_a_list_through_over_the_api(office: PermitOffice, app: FastAPI) -> None:
    """With a token for applications alone: sent once however often, looked at, done once each, refused rows with their
    reasons, drafts submitted together; a registration needs a scope of its own, and another account finds nothing."""
    ready, early = office.employed(1), office.employed(2, until=(office.today + timedelta(days=140)).isoformat())
    office.travel("2026-04-01")
    text = make_token(office.core, office.employer.who(), "night run", ["filing.file", "filing.read_own"], 30).text
    program = by_token(app, text)
    until = (date.fromisoformat(ready["until"]) + timedelta(days=300)).isoformat()
    rows = [{"number": one["number"], "until": until, "contract_until": until} for one in (ready, early)]
    body = {"kind": "extension", "rows": rows, "plain": True}
    sent, again = (program("POST", "/v1/lists", body, key="a-list-of-tonight-1") for _ in range(2))
    assert (sent.status_code, sent.json()["state"], again.json()) == (201, "checking", sent.json())
    path = sent.headers["location"]

    def through() -> dict[str, Any]:
        while (found := program("POST", f"{path}/advance").json())["state"] in ("checking", "running"):
            pass
        return dict(found)

    assert problem(program("POST", f"{path}/start")) == (409, "batch.state")
    assert [through()[name] for name in ("state", "ready", "refused", "done")] == ["ready", 1, 1, 0]
    (refused,) = program("GET", f"{path}/rows?refused=true").json()["rows"]
    assert (refused["number"], refused["code"]) == (2, "filing.too_early")
    assert program("GET", f"{path}/rows?limit=1").json()["next"] == 1
    assert [one["number"] for one in program("GET", f"{path}/rows?after=1").json()["rows"]] == [2]
    assert _drafts(office) == []
    program("POST", f"{path}/start")
    assert [through()[name] for name in ("state", "done", "refused")] == ["done", 1, 1]
    program("POST", f"{path}/start")
    through()
    (draft,) = _drafts(office)
    made = [one["made"] for one in program("GET", f"{path}/rows").json()["rows"]]
    assert made == [draft["filing_id"], None]
    submission = program("POST", f"{path}/submission", key="a-list-of-tonight-2")
    assert (submission.status_code, submission.json()["kind"]) == (201, "submission")

    assert [one["kind"] for one in program("GET", "/v1/lists").json()["items"]].count("extension") == 1
    wrong = {"kind": "registration", "rows": [{"surname": "MUSTER"}]}
    assert problem(program("POST", "/v1/lists", wrong, key="a-list-of-tonight-3")) == (403, "access.scope")
    for rows_, code in (([{"colour": "red"}], "batch.columns"), ([], "http.invalid"), ([{}] * 5001, "http.invalid")):
        answer = program("POST", "/v1/lists", {"kind": "extension", "rows": rows_}, key="a-list-of-tonight-4")
        assert problem(answer) == (422, code)
    other = by_session(app, office.another_employer(7).enter())
    assert problem(other("GET", path)) == problem(other("POST", f"{path}/advance")) == (404, "batch.none")
