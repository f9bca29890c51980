"""One's own data through its pages: something is wrong, the answer, consents, and who may see and decide which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI

from issuer.portal import BASE, make_portal
from issuer.privacy import requests
from issuer.rules.days import day_of
from issuer.service.app import make_service
from tests.issuer.portal.test_guard import Person, of
from tests.kit.forms import words
from tests.kit.portal import Town, town
from verifier.runtime import http


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with people and cards."""
    new = town(tmp_path_factory.mktemp("privacy"))
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


def asked(person: Person, key: str, **fields: str) -> str:
    """Make a request; its page's path."""
    form = {"kind": "correction", "topic": "card", "words": "It is written otherwise.", **fields}
    answer = person.post("privacy/requests/new", key=key * 32, **form)
    assert answer.status_code == 303, words(answer.text)[-300:]
    return answer.headers["location"].removeprefix(BASE).partition("?")[0]


def test_fact_is_reported_from_beside_it_and_shown_as_disputed_until_it_is_answered(app: FastAPI, made: Town) -> None:
    """Number, day and rule at once; the officer sees the dispute at the card, answers, and the person reads it."""
    holder, officer, card = of(app, made, "holder"), of(app, made, "permit_officer"), made.cards[0]
    link = f'{BASE}privacy/requests/new?topic=card&amp;fact=position"'
    assert link in holder.get("?lang=en").text
    assert "Disputed" not in words(officer.get(f"cards/{card}?lang=en").text)
    form = holder.get("privacy/requests/new?topic=card&fact=position&lang=en").text
    assert "Card: Position" in words(form)
    path = asked(holder, "1", fact="position", words="It is <b>engineer</b>.")
    text = words(holder.get(f"{path}?lang=en").text)
    assert re.search("Request [0-9A-F]{4}-[0-9A-F]{4}", text)
    assert "Next step: the permit office." in text
    assert "GB/T 35273-2020" in text
    again = holder.get("?lang=en").text
    assert link not in again
    assert f'href="{BASE}{path}"' in again
    shown = officer.get(f"cards/{card}?lang=en").text
    assert "Disputed" in words(shown)
    assert f'href="{BASE}{path}"' in shown
    assert "Disputed" not in words(of(app, made, "employer").get(f"cards/{card}?lang=en").text)
    desk = officer.get("privacy/requests?lang=en").text
    assert f'href="{BASE}{path}"' in desk
    page = officer.get(f"{path}?lang=en").text
    assert "<b>engineer" not in page
    assert f'href="{BASE}cards/{card}"' in page
    empty = officer.post(f"{path}/decide", key="2" * 32, outcome="done", words="")
    assert empty.status_code == 422
    assert 'href="#f-words"' in empty.text
    assert officer.post(f"{path}/decide", key="3" * 32, outcome="done", words="Put right.").status_code == 303
    text = words(holder.get(f"{path}?lang=en").text)
    assert "Put right." in text
    assert "Met" in text
    assert link in holder.get("?lang=en").text
    assert f'href="{BASE}{path}"' not in officer.get("privacy/requests").text


def test_refusal_shows_reasons_and_ways_of_redress_with_their_days(app: FastAPI, made: Town) -> None:
    holder, officer = of(app, made, "holder"), of(app, made, "insurance_officer")
    path = asked(holder, "4", kind="deletion", topic="insurance", words="Delete my contributions.")
    assert "what a law keeps" in words(officer.get(f"{path}/decide?outcome=done&lang=en").text)
    done = officer.post(f"{path}/decide", key="5" * 32, outcome="refused", words="The law keeps them.")
    assert done.status_code == 303
    text = words(holder.get(f"{path}?lang=en").text)
    for wanted in ("The law keeps them.", "Application for administrative reconsideration", "Action before the court"):
        assert wanted in text


