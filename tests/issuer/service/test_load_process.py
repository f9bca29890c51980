"""``icard-issuer serve`` under load: an end that drops nothing, too many clients, clients that do not finish."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from issuer.cards.models import CardRow
from issuer.cli.commands import app
from tests.issuer.conftest import new_database_url
from tests.kit.cli import run
from tests.kit.deaf_clients import compared, deaf_clients, waits
from tests.kit.http_clients import PATIENCE, read_all
from tests.kit.issuing_api import BOUNDLESS, IssuerServer, Load, headers_of, issuing, new_service, raw, wanted_card
from tests.kit.issuing_kills import check_chain
from tests.kit.people import ServiceUnderTest, count, make
from tests.kit.wrong_logins import wrong_logins

pytestmark = pytest.mark.slow
Record = Callable[[str, object], None]


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with all its keys."""
    made = new_service(tmp_path, database_url)
    yield made
    made.core.close()


def officers_day(issuing_service: ServiceUnderTest) -> Callable[[int, int], bytes]:
    """Requests of an officer's clients: cards are issued and looked for, and verifiers fetch what is published."""
    headers = headers_of(make(issuing_service, "permit_officer", "li.wei").enter())

    def request(client: int, turn: int) -> bytes:
        if turn % 3 == 1:
            number = wanted_card(client * 100_000 + turn - 1)["card"]["permit"]["number"]
            return raw("POST", "/v1/cards/search", headers, {"kind": "permit", "value": number})
        if turn % 3 == 2:
            return raw("GET", "/healthz")
        key = {"Idempotency-Key": f"client-{client}-and-turn-{turn}"}
        return raw("POST", "/v1/cards", {**headers, **key}, wanted_card(client * 100_000 + turn))

    return request


def nothing_dropped(load: Load, issuing_service: ServiceUnderTest) -> None:
    """Every request has an answer, and what was acknowledged is what there is."""
    assert load.dropped == []
    assert set(load.answers) == {200, 201}
    assert count(issuing_service.core, CardRow) == load.answers[201]
    check_chain(issuing_service.core)


def end_under_load(issuing_service: ServiceUnderTest, servers: list[IssuerServer], clients: int, answers: int) -> Load:
    """SIGTERM to one server after the other while clients ask without pause."""
    load = Load([server.port for server in servers], clients, officers_day(issuing_service))
    for server in servers:
        load.answered(load.answers.total() + answers)
        server.terminate()
        assert server.process.wait(2 * PATIENCE) == 0
    load.ended()
    return load


def test_sigterm_under_load_drops_nothing(tmp_path: Path) -> None:
    """One server on SQLite: every request that was made is answered, and the process ends with 0."""
    issuing_service = new_service(tmp_path, new_database_url("sqlite", tmp_path))
    with issuing(tmp_path, **BOUNDLESS) as server:
        nothing_dropped(end_under_load(issuing_service, [server], 8, 120), issuing_service)
    issuing_service.core.close()


@contextlib.contextmanager
def two_servers(folder: Path) -> Iterator[list[IssuerServer]]:
    """Two servers on one database, each with a folder of its own."""
    other = folder.parent / f"{folder.name}-other"
    shutil.copytree(folder, other)
    with issuing(folder, **BOUNDLESS) as one, issuing(other, **BOUNDLESS) as two:
        yield [one, two]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_servers_end_one_after_the_other(issuing_service: ServiceUnderTest, tmp_path: Path) -> None:
    """Two servers on one PostgreSQL: the clients of the one that ends go on at the other, and none notices."""
    with two_servers(tmp_path) as servers:
        nothing_dropped(end_under_load(issuing_service, servers, 8, 100), issuing_service)


def later(day: Callable[[int, int], bytes], past: int, client: int, turn: int) -> bytes:
    """The same for clients that have not been there yet."""
    return day(client + 100 * past, turn)


@pytest.mark.soak
def test_sigterm_under_a_long_load(issuing_service: ServiceUnderTest, tmp_path: Path, record_property: Record) -> None:
    """Ten servers, one after the other, end by SIGTERM under forty clients: no request is dropped."""
    answers, day = 0, officers_day(issuing_service)
    for number in range(10):
        with issuing(tmp_path, name=f"server{number}", **BOUNDLESS, serve_threads=16) as server:
            load = Load([server.port], 40, partial(later, day, number))
            load.answered(500)
            server.terminate()
            assert server.process.wait(2 * PATIENCE) == 0
            load.ended()
            assert load.dropped == []
            answers += load.answers.total()
    record_property("requests", f"{answers:,}")
    record_property("dropped", 0)


