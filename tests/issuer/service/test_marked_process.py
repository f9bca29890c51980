"""Personal data over HTTP: marked people, cards and slips go through a real server; then everything that it wrote or
said is searched for the marks. On both databases."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import update

from issuer.accounts.roles import ROLES
from issuer.notices.models import Outbox
from issuer.service.access import access_of
from issuer.service.app import make_service
from tests.issuer.conftest import new_database_url
from tests.issuer.test_personal_data import _HAN, Marks, _word, marked_card
from tests.kit import postgres
from tests.kit.http_clients import PATIENCE, read_all
from tests.kit.issuing_api import BOUNDLESS, IssuerServer, headers_of, issuing, new_service
from tests.kit.people import ServiceUnderTest, credit_code, make
from verifier.runtime import http

pytestmark = pytest.mark.slow
_ID = "0" * 32
#: What is marked beside the cards.
_WORDS = (
    *("login", "name", "identity", "mail", "second mail", "firm", "official", "staff", "reason", "agent", "password"),
    *("label", "host", "hook", "slip", "no login", "wrong password"),
)


@dataclass
class Left:
    """What a killed server left behind, and what it had answered."""

    folder: Path
    url: str
    marks: Marks
    routes: list[APIRoute]
    refusals: list[httpx.Response] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)
    raw: bytes = b""

    def database(self) -> dict[str, bytes]:
        """SQLite's files as they are in the midst of work, or PostgreSQL's dump and log."""
        if self.url.startswith("sqlite"):
            return {path.name: path.read_bytes() for path in self.folder.glob("issuer.db*")}
        server = postgres.server()
        return {"dump": server.dump(self.url), "log": (server._folder / "log").read_bytes()}


class Clerk:
    """Asks as one person, and keeps what was answered."""

    def __init__(self, left: Left, server: IssuerServer, headers: dict[str, str]) -> None:
        self._left = left
        self._headers = headers
        self._http = httpx.Client(base_url=server.base, trust_env=False, timeout=PATIENCE)
        self._number = 0

    def __call__(self, method: str, path: str, body: Any = None, *, good: bool = True, **headers: str) -> Any:
        """One request; the answer's JSON, where there is any."""
        self._number += 1
        more = {"Idempotency-Key": f"key-of-a-request-{id(self)}-{self._number}"}
        more |= {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {} if body is None else {"json": body}
        answer = self._http.request(method, path, headers={**self._headers, **more}, **options)
        self._left.answers.append(answer)
        assert answer.is_success == good, (method, path, answer.text)
        if not good:
            self._left.refusals.append(answer)
        return answer.json() if answer.content and answer.headers["content-type"].endswith("json") else answer

    def slip(self, method: str, path: str, headers: dict[str, str], content: bytes | None) -> None:
        """A request that ought to be refused; whatever the answer."""
        answer = self._http.request(method, path, headers={**self._headers, **headers}, content=content)
        self._left.answers.append(answer)
        if answer.is_error:
            self._left.refusals.append(answer)


def lives(
    left: Left, server: IssuerServer, issuing_service: ServiceUnderTest, words: dict[str, str], objects: list[Any]
) -> None:
    """What people do with a service, in an order in which it succeeds."""
    first, second = (
        make(issuing_service, "administrator", "admin.one"),
        make(issuing_service, "administrator", "admin.two"),
    )
    officer, other = (
        make(issuing_service, "permit_officer", "officer.one"),
        make(issuing_service, "permit_officer", "officer.two"),
    )
    issuing_service.later()
    admin, admin2 = (Clerk(left, server, headers_of(each.enter())) for each in (first, second))
    clerk, clerk2 = (Clerk(left, server, headers_of(each.enter())) for each in (officer, other))
    admin("POST", "/v1/organisations", {"kind": "employer", "code": credit_code(1), "name": words["firm"]})
    person = {"login": words["login"].lower(), "name": f"{words['name']} {words['han name']}"}
    person |= {"identity": words["identity"]}
    holder_wanted = {"act": "account.create", "arguments": {"role": "holder", **person}, "reason": words["reason"]}
    wished = admin("POST", "/v1/confirmations", holder_wanted)
    made = admin2("POST", f"/v1/confirmations/{wished['confirmation_id']}/confirm")["invited"]
    made["token"] = f"{wished['invitation_part']}.{made['token']}"
    shown = admin("POST", "/v1/accounts/search", {"login": person["login"]})
    assert shown["name"] == person["name"]
    wanted = {
        "role": "inspector",
        "login": words["official"].lower(),
        "name": words["name"],
        "identity": words["staff"],
        "email": f"{words['mail']}@post.example",
    }
    asked = admin(
        "POST", "/v1/confirmations", {"act": "account.create", "arguments": wanted, "reason": words["reason"]}
    )
    admin2("POST", f"/v1/confirmations/{asked['confirmation_id']}/confirm")
    anyone = Clerk(left, server, {"User-Agent": words["agent"]})
    anyone("POST", "/v1/invitations/open", {"token": made["token"]})
    anyone("POST", "/v1/invitations/accept", {"token": made["token"], "password": words["password"]})
    entered = anyone("POST", "/v1/sessions", {"login": person["login"], "password": words["password"]})
    cookie = left.answers[-1].headers["set-cookie"].partition(";")[0]
    holder = Clerk(left, server, {"Cookie": cookie, "X-CSRF-Token": entered["csrf"], "User-Agent": words["agent"]})
    contact = {"password": words["password"], "email": f"{words['second mail']}@post.example", "language": "zh"}
    holder("PUT", "/v1/account/contact", contact)
    holder("POST", "/v1/webhooks", {"url": f"https://{words['host'].lower()}.example/{words['hook']}"})
    clerk("POST", "/v1/tokens", {"label": words["label"], "scopes": ["card.find"], "days": 7})
    card, changed = objects
    issued = clerk("POST", "/v1/cards", {"card": card, "holder_id": shown["person_id"]})
    one = f"/v1/cards/{issued['card_id']}"
    clerk("POST", "/v1/cards", {"card": card}, good=False)
    for kind, value in (("name", card["holder"]["name"]), ("permit", card["permit"]["number"])):
        assert clerk("POST", "/v1/cards/search", {"kind": kind, "value": value})
    body = {"card": changed, "reason": words["reason"]}
    clerk("POST", f"{one}/replace", body, If_Match='"1"')
    clerk("POST", f"{one}/replace", body, If_Match='"1"', good=False)
    assert holder("GET", one)["card"]["holder"]["name"] == changed["holder"]["name"]
    holder("GET", f"{one}/code.txt?profile=authority")
    asked = clerk(
        "POST",
        "/v1/confirmations",
        {"act": "card.revoke", "arguments": {"card_id": issued["card_id"]}, "reason": words["reason"]},
    )
    clerk2("POST", f"/v1/confirmations/{asked['confirmation_id']}/confirm")
    assert holder("GET", "/v1/notices")["items"]
    for login, password in ((words["no login"], "x"), (person["login"], words["wrong password"])):
        anyone("POST", "/v1/sessions", {"login": login, "password": password}, good=False)
    clumsy = {"permit_officer": clerk, "administrator": admin, "holder": holder}
    for route in left.routes:
        guard = access_of(route)
        assert guard is not None
        fit = [name for name in clumsy if not guard.access.rights or set(guard.access.rights) & ROLES[name].rights]
        for request in slips(route, words):
            clumsy[fit[0] if fit else "holder"].slip(*request)
    for role, path, body in wrong_values(words, card):
        content = json.dumps(body).encode()
        clumsy[role].slip("POST", path, {"Content-Type": "application/json", "Idempotency-Key": "a-slip-" * 4}, content)


def slips(route: APIRoute, words: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str], bytes | None]]:
    """Requests to an endpoint in which personal data stand where they must not: in the path, in queries and headers,
    in bodies that are none, of another form, or with other fields."""
    mark, han = words["slip"], words["han slip"]
    places = "Idempotency-Key If-Match If-None-Match Authorization Origin Accept-Language X-Request-Id Range Referer"
    headers = dict.fromkeys(places.split(), mark) | {"X-" + mark: mark, "X-CSRF-Token": mark}
    bodies = [
        f'{{"{mark}": "{mark}"}}',
        f'{{"card": "{mark}"}}',
        f'{{"login": ["{mark}"], "reason": "{han}',
        f'"{mark}"',
    ]
    bodies += [f'{{"{name}": {{"{mark}": "{han}"}}}}' for name in ("card", "value", "arguments", "scopes", "url")]
    key = {"Idempotency-Key": "the-key-of-a-slip", "If-Match": '"1"', "Content-Type": "application/json"}
    method, path = next(iter(route.methods or ())), route.path
    if (method, path) in {("DELETE", "/v1/session"), ("POST", "/v1/sessions/end-others")}:
        # These end sessions whatever is sent with them.
        return
    for name in route.param_convertors:
        yield method, route.path.replace(f"{{{name}}}", quote(han + mark)), key, None
        path = path.replace(f"{{{name}}}", _ID)
    yield method, f"{path}?{mark}={quote(han)}&cursor={mark}&limit={mark}&state={mark}&role={mark}", key, None
    yield method, path, headers, None
    yield method, f"{path}/{mark}", key, None
    if method in ("POST", "PUT"):
        yield method, path, {**key, "Content-Type": f"text/{mark}"}, mark.encode()
        for body in bodies:
            yield method, path, key, body.encode()


