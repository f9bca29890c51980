"""What the service refuses over HTTP: forged requests, planted sessions, guesses, used codes, tokens beyond scope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from issuer.accounts.models import Account
from issuer.accounts.roles import SCOPES
from issuer.accounts.sessions import csrf_token
from issuer.accounts.tokens import make_token
from issuer.audit.models import AuditRow
from issuer.cards.models import CardRow
from issuer.service.access import access_of
from issuer.service.app import make_app, make_service
from issuer.service.cookies import DEVICE, SESSION
from tests.kit.http_clients import ask, ask_at_once
from tests.kit.issuing_api import BOUNDLESS, headers_of, wanted_card
from tests.kit.people import PASSWORD, ServiceUnderTest, Somebody, count, make, new_service_under_test
from verifier.runtime import http as edge

_ID = "0" * 32
#: What a page of another site makes a browser send.
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://service.test.evil.example"},
    {"Origin": "https://service.test"},
    {"Origin": "http://service.test:81"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service that can issue."""
    made = new_service_under_test(tmp_path, database_url, keys=True, **BOUNDLESS)
    yield made
    made.core.close()


@pytest.fixture
def app(issuing_service: ServiceUnderTest) -> ASGIApp:
    """Its application with the edge around it."""
    return make_app(issuing_service.core, edge.Drain())


def routes_of(issuing_service: ServiceUnderTest) -> list[tuple[str, str, Any]]:
    """Method, path and access of every endpoint."""
    app: FastAPI = make_service(issuing_service.core, edge.Drain())
    found = []
    for route in app.routes:
        if isinstance(route, APIRoute):
            guard = access_of(route)
            assert guard is not None
            path = route.path
            for name in route.param_convertors:
                path = path.replace(f"{{{name}}}", _ID)
            found.append((next(iter(route.methods or ())), path, guard.access))
    return found


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """Name and value of the cookies that an answer sets; each is for this host over TLS and no script's."""
    found = {}
    for header in answer.headers.get_list("set-cookie"):
        name, _, rest = header.partition("=")
        value, _, attributes = rest.partition(";")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(
            attributes.lower().replace(" ", "").split(";")
        )
        assert "domain" not in attributes.lower()
        found[name] = value
    return found


def log_in(app: ASGIApp, name: str, cookie: str | None = None, client: str = "192.0.2.1") -> httpx.Response:
    """The password step, with a session's cookie that the browser had before."""
    headers = {} if cookie is None else {"Cookie": f"{SESSION}={cookie}"}
    return ask(app, "POST", "/v1/sessions", client, json={"login": name, "password": PASSWORD}, headers=headers)


def second_factor(app: ASGIApp, token: str, code: str) -> httpx.Response:
    """The second factor in a session."""
    headers = {"Cookie": f"{SESSION}={token}", "X-CSRF-Token": csrf_token(token)}
    return ask(app, "POST", "/v1/session/second-factor", json={"code": code}, headers=headers)


def in_both_steps(app: ASGIApp, one: Somebody) -> dict[str, str]:
    """Log in with both factors; what the browser sends from then on."""
    token = cookies_of(log_in(app, one.login))[SESSION]
    token = cookies_of(second_factor(app, token, one.code()))[SESSION]
    return {"Cookie": f"{SESSION}={token}", "X-CSRF-Token": csrf_token(token)}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and reason of a refusal; no reason where it is none."""
    return answer.status_code, answer.json()["code"] if answer.is_error else ""


def test_a_request_that_another_site_made_is_refused(issuing_service: ServiceUnderTest, app: ASGIApp) -> None:
    """Every endpoint that changes something, by a session: without its CSRF token, with a wrong one, with another
    session's or the one from before the second factor, or from another site, it is refused and nothing is done."""
    officer, other = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    before = cookies_of(log_in(app, "one"))[SESSION]
    good, stranger = headers_of(officer.enter()), headers_of(other.enter())
    cookie = {"Cookie": good["Cookie"]}
    wrong = (None, "", "x", "a" * 43, good["X-CSRF-Token"][:-1], stranger["X-CSRF-Token"], csrf_token(before))
    forged = [cookie if token is None else {**cookie, "X-CSRF-Token": token} for token in wrong]
    forged += [{**good, **foreign} for foreign in FOREIGN]
    acts = count(issuing_service.core, AuditRow)
    changing = [
        each for each in routes_of(issuing_service) if each[0] not in ("GET", "HEAD") and each[2].asks != "anyone"
    ]
    assert len(changing) > 15
    more = {"Idempotency-Key": "a-forged-request", "If-Match": '"1"', "Content-Type": "application/json"}
    file = {"Content-Type": "application/pdf"}
    asked: list[dict[str, Any]] = [
        {
            "method": method,
            "url": path,
            "headers": {**more, **(file if path.startswith("/v1/files/") else {}), **headers},
            "content": b"{}",
        }
        for number, (method, path, _) in enumerate(changing)
        # All of them at one, and at each one without a token, with a wrong one, and from elsewhere, in turn.
        for headers in (forged if path == "/v1/cards" else (cookie, forged[1 + number % 6], forged[7 + number % 7]))
    ]
    answers = [answer for start in range(0, len(asked), 20) for answer in ask_at_once(app, asked[start : start + 20])]
    assert Counter(code_of(answer) for answer in answers) == {(403, "session.csrf"): len(asked)}
    assert (count(issuing_service.core, AuditRow), count(issuing_service.core, CardRow)) == (acts, 0)
    own = {**good, "Origin": "http://service.test", "Sec-Fetch-Site": "same-origin", **more}
    assert ask(app, "POST", "/v1/cards", json=wanted_card(1), headers=own).status_code == 201