def overload(issuing_service: ServiceUnderTest, folder: Path, clients: int, answers: int) -> tuple[Load, int, int]:
    """Far more clients than the settings take; the load, and resident bytes in its first tenth and at its end."""
    few: dict[str, Any] = {"serve_threads": 1, "account_per_second": 100, "account_burst": 200}
    request = officers_day(issuing_service)
    # On PostgreSQL the server leaves publishing to a worker, and is not ready before something is published.
    assert run(app, "worker", "--once", "-C", str(folder)).status == 0
    with issuing(folder, **few) as server:
        load = Load([server.port], clients, request)
        load.answered(answers // 10)
        early = server.memory()
        load.answered(answers)
        late = server.memory()
        load.finish()
        with httpx.Client(base_url=server.base, trust_env=False, timeout=PATIENCE) as http:
            recovers(http)
    return load, early, late


def recovers(http: httpx.Client) -> None:
    """Who waits as long as he is told to is served."""
    for _ in range(20):
        answer = http.post("/v1/invitations/open", json={"token": "x"})
        if answer.status_code == 404:
            break
        time.sleep(float(answer.headers["retry-after"]))
    assert answer.status_code == 404
    assert http.get("/readyz").status_code == 200


def test_overload_is_sent_away(tmp_path: Path) -> None:
    """Sixty clients of a server with one thread: 2xx, or 429 or 503 with Retry-After; memory stays flat, and it serves
    well afterwards."""
    issuing_service = new_service(tmp_path, new_database_url("sqlite", tmp_path))
    load, early, late = overload(issuing_service, tmp_path, 60, 1500)
    assert load.dropped == load.without_wait == []
    assert set(load.answers) == {200, 201, 429, 503}
    assert late - early < 40_000_000
    assert count(issuing_service.core, CardRow) == load.answers[201]
    issuing_service.core.close()


@pytest.mark.soak
def test_a_long_overload_is_sent_away(
    issuing_service: ServiceUnderTest, tmp_path: Path, record_property: Record
) -> None:
    """Three hundred clients of a server with one thread, a hundred thousand requests: none is dropped, memory flat."""
    load, early, late = overload(issuing_service, tmp_path, 300, 100_000)
    assert load.dropped == load.without_wait == []
    assert set(load.answers) == {200, 201, 429, 503}
    assert late - early < 40_000_000
    for status, times in sorted(load.answers.items()):
        record_property(str(status), f"{times:,}")
    record_property("MiB early and late", f"{early >> 20} and {late >> 20}")


def send_for_ever(connection: socket.socket) -> bytes:
    """A body without an end; what the server says to it."""
    head = b"POST /v1/cards HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with contextlib.suppress(OSError):
        connection.sendall(head)
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    with contextlib.suppress(OSError):
        return read_all(connection)
    return b""


def slow_senders(issuing_service: ServiceUnderTest, server: IssuerServer, each: int) -> dict[str, int]:
    """So many clients of each kind that do not finish; how many were told what, and how many others were served."""
    request = officers_day(issuing_service)
    heads = [server.connect() for _ in range(each)]
    bodies = [server.connect() for _ in range(each)]
    found = {"head: 408": 0, "body: 408": 0, "endless: cut": 0, "served meanwhile": 0}
    told: list[bytes] = []
    endless = [
        threading.Thread(target=lambda: told.append(send_for_ever(server.connect()))) for _ in range(min(each, 10))
    ]
    for thread in endless:
        thread.start()
    for connection in heads:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
    half = raw("POST", "/v1/cards", None, wanted_card(1))[:-20]
    for connection in bodies:
        connection.sendall(half)
    load = Load([server.port], 2, request)
    load.answered(60)
    load.finish()
    assert set(load.answers) == {200, 201}
    found["served meanwhile"] = load.answers.total()
    for kind, connections in {"head: 408": heads, "body: 408": bodies}.items():
        for connection in connections:
            with connection:
                connection.settimeout(2 * PATIENCE)
                found[kind] += read_all(connection).startswith(b"HTTP/1.1 408 ")
    for thread in endless:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    found["endless: cut"] = sum(answer == b"" or answer.startswith(b"HTTP/1.1 413 ") for answer in told)
    return found


def test_who_does_not_finish_is_cut_off(tmp_path: Path) -> None:
    """Heads and bodies that stop half-way are 408, bodies without an end are cut off; others are served meanwhile."""
    issuing_service = new_service(tmp_path, new_database_url("sqlite", tmp_path))
    with issuing(tmp_path, **BOUNDLESS) as server:
        found = slow_senders(issuing_service, server, 20)
        after = server.memory()
    assert found.pop("served meanwhile") >= 60
    assert found == {"head: 408": 20, "body: 408": 20, "endless: cut": 10}
    assert after < 400_000_000
    issuing_service.core.close()


@pytest.mark.soak
def test_nine_hundred_who_do_not_finish(tmp_path: Path, record_property: Record) -> None:
    """Nine hundred connections with half a head or half a body, as many as a server takes beside others: all are cut
    off, and others are served meanwhile."""
    issuing_service = new_service(tmp_path, new_database_url("sqlite", tmp_path))
    with issuing(tmp_path, **BOUNDLESS) as server:
        before = server.memory()
        found = slow_senders(issuing_service, server, 450)
        record_property("MiB before and after", f"{before >> 20} and {server.memory() >> 20}")
    for name, times in found.items():
        record_property(name, times)
    assert (found["head: 408"], found["body: 408"], found["endless: cut"]) == (450, 450, 10)
    issuing_service.core.close()


@pytest.mark.parametrize(
    ("clients", "addresses", "asked_for"),
    [
        pytest.param(60, 1, 50, id="a few"),
        pytest.param(500, 1, 1000, id="one address", marks=pytest.mark.soak),
        pytest.param(500, 100, 1000, id="a hundred addresses", marks=pytest.mark.soak),
    ],
)
def test_answers_that_nobody_reads_hold_up_nobody(
    tmp_path: Path, clients: int, addresses: int, asked_for: int, record_property: Record
) -> None:
    """Connections that ask for the description of the service and never read it: each request of somebody else is
    answered meanwhile, none is 503."""
    issuing_service = new_service(tmp_path, new_database_url("sqlite", tmp_path))
    with (
        issuing(tmp_path, **BOUNDLESS) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=2 * PATIENCE) as client,
    ):

        def ask() -> None:
            # Past the queue of requests, to an answer that needs no account.
            assert client.get("/v1/cards").status_code == 401

        # The first ones wait for what is made once.
        waits(ask, 20)
        before = waits(ask, asked_for)
        with deaf_clients(f"http://127.0.0.1:{server.port}", "/openapi.json", clients, addresses):
            beside = waits(ask, asked_for)
        after = waits(ask, asked_for)
    record_property("connections, addresses", f"{clients}, {addresses}")
    compared(before, beside, after, record_property)
    issuing_service.core.close()


