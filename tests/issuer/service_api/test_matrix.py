"""Every endpoint, every role, by session and by token: complete because it is made from the application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
from fastapi.routing import APIRoute

from issuer import cards
from issuer.accounts.roles import RIGHTS, ROLES, SCOPES
from issuer.accounts.tokens import make_token
from issuer.cards import NewCard
from issuer.service.access import Access, access_of
from issuer.service.app import make_service
from issuer.service.cookies import SESSION
from tests.issuer.accounts.kit import HOST, House, make, new_house, organisation
from tests.issuer.service import person
from verifier.service import edge

_REFUSED = ("access.not_allowed", "access.scope", "access.people_only")
_MISSING = "0" * 32


def _callers(house: House) -> Iterator[tuple[str, bool, dict[str, str]]]:
    """Each role, whether by token, and its headers; a token has every scope that its role can give."""
    for number, (name, role) in enumerate(ROLES.items()):
        more = {"organisation_id": organisation(house, role.organisation, number)} if role.organisation else {}
        entered = make(house, name, f"one.{number}", **more).enter()
        if "token.own" in role.rights:
            token = make_token(house.core, entered.who, "a program", SCOPES & role.rights, 7)
            yield name, True, {"Authorization": f"Bearer {token.text}"}
        yield name, False, {"Cookie": f"{SESSION}={entered.token}", "X-CSRF-Token": entered.csrf}


def _let_in(access: Access, role: str, *, token: bool) -> bool:
    """Whether the declaration lets a role in."""
    if access.asks == "anyone":
        return True
    if token and access.asks != "account":
        return False
    held = ROLES[role].rights & (SCOPES if token else RIGHTS.keys())
    return not access.rights or any(right in held for right in access.rights)


def _shown(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    """A problem without the request's own id."""
    return answer.status_code, {name: words for name, words in answer.json().items() if name != "instance"}


def _logs_out(route: APIRoute) -> bool:
    return route.path == "/v1/session" and "DELETE" in (route.methods or ())


def test_every_endpoint_lets_in_whom_it_declares(database_url: str, tmp_path: Path) -> None:
    """Whoever lacks the right is 403, by session and by token; another's is 404 like nothing."""
    house = new_house(tmp_path, database_url, keys=True, account_burst=10_000)
    card_id = cards.issue(house.core, [NewCard(person(1))], HOST)[0].card_id
    app = make_service(house.core, edge.Drain())
    routes = [route for route in app.routes if isinstance(route, APIRoute)]

    async def asked() -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as http:
            for role, token, headers in _callers(house):
                for route in sorted(routes, key=_logs_out):
                    guard = access_of(route)
                    assert guard is not None
                    method, path = next(iter(route.methods or ())), route.path
                    for name in route.param_convertors:
                        path = path.replace(f"{{{name}}}", _MISSING)
                    http.cookies.clear()
                    more = {"Idempotency-Key": "a-key-of-this-test", "If-Match": '"1"'}
                    answer = await http.request(method, path, headers={**headers, **more})
                    place = (role, token, method, route.path, answer.status_code, answer.text[:200])
                    refused = answer.status_code == 403 and answer.json()["code"] in _REFUSED
                    assert refused != _let_in(guard.access, role, token=token), place
                    assert answer.status_code != 401, place
                    assert answer.status_code < 500 or route.path == "/readyz", place
                    if guard.access.owned and method == "GET" and not refused:
                        assert answer.status_code == 404, place
                        if guard.access.owned == "card" and "card.read" not in ROLES[role].rights:
                            others = await http.get(path.replace(_MISSING, card_id), headers=headers)
                            assert _shown(others) == _shown(answer), place

    asyncio.run(asked())
    house.core.close()
