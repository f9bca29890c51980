"""``python -m benchmarks.issuing_service``: the issuing service over HTTP, as ``icard-issuer serve`` runs it.

One server on SQLite; two servers and a worker on one PostgreSQL. Clients are threads of this process, on this machine's
cores too, each with a connection that it keeps and without a pause between an answer and its next request. A program's
token issues, searches and looks up; to revoke, one officer's session asks and another one's confirms. Each look-up by
an official commits a row for the holder before it is answered. The exit code is 0 whatever is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.databases import folders
from benchmarks.keeping import keep, table
from benchmarks.servers import worker
from issuer import cards
from issuer.accounts.tokens import make_token
from issuer.acts import Actor
from issuer.cards import NewCard
from tests.kit.issuing_api import BOUNDLESS, headers_of, issuing, new_service, wanted_card
from tests.kit.issuing_service import person
from tests.kit.people import ServiceUnderTest, Somebody, make

__all__ = ["main", "measure"]

#: Connections to each server: as many as it has threads.
_CLIENTS: Final = 8
#: The part of the requests that come first and are not counted.
_WARM: Final = 0.2
#: Cards that are there before the first request.
_KNOWN: Final = 1_000
_TOGETHER: Final = 50
#: How often a request is made that the service sends away because it is busy.
_TRIES: Final = 5
_SCOPES: Final = ("card.issue", "card.find", "card.read")
_REASON: Final = "measured"

Told = dict[str, Any]
Headers = dict[str, str]


class _Taken(NamedTuple):
    """A request, and when, in seconds."""

    start: float
    end: float
    name: str


@dataclass
class _Client:
    """A connection, and what was asked over it."""

    connection: http.client.HTTPConnection
    taken: list[_Taken] = field(default_factory=list)

    def ask(self, name: str, status: int, method: str, path: str, headers: Headers, body: Any = None) -> Any:
        """One request; the answer, which must have this status."""
        content = None if body is None else json.dumps(body).encode()
        start = time.perf_counter()
        for turn in range(_TRIES):
            self.connection.request(method, path, content, {**headers, "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            read = answer.read()
            if answer.status != 503 or turn == _TRIES - 1:
                break
            # Retry-After is kept, as any client should; the wait is part of what the request took.
            time.sleep(float(answer.headers.get("Retry-After") or 1))
        self.taken.append(_Taken(start, time.perf_counter(), name))
        if answer.status != status:
            raise ValueError(f"{name}: status {answer.status}: {read.decode()[:500]}")
        return json.loads(read)


Flow = Callable[[_Client], None]


def measure(
    folder: Path, url: str, servers: int, times: int, *, clients: int = _CLIENTS, known: int = _KNOWN
) -> dict[str, Told]:
    """Each operation alone, one after the other: requests a second, p50 and p99 in milliseconds.

    Args:
        url: of an empty database.
        servers: processes of ``icard-issuer serve``; beside more than one a worker publishes.
        times: how often each is done, by all clients together.
        clients: of each server.
        known: cards that are there before; those and the ones that are issued are revoked.
    """
    issuing_service = new_service(folder, url)
    # Accounts are older than the requests that they confirm; and each code takes half a minute of this clock.
    issuing_service.clock.at = time.time() - 3600
    program, *officers = [make(issuing_service, "permit_officer", name) for name in ("program", "li.wei", "wang.fang")]
    issuing_service.clock.at = time.time()
    ids = [card_id for first in range(0, known, _TOGETHER) for card_id in _issued(issuing_service, first)]
    token = make_token(issuing_service.core, program.who(), "benchmark", _SCOPES, 1).text
    told: dict[str, Told] = {}
    with _served(folder, servers) as ports:
        for flow in (*_by_token(token, ids), _by_two(issuing_service, officers, ids)):
            told |= _load([port for port in ports for _ in range(clients)], times, flow)
    issuing_service.core.close()
    return told


def _issued(issuing_service: ServiceUnderTest, first: int) -> list[str]:
    new = [NewCard(person(number)) for number in range(first, first + _TOGETHER)]
    return [issued.card_id for issued in cards.issue(issuing_service.core, new, Actor("benchmark"))]


def _by_token(token: str, ids: list[str]) -> Iterator[Flow]:
    """What a program does; the cards that it issues come to ``ids``."""
    headers = {"Authorization": f"Bearer {token}"}
    known = len(ids)
    numbers, turns = itertools.count(known), itertools.count()

    def issue(client: _Client) -> None:
        number = next(numbers)
        keyed = {**headers, "Idempotency-Key": f"benchmark-{number:09d}"}
        ids.append(client.ask("issue", 201, "POST", "/v1/cards", keyed, wanted_card(number))["card_id"])

    def search(client: _Client) -> None:
        wanted = {"kind": "permit", "value": person(next(turns) % known).permit.number}
        assert len(client.ask("search by permit number", 200, "POST", "/v1/cards/search", headers, wanted)) == 1

    def show(client: _Client) -> None:
        client.ask("look-up by id", 200, "GET", f"/v1/cards/{ids[next(turns) % known]}", headers)

    return iter((issue, search, show))


def _by_two(issuing_service: ServiceUnderTest, officers: Sequence[Somebody], ids: list[str]) -> Flow:
    """Two officers, whose codes have just been given."""
    issuing_service.clock.at = time.time()
    asker, confirmer = (headers_of(officer.enter()) for officer in officers)
    left = iter(ids)

    def revoke(client: _Client) -> None:
        card_id = next(left)
        wanted = {"act": "card.revoke", "arguments": {"card_id": card_id}, "reason": _REASON}
        keyed = {**asker, "Idempotency-Key": f"asked-{card_id}"}
        path = "/v1/confirmations"
        asked = client.ask("revoke: asked for", 201, "POST", path, keyed, wanted)["confirmation_id"]
        keyed = {**confirmer, "Idempotency-Key": f"confirmed-{card_id}"}
        client.ask("revoke: confirmed", 200, "POST", f"{path}/{asked}/confirm", keyed)

    return revoke


@contextlib.contextmanager
def _served(folder: Path, servers: int) -> Iterator[list[int]]:
    """The ports of servers on one database, each with a folder of its own."""
    with contextlib.ExitStack() as running:
        ports = []
        for number in range(servers):
            own = folder if number == 0 else folder.parent / f"{folder.name}-{number}"
            if own != folder:
                shutil.copytree(folder, own)
            ports.append(running.enter_context(issuing(own, **BOUNDLESS)).port)
        if servers > 1:
            running.enter_context(worker(folder))
        yield ports


def _load(ports: Sequence[int], times: int, flow: Flow) -> dict[str, Told]:
    """One client for each port, all doing the same, so many times together; figures by the name of what was asked."""
    clients = [_Client(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) for port in ports]
    turns = iter(range(times))

    def run(client: _Client) -> None:
        with contextlib.closing(client.connection):
            for _ in turns:
                flow(client)

    with ThreadPoolExecutor(len(clients)) as pool:
        for done in [pool.submit(run, client) for client in clients]:
            done.result()
    taken = sorted(each for client in clients for each in client.taken)
    names = dict.fromkeys(each.name for each in taken)
    return {name: _figures([each for each in taken if each.name == name]) for name in names}


def _figures(taken: Sequence[_Taken]) -> Told:
    """Of all but the first ones."""
    counted = taken[int(len(taken) * _WARM) :]
    span = max(each.end for each in counted) - counted[0].start
    spent = sorted(each.end - each.start for each in counted)
    return {
        "requests": len(counted),
        "a_second": len(counted) / span,
        "p50_ms": statistics.median(spent) * 1000,
        "p99_ms": spent[int(len(spent) * 0.99)] * 1000,
    }


def main() -> None:
    """Measure, print, write ``results/issuing_service.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.issuing_service", description=main.__doc__)
    parser.add_argument("--times", type=int, default=800, help="how often each operation is done (default: 800)")
    asked = parser.parse_args()
    told: dict[str, Told] = {}
    with folders() as found:
        for kind, place, url in found:
            servers = 1 if kind == "SQLite" else 2
            print(f"{kind}, {servers} server(s) ...", file=sys.stderr)
            operations = measure(place, url, servers, asked.times)
            told[kind] = {"servers": servers, "clients": servers * _CLIENTS, "operations": operations}
            rows = [
                [name, f"{run['a_second']:.0f}", f"{run['p50_ms']:.1f}", f"{run['p99_ms']:.1f}"]
                for name, run in operations.items()
            ]
            print(table([kind, "a second", "p50 ms", "p99 ms"], rows), flush=True)
    keep("issuing_service", databases=told)


if __name__ == "__main__":
    main()