def wrong_values(words: dict[str, str], card: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Bodies of the right form in which a value cannot be used, and is somebody's: who sends what where."""
    mark, han = words["slip"], words["han slip"]
    for section in ("holder", "permit", "insurance"):
        for name, value in card[section].items():
            if isinstance(value, str):
                for wrong in (mark, f"{mark}\n{mark * 30}", f"{value}\t{mark}", han * 60):
                    yield "permit_officer", "/v1/cards", {"card": {**card, section: {**card[section], name: wrong}}}
        yield "permit_officer", "/v1/cards", {"card": {**card, section: {**card[section], mark.lower(): han}}}
        yield "permit_officer", "/v1/cards", {"card": {**card, section: [mark]}}
    new = {"role": "holder", "login": "somebody", "name": "Name", "identity": "ID-1234"}
    for name in (*new, "email", "language", "organisation_id", "person_id"):
        for wrong in (mark, f"{mark}\n", han * 60):
            made = {"act": "account.create", "arguments": {**new, name: wrong}, "reason": "x"}
            yield "administrator", "/v1/confirmations", made
    for url in (
        f"http://{mark}.example/",
        f"https://{mark}@a.example/",
        f"https://10.0.0.1/{mark}",
        mark,
        f"https://a/#{han}",
    ):
        yield "holder", "/v1/webhooks", {"url": url}
    yield "administrator", "/v1/organisations", {"kind": "employer", "code": mark, "name": mark}
    yield "administrator", "/v1/organisations", {"kind": mark, "code": credit_code(2), "name": mark * 30}
    yield "administrator", "/v1/confirmations", {"act": mark, "arguments": {mark: mark}, "reason": mark}
    yield "administrator", "/v1/confirmations", {"act": "account.create", "arguments": {mark: han}, "reason": mark}
    yield "administrator", "/v1/accounts/search", {"login": mark}
    yield "permit_officer", "/v1/confirmations", {"act": "card.revoke", "arguments": {"card_id": mark}, "reason": han}
    yield "permit_officer", "/v1/tokens", {"label": mark * 30, "scopes": [mark], "days": 7}
    yield "permit_officer", "/v1/tokens", {"label": f"{mark}\n", "scopes": ["card.find"], "days": 7}
    yield "permit_officer", "/v1/cards/search", {"kind": "permit", "value": f"{mark}\t"}
    yield "permit_officer", "/v1/cards/by-code", {"cti": mark}


def shout(server: IssuerServer, mark: str) -> bytes:
    """What is no HTTP, or too much of it; the answers."""
    found = b""
    for sent in (
        f"{mark}\r\n\r\n",
        f"GET /{mark} HTTP/1.1\r\nHost: {mark}\r\n{mark}\r\n\r\n",
        f"GET / HTTP/1.1\r\nX: {mark * 20000}\r\n\r\n",
    ):
        with server.connect() as connection:
            connection.sendall(sent.encode())
            connection.shutdown(socket.SHUT_WR)
            found += read_all(connection)
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """A server in which marked people did everything once, and was killed."""
    folder = tmp_path_factory.mktemp("marked")
    chance = random.Random(str(folder))
    url = new_database_url(request.param, folder)
    issuing_service = new_service(folder, url)
    card, marks = marked_card(1, chance)
    changed, more = marked_card(2, chance)
    # Another person's card or another permit would take two officers.
    changed["holder"]["name"] = card["holder"]["name"]
    for name in ("number", "number_last4"):
        changed["permit"][name] = card["permit"][name]
    more = {name: word for name, word in more.items() if name not in ("name 2", "permit number 2")}
    words = {name: _word(chance) for name in _WORDS}
    words |= {name: _word(chance, _HAN, 5) for name in ("han name", "han slip")}
    routes = [route for route in make_service(issuing_service.core, http.Drain()).routes if isinstance(route, APIRoute)]
    found = Left(folder, url, Marks(marks | more | words), routes)
    with issuing(
        folder,
        **BOUNDLESS,
        smtp_host="127.0.0.1",
        smtp_port=9,
        smtp_security="none",
        mail_from="a@b.example",
        public_url="https://cards.example/",
    ) as server:
        lives(found, server, issuing_service, words, [card, changed])
        found.raw = shout(server, words["slip"])
        due = update(Outbox).where(Outbox.state == "waiting").values(due_at=1)
        issuing_service.core.database.transact(lambda session: session.execute(due) and None)
        Clerk(found, server, {})("GET", "/metrics", good=True)
    yield found
    issuing_service.core.close()
    if request.param == "postgresql":
        postgres.server().drop(url)


def test_a_refusal_repeats_nothing(left: Left) -> None:
    """No problem, and no header of any answer, has a mark in it, whatever was wrong and wherever the mark stood."""
    assert {answer.status_code for answer in left.refusals} >= {400, 401, 403, 404, 409, 412, 415, 422}
    assert b" 400 " in left.raw
    assert b" 431 " in left.raw
    said = [answer.content for answer in left.refusals]
    said += [json.dumps([*answer.headers.items()], ensure_ascii=False).encode() for answer in left.answers]
    assert {content[:300]: found for content in [*said, left.raw] if (found := left.marks.in_(content))} == {}


def test_no_log_line_has_a_mark(left: Left) -> None:
    """With every logger at its loudest; the requests are in it, by the names of their routes."""
    log = (left.folder / "server.log").read_bytes()
    assert b'"route": "/v1/cards/{card_id}/replace"' in log
    assert left.marks.in_(log) == []


def test_no_figure_has_a_mark(left: Left) -> None:
    """The metrics count by route; nothing that a client can write is a label."""
    figures = left.answers[-1].content
    assert b'route="/v1/cards/{card_id}/replace"' in figures
    assert left.marks.in_(figures) == []


def test_no_address_can_hold_a_name(left: Left) -> None:
    """Every parameter of a path or a query is an id, a number, a date, or a word from a list."""
    issuing_routes = {route.path for route in left.routes}
    assert "/v1/accounts/search" in issuing_routes
    for route in left.routes:
        for parameter in (*route.dependant.path_params, *route.dependant.query_params):
            schema = parameter._type_adapter.json_schema()
            kinds = schema.get("anyOf", [schema])
            tame = [
                kind
                for kind in kinds
                if kind.keys() & {"pattern", "enum"} or kind.get("format") == "date" or kind.get("type") != "string"
            ]
            assert tame == kinds, (route.path, parameter.name)


def test_the_database_shows_no_mark(left: Left) -> None:
    """Neither its files nor its dump nor its log, in any form."""
    files = left.database()
    assert any(b"account.create" in content for content in files.values()), "the acts are in what is searched"
    assert {name: found for name, content in files.items() if (found := left.marks.in_(content))} == {}


def test_files_show_no_mark(left: Left) -> None:
    """Nor does anything else in the service's folder."""
    files = {path.name: path.read_bytes() for path in left.folder.rglob("*") if path.is_file()}
    assert {"master.key", "icard-issuer.toml", "epoch"} <= set(files)
    assert {name: found for name, content in files.items() if (found := left.marks.in_(content))} == {}
