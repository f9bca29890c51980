"""Acts of two people over HTTP, from the invitation of an officer to the revoked card in the published bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from fastapi import FastAPI

from issuer import cards
from issuer.accounts.models import Account
from issuer.approvals.models import Confirmation
from tests.kit.callers import Caller, by_session, by_token, log_in, problem
from tests.kit.issuing_service import FakeClock, person
from tests.kit.people import CHEAP, PASSWORD, ServiceUnderTest, Somebody, count, make
from tests.kit.signed_domain import bundle_domain, published_core, step
from verifier import Policy, Verifier

pytestmark = pytest.mark.slow


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with all its keys."""
    clock = FakeClock()
    core = published_core(tmp_path, database_url, clock, **CHEAP, account_burst=10_000)
    yield ServiceUnderTest(core, clock)
    core.close()


def new_card(officer: Caller, number: int = 1) -> str:
    """A card that an officer issues; its path."""
    issued = officer("POST", "/v1/cards", {"card": person(number).to_json()})
    assert issued.status_code == 201, issued.text
    return str(issued.headers["location"])


def revocation(path: str) -> dict[str, Any]:
    """The request to withdraw a card."""
    return {"act": "card.revoke", "arguments": {"card_id": path.rpartition("/")[2]}, "reason": "The permit has ended."}


def verdict(issuing_service: ServiceUnderTest, app: FastAPI, text: str) -> tuple[str, str]:
    """What a verifier says that has fetched the bundle just published."""
    step(issuing_service.core, issuing_service.clock)
    bundle = Caller(app, {})("GET", "/bundle.cbor")
    assert bundle.status_code == 200
    now = int(issuing_service.clock.at)
    found = Verifier(bundle_domain(bundle.content, now), Policy.named("gate")).verify(text, now=now)
    return found.outcome, found.reason


def taken_up(issuing_service: ServiceUnderTest, app: FastAPI, token: str) -> Somebody:
    """Whoever holds an official's invitation sets password and authenticator app over HTTP."""
    anyone = Caller(app, {})
    shown = anyone("POST", "/v1/invitations/open", {"token": token}).json()
    secret = shown["totp"]["secret"]
    code = pyotp.TOTP(secret).at(int(issuing_service.clock.at))
    wanted = {"token": token, "password": PASSWORD, "code": code, "proof": shown["totp"]["proof"]}
    assert problem(anyone("POST", "/v1/invitations/accept", {**wanted, "code": "000000"})) == (403, "totp.wrong")
    accepted = anyone("POST", "/v1/invitations/accept", wanted)
    assert accepted.status_code == 200
    assert problem(anyone("POST", "/v1/invitations/accept", wanted)) == (404, "invitation.unknown")
    recovery = accepted.json()["recovery_codes"]
    return Somebody(issuing_service, shown["account_id"], "", shown["login"], secret, recovery)