def test_another_site_logs_nobody_in(issuing_service: ServiceUnderTest, app: ASGIApp) -> None:
    """Nor can it log a browser in as somebody, or do anything else that anyone may do and that changes something."""
    make(issuing_service, "holder", "zhang.san")
    anyone = [
        each for each in routes_of(issuing_service) if each[0] not in ("GET", "HEAD") and each[2].asks == "anyone"
    ]
    assert ("POST", "/v1/sessions") in {each[:2] for each in anyone}
    body = {"login": "zhang.san", "password": PASSWORD}
    for method, path, _ in anyone:
        for foreign in FOREIGN:
            answer = ask(app, method, path, json=body, headers=foreign)
            assert code_of(answer) == (403, "session.csrf"), (path, foreign)
            assert "set-cookie" not in answer.headers


def test_a_planted_session_is_never_logged_in(issuing_service: ServiceUnderTest, app: ASGIApp) -> None:
    """The token that a browser brings is not kept at log-in, the one before the second factor not behind it; a session
    of somebody else that was planted is ended, and a planted device is made nobody's."""
    victim, attacker = (
        make(issuing_service, "permit_officer", "victim"),
        make(issuing_service, "permit_officer", "attacker"),
    )
    planted = attacker.enter().token
    entered = log_in(app, "victim", planted)
    half = cookies_of(entered)[SESSION]
    assert (entered.status_code, entered.json()["step"]) == (201, "password")
    done = second_factor(app, half, victim.code())
    full = cookies_of(done)[SESSION]
    assert (done.status_code, done.json()["step"]) == (200, "full")
    assert len({planted, half, full}) == 3
    shown = {
        token: ask(app, "GET", "/v1/session", headers={"Cookie": f"{SESSION}={token}"}) for token in (planted, half)
    }
    assert {code_of(answer) for answer in shown.values()} == {(401, "session.unknown")}
    for made_up in ("x", "A" * 43, "a; b", ""):
        token = cookies_of(log_in(app, "victim", made_up))[SESSION]
        assert token not in (made_up, full)
    headers = {"Cookie": f"{SESSION}={half}; {DEVICE}={'d' * 43}"}
    again = ask(app, "POST", "/v1/sessions", json={"login": "victim", "password": PASSWORD}, headers=headers)
    token = cookies_of(again)[SESSION]
    headers = {"Cookie": f"{SESSION}={token}; {DEVICE}={'d' * 43}", "X-CSRF-Token": csrf_token(token)}
    last = ask(app, "POST", "/v1/session/second-factor", json={"code": victim.code()}, headers=headers)
    assert cookies_of(last)[DEVICE] != "d" * 43


def test_parallel_guesses_are_counted(issuing_service: ServiceUnderTest, app: ASGIApp) -> None:
    """Of sixty guesses at once no more are tried than of sixty in turn: twenty; the others wait, the right one among
    them too, while its owner, from where she is known, gets in."""
    owner = make(issuing_service, "holder", "zhang.san")
    assert log_in(app, "zhang.san", client="203.0.113.5").status_code == 201
    guesses = [{"login": "zhang.san", "password": f"guess number {number}"} for number in range(59)]
    guesses.append({"login": "zhang.san", "password": PASSWORD})
    requests = [{"method": "POST", "url": "/v1/sessions", "json": guess} for guess in guesses]
    answers = ask_at_once(app, requests, "198.51.100.9")
    found = Counter(answer.status_code for answer in answers)
    assert found[401] + found[201] <= 20
    assert found[429] + found[503] >= 40
    assert found.total() == 60
    assert {answer.json()["code"] for answer in answers if answer.status_code == 503} <= {
        "login.busy",
        "http.overloaded",
    }
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code in (429, 503))
    assert log_in(app, "zhang.san", client="203.0.113.5").status_code == 201
    assert owner.login == "zhang.san"


