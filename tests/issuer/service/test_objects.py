"""The objects that paths name: loaded before an endpoint runs, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import urlencode

import pytest
from fastapi import Depends, FastAPI

from icard_crypto.errors import StateError
from issuer import cards
from issuer.cards import NewCard
from issuer.portal import make_portal
from issuer.service.access import Access, Guard, require_access
from issuer.service.app import make_service
from issuer.service.context import CallOf
from issuer.service.cookies import SESSION
from issuer.service.objects import CARD, KINDS, MANDATE, Owned
from tests.issuer.conftest import new_database_url
from tests.kit.callers import by_session
from tests.kit.http_clients import ask
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, make, new_service_under_test
from verifier.runtime import http

#: What an official may do to a card, alone.
ACTS = {
    "POST suspend": {"reason": "a test"},
    "POST resume": {"reason": "a test"},
    "POST replace": {"reason": "a test"},
    "POST renew": {"reason": "a test"},
    "PUT permit": {"reason": "a test", "state": "suspended"},
    "PUT parties": {"holder_id": None, "employer_id": None},
}


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service with all its keys."""
    made = new_service_under_test(tmp_path, new_database_url("sqlite", tmp_path), keys=True)
    yield made
    made.core.close()


@pytest.fixture
def app(issuing_service: ServiceUnderTest) -> FastAPI:
    """Its application, portal included."""
    return make_service(issuing_service.core, http.Drain(), [make_portal(issuing_service.core)])


def test_every_kind_has_one_loader() -> None:
    """What an access may name can be loaded."""
    assert set(KINDS) == set(get_args(Owned))


def test_a_path_with_an_id_and_no_kind_does_not_start(app: FastAPI) -> None:
    """Nor one with another kind's id: the endpoint is named."""
    for access in (Access("account"), Access("account", owned="mandate")):
        copy = FastAPI(openapi_url=None)
        copy.add_api_route("/v1/cards/{card_id}/forgotten", lambda: "open", dependencies=[Depends(Guard(access))])
        with pytest.raises(StateError) as caught:
            require_access(copy)
        assert (caught.value.code, caught.value.path) == ("api.no_object", "/v1/cards/{card_id}/forgotten")
        assert caught.value.message().startswith("An endpoint whose path has an id")


def test_an_endpoint_that_asks_nothing_shows_nobody_elses(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """An endpoint that forgets to ask whose a card is: its holder gets it, another holder 404, as for no card at all;
    and it gets no other kind of object than it declares."""
    holder, other = make(issuing_service, "holder", "one"), make(issuing_service, "holder", "two")
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id)], HOST)

    def careless(call: CallOf) -> str:
        with pytest.raises(TypeError, match="that its access declares"):
            call.loaded(MANDATE)
        return call.loaded(CARD).card_id

    guard = Guard(Access("account", ("card.read_own",), owned="card"))
    app.add_api_route("/v1/cards/{card_id}/careless", careless, dependencies=[Depends(guard)])
    path = f"/v1/cards/{issued.card_id}/careless"
    assert by_session(app, holder.enter())("GET", path).json() == issued.card_id
    asks = by_session(app, other.enter())
    refused, missing = asks("GET", path), asks("GET", f"/v1/cards/{'0' * 32}/careless")
    assert (refused.status_code, refused.json()["code"]) == (404, "issue.no_card")
    assert {**refused.json(), "instance": ""} == {**missing.json(), "instance": ""}


def test_no_official_changes_the_card_of_their_own_person(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """By no endpoint of the API and by no form of the portal, though they may see it; another official may."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=one.person_id)], HOST)
    entered = one.enter()
    asks = by_session(app, entered)
    assert asks("GET", f"/v1/cards/{issued.card_id}").status_code == 200
    for act, body in ACTS.items():
        method, _, name = act.partition(" ")
        answer = asks(method, f"/v1/cards/{issued.card_id}/{name}", body, version='"1"')
        assert (answer.status_code, answer.json()["code"]) == (403, "account.self"), act
    form = {"csrf": entered.csrf, "key": "0123456789abcdef" * 2, "version": "1", "reason": "a test"}
    for name in ("suspend", "replace", "renew", "permit-suspended", "revoke"):
        headers = {"Cookie": f"{SESSION}={entered.token}", "Content-Type": "application/x-www-form-urlencoded"}
        path = f"/portal/cards/{issued.card_id}/{name}"
        page = ask(app, "POST", path, headers=headers, content=urlencode(form).encode())
        assert page.status_code == 403, (name, page.text[:300])
    shown = cards.show(issuing_service.core, issued.card_id)
    assert (shown.status, shown.version, shown.permit) == ("active", 1, "good")
    good = by_session(app, two.enter())(
        "POST", f"/v1/cards/{issued.card_id}/suspend", {"reason": "a test"}, version='"1"'
    )
    assert good.status_code == 204, good.text
