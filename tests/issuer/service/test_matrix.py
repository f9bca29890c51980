"""Every endpoint, every role, by session and by token: complete because it is made from the application.

An endpoint without a row in :mod:`tests.issuer.service.matrix_rows` fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from issuer.accounts import mandates, tokens
from issuer.accounts.roles import RIGHTS, ROLES, SCOPES
from issuer.accounts.sessions import Entered
from issuer.approvals import engine
from issuer.service.access import Access, access_of
from issuer.service.app import make_service
from tests.issuer.service.matrix_rows import ROWS, World
from tests.kit.callers import Caller, by_session, by_token
from tests.kit.issuing_service import FakeClock
from tests.kit.people import CHEAP, ServiceUnderTest, Somebody
from tests.kit.signed_domain import published_core
from verifier.runtime import http

pytestmark = pytest.mark.slow

_REFUSED = ("access.not_allowed", "access.scope", "access.people_only")
_MISSING = "0" * 32
_DAY = 86_400


@dataclass(frozen=True)
class Route:
    """An endpoint of the application."""

    name: str
    method: str
    path: str
    status: int
    changes: bool
    access: Access

    def at(self, ids: dict[str, str]) -> str:
        """Its path with these ids."""
        return self.path.format(**ids)

    @property
    def ids(self) -> list[str]:
        """The names in its path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


def _routes(app: FastAPI) -> list[Route]:
    """All of them, but those of HEAD, which are GET's; what ends the session that asks comes last."""
    found = []
    for route in app.routes:
        guard = access_of(route) if isinstance(route, APIRoute) else None
        if not isinstance(route, APIRoute) or guard is None or route.methods == {"HEAD"}:
            continue
        method = next(iter(route.methods or ()))
        parameters = (route.openapi_extra or {}).get("parameters", [])
        changes = any(each["name"] == "If-Match" for each in parameters)
        name = f"{method} {route.path}"
        found.append(Route(name, method, route.path, route.status_code or 200, changes, guard.access))
    return sorted(found, key=lambda route: route.name == "DELETE /v1/session")


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A service with all its keys, and people."""
    clock = FakeClock()
    core = published_core(
        tmp_path, database_url, clock, **CHEAP, account_burst=10_000, session_idle=_DAY, session_longest=7 * _DAY
    )
    yield World(ServiceUnderTest(core, clock), tmp_path)
    core.close()


@pytest.fixture
def app(world: World) -> FastAPI:
    """Its application."""
    return make_service(world.core, http.Drain())


def _held(access: Access, role: str, scopes: frozenset[str] | None) -> set[str]:
    """Of the rights that an endpoint asks for, those that the caller has."""
    return set(access.rights) & ROLES[role].rights & (RIGHTS.keys() if scopes is None else scopes & SCOPES)


def _let_in(access: Access, role: str, scopes: frozenset[str] | None) -> bool:
    """Whether the declaration lets a role in; ``scopes``: a token's."""
    if access.asks == "anyone":
        return True
    if scopes is not None and access.asks != "account":
        return False
    return not access.rights or bool(_held(access, role, scopes))


def _own_alone(access: Access, role: str) -> bool:
    """Whether a role that is let in sees there nothing but what is its own."""
    return all(right.rpartition(".")[2] in ("own", "read_own", "give", "file") for right in _held(access, role, None))