def test_a_code_is_used_once(issuing_service: ServiceUnderTest, app: ASGIApp) -> None:
    """A TOTP code that was used is refused in another session, and of eight at once one gets in."""
    officer = make(issuing_service, "permit_officer", "li.wei")
    half = [cookies_of(log_in(app, "li.wei"))[SESSION] for _ in range(3)]
    code = officer.code()
    assert second_factor(app, half[0], code).status_code == 200
    assert code_of(second_factor(app, half[1], code)) == (403, "totp.wrong")
    code = officer.code()
    requests = [
        {
            "method": "POST",
            "url": "/v1/session/second-factor",
            "json": {"code": code},
            "headers": {"Cookie": f"{SESSION}={token}", "X-CSRF-Token": csrf_token(token)},
        }
        for token in half[1:] * 4
    ]
    found = Counter(answer.status_code for answer in ask_at_once(app, requests))
    assert found[200] == 1
    # The session that got in has another token by then; too many tries have to wait.
    assert set(found) <= {200, 401, 403, 429}


def test_a_token_does_what_its_scopes_say(issuing_service: ServiceUnderTest, app: ASGIApp) -> None:
    """Beyond them it is refused, with every cookie of a person beside it too; what is a person's it never gets."""
    officer = make(issuing_service, "permit_officer", "li.wei")
    session = in_both_steps(app, officer)
    made = make_token(issuing_service.core, officer.who(), "a program", {"card.find"}, 7)
    bearer = {"Authorization": f"Bearer {made.text}"}
    body = {"kind": "permit", "value": "R310115202600000001"}
    assert ask(app, "POST", "/v1/cards/search", json=body, headers=bearer).json() == []
    for headers in (bearer, {**session, **bearer}):
        key = {"Idempotency-Key": "beyond-its-scopes"}
        answer = ask(app, "POST", "/v1/cards", json=wanted_card(1), headers={**headers, **key})
        assert code_of(answer) == (403, "access.scope")
    whole = make_token(
        issuing_service.core, officer.who(), "all that a token can", SCOPES & officer.who().role.rights, 7
    )
    bearer = {"Authorization": f"Bearer {whole.text}"}
    people = [each for each in routes_of(issuing_service) if each[2].asks in ("begun", "person")]
    assert len(people) > 8
    for method, path, _ in people:
        for headers in (bearer, {**session, **bearer}):
            assert ask(app, method, path, headers=headers).json()["code"] in (
                "access.people_only",
                "access.not_allowed",
            ), path
    for spoilt in (made.text[:-1], made.text.upper(), f"{made.text}x", "x"):
        answer = ask(app, "GET", "/v1/cards", headers={"Authorization": f"Bearer {spoilt}"})
        assert code_of(answer) == (401, "token.unknown")


def test_two_people_are_needed(issuing_service: ServiceUnderTest, app: ASGIApp) -> None:
    """An administrator who confirms himself, in this session, in another, under another account of his own; one who is
    younger than the request; one whom it is about; a stale code; a program: all are refused, and nobody is made."""
    make(issuing_service, "administrator", "first")
    one = make(issuing_service, "administrator", "one", identity="STAFF-1")
    again = make(issuing_service, "administrator", "one.again", identity="STAFF-1")
    two = make(issuing_service, "administrator", "two")
    issuing_service.later()

    def ask_for(who: Somebody, act: str, arguments: dict[str, str], number: int) -> httpx.Response:
        key = {"Idempotency-Key": f"confirmation-number-{number}"}
        body = {"act": act, "arguments": arguments, "reason": "a colleague"}
        return ask(app, "POST", "/v1/confirmations", json=body, headers={**headers_of(who.enter()), **key})

    wanted = {"role": "inspector", "login": "new.one", "name": "New", "identity": "NEW-1"}
    made = ask_for(one, "account.create", wanted, 1)
    assert made.status_code == 201, made.text
    place = f"/v1/confirmations/{made.json()['confirmation_id']}/confirm"
    key = {"Idempotency-Key": "the-key-of-a-decision"}
    young = make(issuing_service, "administrator", "young")
    refused = {
        code_of(ask(app, "POST", place, headers={**headers_of(who.enter()), **key})) for who in (one, one, again)
    }
    assert refused == {(403, "confirm.same_person")}
    answer = ask(app, "POST", place, headers={**headers_of(young.enter()), **key})
    assert code_of(answer) == (403, "confirm.younger_account")
    stale = headers_of(two.enter())
    issuing_service.later(301)
    assert code_of(ask(app, "POST", place, headers={**stale, **key})) == (403, "access.fresh_code")
    bearer = {"Authorization": "Bearer icard_000000000000_" + "x" * 43}
    assert code_of(ask(app, "POST", place, headers={**bearer, **key})) == (401, "token.unknown")
    own = {"role": "administrator", "login": "one.third", "name": "x", "identity": "STAFF-1"}
    assert code_of(ask_for(one, "account.create", own, 2)) == (403, "account.self")
    about = ask_for(one, "account.reset", {"account_id": two.account_id}, 3)
    decision = f"/v1/confirmations/{about.json()['confirmation_id']}/confirm"
    answer = ask(app, "POST", decision, headers={**headers_of(two.enter()), **key})
    assert code_of(answer) == (403, "account.self")
    before = count(issuing_service.core, Account)
    done = ask(app, "POST", place, headers={**headers_of(two.enter()), **key})
    assert (done.status_code, done.json()["act"]) == (200, "account.create")
    assert count(issuing_service.core, Account) == before + 1