def test_from_an_officers_invitation_to_a_revoked_card(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """Two administrators make two officers; one asks, is refused confirming himself, the other one confirms; the
    published bundle says revoked.
    """
    first, second = (make(issuing_service, "administrator", name) for name in ("first", "second"))
    issuing_service.later()
    officers = []
    for name in ("wang.fang", "zhao.lei"):
        new = {"role": "permit_officer", "login": name, "name": name.title(), "identity": f"S-{name.upper()[:4]}"}
        asker = log_in(app, first)
        asked = asker("POST", "/v1/confirmations", {"act": "account.create", "arguments": new, "reason": "New here."})
        assert asked.status_code == 201, asked.text
        path = asked.headers["location"]
        assert problem(asker("POST", f"{path}/confirm")) == (403, "confirm.same_person")
        done = log_in(app, second)("POST", f"{path}/confirm")
        assert done.status_code == 200, done.text
        assert asker("GET", path).json()["state"] == "done"
        officers.append(
            taken_up(issuing_service, app, f"{asked.json()['invitation_part']}.{done.json()['invited']['token']}")
        )
    issuing_service.later()
    officer = log_in(app, officers[0])
    card = new_card(officer)
    text = cards.show(issuing_service.core, card.rpartition("/")[2]).codes[0].text
    assert verdict(issuing_service, app, text) == ("VALID", "valid")
    asked = officer("POST", "/v1/confirmations", revocation(card))
    assert asked.status_code == 201, asked.text
    path = asked.headers["location"]
    assert problem(officer("POST", f"{path}/confirm")) == (403, "confirm.same_person")
    assert verdict(issuing_service, app, text) == ("VALID", "valid")
    other = log_in(app, officers[1])
    (waiting,) = other("GET", "/v1/confirmations").json()["items"]
    assert (waiting["reason"], waiting["own"]) == ("The permit has ended.", False)
    done = other("POST", f"{path}/confirm")
    assert (done.status_code, done.json()["act"], done.json()["invited"]) == (200, "card.revoke", None)
    assert officer("GET", card).json()["standing"] == "revoked"
    assert verdict(issuing_service, app, text) == ("INVALID", "revoked")
    assert problem(officer("POST", "/v1/confirmations", revocation(card))) == (409, "issue.card_revoked")


def test_who_may_not_confirm(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """A program, an account made after the request, a code of six minutes ago, another role: refused, nothing done."""
    one, two = (make(issuing_service, "permit_officer", name) for name in ("one", "two"))
    admin = make(issuing_service, "administrator", "admin")
    issuing_service.later()
    officer = by_session(app, one.enter())
    card = new_card(officer)
    path = officer("POST", "/v1/confirmations", revocation(card)).headers["location"]
    scopes = ["card.find", "card.issue", "card.read", "card.suspend"]
    made = by_session(app, two.enter())("POST", "/v1/tokens", {"label": "x", "scopes": scopes, "days": 7})
    program = by_token(app, made.json()["token"])
    issuing_service.later()
    young = by_session(app, make(issuing_service, "permit_officer", "young").enter())
    for method, way in (("POST", ""), ("GET", ""), ("GET", path), ("POST", f"{path}/confirm")):
        asked = program(method, way or "/v1/confirmations", revocation(card))
        assert problem(asked) == (403, "access.people_only")
    assert problem(program("POST", f"{path}/refuse")) == (403, "access.people_only")
    assert problem(young("POST", f"{path}/confirm")) == (403, "confirm.younger_account")
    stranger = by_session(app, admin.enter())
    for method, way in (("GET", path), ("POST", f"{path}/confirm"), ("POST", f"{path}/refuse")):
        assert problem(stranger(method, way)) == (404, "confirm.none")
    assert stranger("GET", "/v1/confirmations").json()["items"] == []
    stale = by_session(app, two.enter())
    issuing_service.later(301)
    assert problem(stale("POST", f"{path}/confirm")) == (403, "access.fresh_code")
    assert problem(stale("POST", "/v1/confirmations", revocation(card))) == (403, "access.fresh_code")
    assert officer("GET", card).json()["standing"] == "active"


def test_asking_and_confirming_are_done_once(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """A repeated request gets the first answer, without the invitation's secret; another one is told it was decided."""
    one, two = (make(issuing_service, "administrator", name) for name in ("one", "two"))
    issuing_service.later()
    asker, other = by_session(app, one.enter()), by_session(app, two.enter())
    new = {"role": "inspector", "login": "officer", "name": "Officer", "identity": "S-1001"}
    wanted = {"act": "account.create", "arguments": new, "reason": "New here."}
    asked = asker("POST", "/v1/confirmations", wanted, key="one-request-please")
    repeated = asker("POST", "/v1/confirmations", wanted, key="one-request-please")
    assert repeated.json() == {**asked.json(), "invitation_part": None}
    assert problem(asker("POST", "/v1/confirmations", wanted)) == (409, "confirm.waiting")
    assert count(issuing_service.core, Confirmation) == 1
    path = asked.headers["location"]
    before = count(issuing_service.core, Account)
    done = other("POST", f"{path}/confirm", key="confirmed-only-once")
    again = other("POST", f"{path}/confirm", key="confirmed-only-once")
    assert (done.status_code, again.status_code) == (200, 200)
    assert done.json()["invited"]["token"] is not None
    assert again.json() == {**done.json(), "invited": {**done.json()["invited"], "token": None}}
    assert problem(other("POST", f"{path}/confirm")) == (409, "confirm.decided")
    assert count(issuing_service.core, Account) == before + 1


def test_a_request_is_refused_or_withdrawn(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """By another, or by who asked; afterwards it is confirmed no more, and the same may be asked for again."""
    one, two = (by_session(app, make(issuing_service, "permit_officer", name).enter()) for name in ("one", "two"))
    issuing_service.later()
    card = new_card(one)
    for decider in (one, two):
        path = one("POST", "/v1/confirmations", revocation(card)).headers["location"]
        assert decider("POST", f"{path}/refuse").status_code == 204
        assert problem(decider("POST", f"{path}/refuse")) == (409, "confirm.decided")
        assert problem(two("POST", f"{path}/confirm")) == (409, "confirm.decided")
        assert one("GET", path).json()["state"] == "refused"
    assert one("GET", card).json()["standing"] == "active"


def test_a_wrong_request_is_refused(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """And nothing waits."""
    wrong: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"act": "card.nothing"}, (422, "confirm.act")),
        ({"arguments": {}}, (422, "account.field")),
        ({"arguments": {"card_id": "\x00"}}, (422, "account.field")),
        ({"arguments": {"card_id": "0" * 32, "more": "x"}}, (422, "account.field")),
        ({"arguments": {"card_id": 7}}, (422, "http.invalid")),
        ({"arguments": {"card_id": "0" * 32}}, (404, "issue.no_card")),
        ({"act": "account.create"}, (403, "access.not_allowed")),
        ({"reason": " "}, (422, "account.field")),
    ]
    officer = by_session(app, make(issuing_service, "permit_officer", "one").enter())
    for changes, refused in wrong:
        asked = officer("POST", "/v1/confirmations", {**revocation("cards/" + "0" * 32), **changes})
        assert problem(asked) == refused, changes
    assert count(issuing_service.core, Confirmation) == 0