def _shown(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    """A problem without the request's own id."""
    return answer.status_code, {name: words for name, words in answer.json().items() if name != "instance"}


def _by(world: World, by: str | Somebody | Entered | None, method: str) -> list[Entered | None]:
    """The sessions in which a shot's request is sent; what reads alone needs none of its own."""
    if isinstance(by, str):
        return [world.session(role) if method == "GET" else world.people[role].enter() for role in by.split()]
    return [by.enter() if isinstance(by, Somebody) else by]


def _check_body(described: dict[str, Any], route: Route, answer: httpx.Response) -> None:
    """Hold an answer against the description: its type, and of JSON the body."""
    bodies = described["paths"][route.path][route.method.lower()]["responses"][str(answer.status_code)].get(
        "content", {}
    )
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if not answer.content:
        return
    assert media_type in bodies, (route.name, media_type, sorted(bodies))
    if media_type == "application/json":
        schema = {**bodies[media_type]["schema"], "components": described["components"]}
        faults = sorted(jsonschema.Draft202012Validator(schema).iter_errors(answer.json()), key=str)
        assert not faults, (route.name, faults[0].json_path, faults[0].message)


def test_every_endpoint_has_a_row_and_does_what_it_is_for(world: World, app: FastAPI) -> None:
    """Whoever an endpoint is for gets what it declares, of the own or of what the role is for: 200, 201, 204, with a
    type and a body that the description names."""
    routes = {route.name: route for route in _routes(app)}
    described = app.openapi()
    assert routes.keys() == ROWS.keys()
    for name, row in ROWS.items():
        route, shot = routes[name], row(world)
        version = world.version(route.access.owned or "", shot.ids[route.ids[0]]) if route.changes else None
        for entered in _by(world, shot.by, route.method):
            caller = by_session(app, entered) if entered else Caller(app, {})
            answer = caller(route.method, route.at(shot.ids), shot.body, version=version)
            assert answer.status_code == (shot.status or route.status), (name, shot.by, answer.text[:300])
            if answer.is_success:
                _check_body(described, route, answer)


def test_every_endpoint_lets_in_whom_it_declares(world: World, app: FastAPI) -> None:
    """Whoever lacks the right is 403, by session and by token; another's is 404, word for word as what is not there."""
    routes = _routes(app)
    bodies = {route.name: ROWS[route.name](world).body for route in routes if route.access.owned}
    strange = world.strange
    for role in ROLES:
        for scopes, caller in _callers(world, app, role):
            for route in routes:
                access = route.access
                ids = dict.fromkeys(route.ids, _MISSING)
                body = bodies.get(route.name)
                answer = caller(route.method, route.at(ids), body, version='"1"')
                place = (role, scopes, route.name, answer.status_code, answer.text[:200])
                refused = answer.status_code == 403 and answer.json()["code"] in _REFUSED
                assert refused != _let_in(access, role, scopes), place
                assert answer.status_code != 401, place
                assert answer.status_code < 500 or route.path == "/readyz", place
                if access.owned is None or refused:
                    continue
                assert answer.status_code == 404, place
                other = strange.get((access.owned, role))
                if other is None and access.rights and _own_alone(access, role):
                    other = strange[access.owned, "*"]
                if other is not None:
                    others = caller(route.method, route.at({**ids, route.ids[0]: other}), body, version='"1"')
                    assert _shown(others) == _shown(answer), (place, others.text[:200])
    _is_untouched(world)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_token_does_no_more_than_its_scope(world: World, app: FastAPI) -> None:
    """Of each role a token for each single scope: let in where that is enough, 403 everywhere else."""
    routes = [route for route in _routes(app) if route.access.asks == "account" and route.access.rights]
    for role in (role for role in ROLES.values() if "token.own" in role.rights):
        for scope in sorted(SCOPES & role.rights):
            caller = by_token(app, world.token(world.people[role.name], scope).text)
            for route in routes:
                answer = caller(route.method, route.at(dict.fromkeys(route.ids, _MISSING)), version='"1"')
                held = _held(route.access, role.name, None)
                refused = answer.json().get("code") if answer.status_code == 403 else None
                wanted = None if scope in held else "access.scope" if held else "access.not_allowed"
                assert refused == wanted, (role.name, scope, route.name, answer.text[:200])


def test_every_role_sees_the_fields_that_the_table_gives_it(world: World, app: FastAPI) -> None:
    """Role by endpoint by object by field: of an object that a path names nobody is shown a field that
    ``matrix_fields.json`` does not give the role, by session or by token; of a card everybody sees exactly those."""
    table = _table()
    callers = {role: list(_callers(world, app, role)) for role in ROLES}
    seen: dict[tuple[str, str], set[str]] = {}
    for route in _routes(app):
        if route.method != "GET" or not route.access.owned:
            continue
        shot = ROWS[route.name](world)
        for role, caller in _seers(app, route, shot.by, callers):
            answer = caller("GET", route.at(shot.ids), shot.body)
            assert answer.status_code == (shot.status or route.status), (route.name, role, answer.text[:200])
            if answer.headers.get("content-type") == "application/json":
                seen.setdefault((route.name, role), set()).update(_fields(answer.json()))
    more = {place: sorted(fields - table.get(place, set())) for place, fields in seen.items()}
    assert {place: fields for place, fields in more.items() if fields} == {}
    cards = "GET /v1/cards/{card_id}"
    assert {place: seen[place] for place in seen if place[0] == cards} == {
        place: fields for place, fields in table.items() if place[0] == cards
    }


def _table() -> dict[tuple[str, str], set[str]]:
    """The fields of answers by endpoint and role."""
    kept = json.loads(Path(__file__).with_name("matrix_fields.json").read_text("utf-8"))
    return {
        (endpoint, role): set(group["fields"])
        for endpoint, groups in kept.items()
        for group in groups
        for role in group["roles"].split()
    }


def _seers(
    app: FastAPI,
    route: Route,
    by: str | Somebody | Entered | None,
    callers: dict[str, list[tuple[frozenset[str] | None, Caller]]],
) -> Iterator[tuple[str, Caller]]:
    """The roles that a row is for, each by its program and in a session; or the one person that it is for."""
    if isinstance(by, Somebody):
        yield by.who().role.name, by_session(app, by.enter())
        return
    assert isinstance(by, str)
    for role in by.split():
        for scopes, caller in callers[role]:
            if _let_in(route.access, role, scopes):
                yield role, caller


def _fields(value: Any, name: str = "") -> Iterator[str]:
    """The names of all fields of an answer that say something, two deep, of a card's record all the way down; places in
    lists count as one."""
    if isinstance(value, dict) and (name.startswith("card") or name.count(".") < 1):
        for key, inner in value.items():
            yield from _fields(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner, f"{name}[]")
    elif value is not None:
        yield name


def _callers(world: World, app: FastAPI, role: str) -> Iterator[tuple[frozenset[str] | None, Caller]]:
    """A role's program, where it may have one, with every scope that it can give; then its person."""
    somebody = world.people[role]
    if "token.own" in ROLES[role].rights:
        scopes = SCOPES & ROLES[role].rights
        yield scopes, by_token(app, world.token(somebody, *scopes).text)
    yield None, by_session(app, somebody.enter())


def _is_untouched(world: World) -> None:
    """What belongs to others is as it was."""
    strange, who = world.strange, world.stranger.who()
    (token,) = tokens.list_tokens(world.core, who)
    assert (token.token_id, token.revoked_at) == (strange["api_token", "*"], None)
    assert mandates.show_mandate(world.core, who, strange["mandate", "*"]).ended_at is None
    for role, by in (("administrator", "permit_officer"), ("permit_officer", "administrator")):
        request = strange["confirmation", role]
        assert engine.show_confirmation(world.core, world.people[by].who(), request).state == "waiting"
