"""The issuing service for tests over HTTP: a service with people, the command as a process, clients without pause."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from issuer.accounts.sessions import Entered
from issuer.service.cookies import SESSION
from tests.kit.http_clients import PATIENCE, ServerProcess, read_answer
from tests.kit.issuing_service import FakeClock, person
from tests.kit.people import CHEAP, ServiceUnderTest
from tests.kit.signed_domain import published_core, write_settings

__all__ = ["BOUNDLESS", "IssuerServer", "Load", "headers_of", "issuing", "new_service", "raw", "wanted_card"]

#: Settings of a server that sends nobody away for asking too often.
BOUNDLESS: dict[str, Any] = {"account_per_second": 1_000_000, "account_burst": 1_000_000}


def headers_of(entered: Entered) -> dict[str, str]:
    """What a browser sends in this session with a request that changes something."""
    return {"Cookie": f"{SESSION}={entered.token}", "X-CSRF-Token": entered.csrf}


def new_service(folder: Path, url: str, **changes: Any) -> ServiceUnderTest:
    """A service with all its keys and a trust list, and its settings as a file."""
    clock = FakeClock()
    core = published_core(folder, url, clock, **{**CHEAP, **changes})
    write_settings(core, folder)
    return ServiceUnderTest(core, clock)


def wanted_card(number: int) -> dict[str, Any]:
    """The body of a request that issues a card."""
    return {"card": person(number).to_json()}


class IssuerServer(ServerProcess):
    """``icard-issuer serve`` as a process."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdout is not None
        self.process = process
        line = process.stdout.readline()
        assert line, log.read_text("utf-8")
        self.port = urlsplit(json.loads(line)["address"]).port or 0
        self._log = log


@contextlib.contextmanager
def issuing(folder: Path, *, name: str = "server", **settings: Any) -> Iterator[IssuerServer]:
    """A server on the service in ``folder``, killed at the end; it logs everything into ``<name>.log`` there."""
    program = str(Path(sys.executable).parent / "icard-issuer")
    told = {f"ICARD_ISSUER_{key.upper()}": str(value) for key, value in settings.items()}
    command = [program, "serve", "-C", str(folder), "--port", "0", "--json", "--log-level", "DEBUG"]
    log = folder / f"{name}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=os.environ | told)
    try:
        yield IssuerServer(process, log)
    finally:
        process.kill()
        process.communicate()


def raw(method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> bytes:
    """A request as bytes."""
    content = b"" if body is None else json.dumps(body).encode()
    told = {"Host": "service.test", **(headers or {}), "Content-Length": str(len(content))}
    if body is not None:
        told["Content-Type"] = "application/json"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Load:
    """Clients that ask without pause, over connections they keep, until no server takes a new one.

    Args:
        ports: of the servers; a client whose connection ends tries them all.
        clients: how many at once, a thread each.
        request: makes a client's next request, from its number and the request's.
    """

    def __init__(self, ports: Sequence[int], clients: int, request: Callable[[int, int], bytes]) -> None:
        self.answers: Counter[int] = Counter()
        self.without_wait: list[str] = []
        self.dropped: list[str] = []
        self._ports = ports
        self._request = request
        self._stop = threading.Event()
        self._heard = threading.Condition()
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def answered(self, count: int) -> None:
        """Wait until there are so many answers."""
        with self._heard:
            assert self._heard.wait_for(lambda: self.answers.total() >= count, 4 * PATIENCE), self.answers

    def finish(self) -> None:
        """Stop, where the servers have not made an end of it, and wait for every client."""
        self._stop.set()
        self.ended()

    def ended(self) -> None:
        """Wait until every client has found that no server takes a connection any more."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _client(self, number: int) -> None:
        turns = itertools.count()
        while not self._stop.is_set() and (connection := self._connected(number)) is not None:
            with connection:
                while not self._stop.is_set() and self._exchange(connection, self._request(number, next(turns))):
                    pass

    def _connected(self, number: int) -> socket.socket | None:
        for place in range(len(self._ports)):
            with contextlib.suppress(ConnectionRefusedError):
                return socket.create_connection(
                    ("127.0.0.1", self._ports[(number + place) % len(self._ports)]), timeout=PATIENCE
                )
        return None

    def _exchange(self, connection: socket.socket, request: bytes) -> bool:
        """One request and its answer; whether the connection takes another."""
        try:
            connection.sendall(request)
            answer = read_answer(connection)
        except OSError as error:
            answer = repr(error).encode()
        head = answer.partition(b"\r\n\r\n")[0].lower()
        status = int(head[9:12]) if head.startswith(b"http/1.1 ") else 0
        with self._heard:
            self.answers[status] += 1
            if status == 0:
                self.dropped.append(repr(answer[:80]))
            elif status in (429, 503) and b"\r\nretry-after: " not in head:
                self.without_wait.append(repr(head[:80]))
            self._heard.notify_all()
        return status != 0 and b"\r\nconnection: close" not in head
