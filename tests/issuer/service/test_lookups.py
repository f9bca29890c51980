"""Online look-ups over HTTP, and the log that the holder sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from icard_crypto.errors import Unavailable
from issuer import cards
from issuer.audit.models import Read
from issuer.cards import NewCard, lookups
from issuer.cards.models import OnlineLookup
from issuer.notices.inbox import inbox
from issuer.service.app import make_app
from tests.kit.callers import by_session, problem
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, count, make, new_service_under_test, organisation
from verifier.runtime import http

pytestmark = pytest.mark.slow

_BY_CODE = "/v1/cards/by-code"


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service that issues."""
    made = new_service_under_test(tmp_path, database_url, keys=True)
    yield made
    made.core.close()


def test_the_holder_sees_every_look_up(issuing_service: ServiceUnderTest) -> None:
    """An inspector finds a card by any of its codes; the holder's log has each look with role, way and time, newest
    first, in pages, and no account. He is told once a day for each official; his employer neither sees nor is told."""
    # Noon, so that no day ends here.
    issuing_service.clock.at += (43_200 - issuing_service.clock.at) % 86_400
    place = organisation(issuing_service, "employer", 1)
    holder, boss = (
        make(issuing_service, "holder", "mei.lin"),
        make(issuing_service, "employer", "boss", organisation_id=place),
    )
    inspector, officer = (
        make(issuing_service, "inspector", "an.quan"),
        make(issuing_service, "permit_officer", "li.wei"),
    )
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id, employer=place)], HOST)
    app = make_app(issuing_service.core, http.Drain())
    asks = by_session(app, inspector.enter())
    for code in issued.codes:
        issuing_service.later(1)
        found = asks("POST", _BY_CODE, {"cti": code.cti})
        assert (found.status_code, found.json()["card_id"], found.headers["etag"]) == (200, issued.card_id, '"1"')
        assert found.json()["card"]["permit"]["number"] == person(1).permit.number
    issuing_service.later(1)
    by_session(app, officer.enter())("GET", f"/v1/cards/{issued.card_id}")
    sees = by_session(app, holder.enter())
    log = f"/v1/cards/{issued.card_id}/lookups"
    first = sees("GET", f"{log}?limit=3").json()
    rest = sees("GET", f"{log}?limit=3&cursor={first['next']}").json()
    seen = [(entry["role"], entry["way"]) for entry in (*first["items"], *rest["items"])]
    assert (seen, rest["next"]) == ([("permit_officer", "card"), *3 * [("inspector", "code")]], None)
    assert inspector.account_id not in str((first, rest))
    assert problem(by_session(app, boss.enter())("GET", log)) == (403, "access.not_allowed")
    told = [notice.kind for notice in inbox(issuing_service.core, holder.account_id)]
    assert (told, inbox(issuing_service.core, boss.account_id)) == (
        ["card.looked_up", "card.looked_up", "card.issued"],
        [notice for notice in inbox(issuing_service.core, boss.account_id) if notice.kind == "card.issued"],
    )
    issuing_service.later(86_400)
    assert by_session(app, inspector.enter())("POST", _BY_CODE, {"cti": issued.codes[0].cti}).status_code == 200
    assert [notice.kind for notice in inbox(issuing_service.core, holder.account_id)].count("card.looked_up") == 3


def test_who_may_look_up(issuing_service: ServiceUnderTest) -> None:
    """Neither holders nor administrators look anything up; another holder sees no log; a cti of no card is 404."""
    holder, other = make(issuing_service, "holder", "mei.lin"), make(issuing_service, "holder", "mei.hua")
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id)], HOST)
    app = make_app(issuing_service.core, http.Drain())
    for role in ("administrator", "auditor"):
        asks = by_session(app, make(issuing_service, role, role).enter())
        assert problem(asks("POST", _BY_CODE, {"cti": issued.codes[0].cti})) == (403, "access.not_allowed")
    asks = by_session(app, other.enter())
    assert problem(asks("POST", _BY_CODE, {"cti": issued.codes[0].cti})) == (403, "access.not_allowed")
    missing, others = (asks("GET", f"/v1/cards/{name}/lookups") for name in ("0" * 32, issued.card_id))
    assert problem(missing) == problem(others) == (404, "issue.no_card")
    asks = by_session(app, make(issuing_service, "inspector", "an.quan").enter())
    assert problem(asks("POST", _BY_CODE, {"cti": "0" * 16})) == (404, "issue.no_card")
    for bad in ("0" * 17, "XYZ", issued.codes[0].cti.upper() + "\n"):
        assert problem(asks("POST", _BY_CODE, {"cti": bad})) == (422, "http.invalid")
    assert count(issuing_service.core, OnlineLookup) == 0


def test_no_look_without_its_row(issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the row cannot be written nothing of the card is shown."""
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1))], HOST)
    asks = by_session(
        make_app(issuing_service.core, http.Drain()), make(issuing_service, "inspector", "an.quan").enter()
    )

    def full(*_: Any) -> None:
        raise Unavailable("database.full")

    monkeypatch.setattr(lookups, "notify_holder", full)
    answer = asks("POST", _BY_CODE, {"cti": issued.codes[0].cti})
    assert (problem(answer), "permit" in answer.text) == ((503, "database.full"), False)


def test_a_search_leaves_its_rows_in_one_transaction(issuing_service: ServiceUnderTest) -> None:
    """The search and each card that it found; a purpose of another role is refused alike, whether there is a card."""
    cards.issue(issuing_service.core, [NewCard(person(1))], HOST)
    asks = by_session(
        make_app(issuing_service.core, http.Drain()), make(issuing_service, "inspector", "an.quan").enter()
    )
    wanted = {"kind": "permit", "value": person(1).permit.number}
    for value in (wanted["value"], "R310115202699999999"):
        answer = asks("POST", "/v1/cards/search", {**wanted, "value": value, "purpose": "no.such"})
        assert problem(answer) == (422, "lookup.purpose")
    assert (count(issuing_service.core, Read), count(issuing_service.core, OnlineLookup)) == (0, 0)
    commits: list[object] = []
    event.listen(issuing_service.core.database.engine, "commit", commits.append)
    assert len(asks("POST", "/v1/cards/search", wanted).json()) == 1
    assert len(commits) == 1
    assert (count(issuing_service.core, Read), count(issuing_service.core, OnlineLookup)) == (1, 1)