def test_request_is_seen_and_decided_by_whoever_keeps_the_data_alone(app: FastAPI, made: Town) -> None:
    """Another holder, another office and an employer find nothing; whoever may not decide has no such page."""
    holder = of(app, made, "holder")
    path = asked(holder, "6", topic="account", words="My name is spelt otherwise.")
    assert "My name" in words(of(app, made, "administrator").get(f"{path}?lang=en").text)
    for role in ("permit_officer", "insurance_officer"):
        assert of(app, made, role).get(path).status_code == 404
        assert of(app, made, role).post(f"{path}/decide", outcome="done", words="x").status_code == 404
    for role in ("employer", "agency", "inspector", "auditor", "office_head"):
        assert of(app, made, role).get(path).status_code == 403
        assert of(app, made, role).get("privacy/requests").status_code == 403
    assert holder.get(f"{path}/decide").status_code == 403
    assert of(app, made, "administrator").post(f"{path}/withdraw").status_code == 403
    assert holder.post(f"{path}/withdraw").status_code == 303
    assert "Withdrawn" in words(holder.get(f"{path}?lang=en").text)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"words": ""}, "words"),
        ({"words": "x" * 2001}, "words"),
        ({"words": "\u202egnihtemos"}, "words"),
        ({"kind": "curiosity"}, "kind"),
    ],
)
def test_request_that_cannot_be_used_is_refused_at_its_field_and_keeps_what_was_typed(
    app: FastAPI, made: Town, fields: dict[str, str], field: str
) -> None:
    form = {"kind": "deletion", "topic": "insurance", "words": "All of it", **fields}
    answer = of(app, made, "holder").post("privacy/requests/new", key="7" * 32, **form)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert re.search('value="insurance" checked', answer.text)


def test_request_that_is_sent_twice_is_one_and_the_eleventh_waits_its_turn(app: FastAPI, made: Town) -> None:
    holder, who = of(app, made, "holder"), made.people["holder"].who()
    first, second = (asked(holder, "8", words="The same") for _ in range(2))
    assert first == second
    while len(requests.waiting_requests(made.issuing_service.core, who)) < 10:
        requests.ask(made.issuing_service.core, who, "explanation", "card", "Why?")
    refused = holder.post("privacy/requests/new", key="9" * 32, kind="deletion", topic="card", words="More")
    assert refused.status_code == 409
    assert "Too many requests are waiting" in words(refused.text) or "待处理的请求过多" in words(refused.text)
    for one in requests.waiting_requests(made.issuing_service.core, who):
        requests.withdraw(made.issuing_service.core, who, one.request_id)


def test_consent_names_purpose_recipient_and_end_and_is_withdrawn_by_one_button(app: FastAPI, made: Town) -> None:
    holder = of(app, made, "holder")
    assert "purpose=bank" in holder.get("privacy/consents/new").text
    form = holder.get("privacy/consents/new?purpose=bank&lang=en").text
    assert "sensitive personal data" in words(form)
    late = day_of(int(made.issuing_service.clock.at)) + timedelta(days=5000)
    wrong = holder.post("privacy/consents/new", key="a" * 32, purpose="bank", recipient="Bank", until=late.isoformat())
    assert 'href="#f-until"' in wrong.text
    assert 'value="Bank"' in wrong.text
    until = (day_of(int(made.issuing_service.clock.at)) + timedelta(days=30)).isoformat()
    given = holder.post("privacy/consents/new", key="b" * 32, purpose="bank", recipient="Bank of X", until=until)
    assert given.status_code == 303
    page = holder.get("privacy/consents?lang=en").text
    assert "Bank of X" in page
    withdraw = re.findall(rf'action="{BASE}(privacy/consents/[0-9a-f]{{32}}/withdraw)"', page)
    assert len(withdraw) == 1
    assert of(app, made, "employer").post(withdraw[0]).status_code == 403
    assert holder.post(withdraw[0]).status_code == 303
    text = words(holder.get("privacy/consents?lang=en").text)
    assert "Withdrawn on" in text
    assert "In force" not in text


def test_own_data_is_offered_to_the_person_and_periods_to_everybody(app: FastAPI, made: Town) -> None:
    """The copy, the log, requests and consents for the holder; for others the explanation alone."""
    own = of(app, made, "holder").get("privacy?lang=en").text
    for path in ("/v1/privacy/export", f"{BASE}lookups", f"{BASE}privacy/requests", f"{BASE}privacy/consents"):
        assert f'href="{path}"' in own
    assert "/v1/privacy/export" not in of(app, made, "employer").get("privacy").text
    assert of(app, made, "employer").get("privacy/consents").status_code == 403
    text = words(of(app, made, "employer").get("privacy/kept?lang=en").text)
    assert "30 years" in text
    assert "Personal Information Protection Law" in text