@pytest.mark.parametrize(
    ("strangers", "asked_for"),
    [pytest.param(20, 40, id="a few"), pytest.param(200, 500, id="two hundred", marks=pytest.mark.soak)],
)
def test_strangers_who_log_in_hold_up_nobody(
    tmp_path: Path, strangers: int, asked_for: int, record_property: Record
) -> None:
    """Connections with wrong passwords without pause, each from a network of its own: each request in a session and
    each question for health is answered meanwhile, none is 503."""
    issuing_service = new_service(tmp_path, new_database_url("sqlite", tmp_path))
    officer = headers_of(make(issuing_service, "permit_officer", "li.wei").enter())
    body = {"kind": "permit", "value": "R310115202600000001"}
    settings = {**BOUNDLESS, "trusted_proxies": "127.0.0.1/32"}
    with (
        issuing(tmp_path, **settings) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=2 * PATIENCE) as client,
    ):

        def ask() -> None:
            assert client.post("/v1/cards/search", headers=officer, json=body).status_code == 200
            assert client.get("/healthz").status_code == 200

        waits(ask, 20)
        before = waits(ask, asked_for)
        with wrong_logins(server.port, strangers) as answers:
            beside = waits(ask, asked_for)
        after = waits(ask, asked_for)
    record_property("connections", strangers)
    record_property("answers to strangers", dict(sorted(answers.items())))
    compared(before, beside, after, record_property)
    assert answers
    assert set(answers) <= {401, 429, 503}
    issuing_service.core.close()
