"""``icard serve`` when it has all it can do, when it is told to end, and when the process that fetches lists dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from icard_crypto import qr
from tests.kit.load import connect
from tests.kit.origin import Authority, Origin
from tests.kit.verification_service import (
    NDJSON,
    Domain,
    Server,
    asked,
    children,
    family,
    picture,
    serving,
    starting,
    until,
)

INDEX = 5
READER = "verifier.service.picture_child"
BATCH_HEAD = "POST /v1/verify/batch HTTP/1.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked"


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    """A domain that is fed by hand."""
    made = Domain(tmp_path / "state")
    made.learn(made.now - 60)
    return made


def show(server: Server, data: bytes) -> httpx.Response:
    """The answer to a picture."""
    # On a connection of its own, which either worker may take.
    headers = {"Content-Type": "image/png", "Connection": "close"}
    return server.client.post("/v1/verify", content=data, headers=headers, timeout=60)


class Later:
    """A picture that is sent now, and whose answer is looked at later."""

    def __init__(self, server: Server, data: bytes) -> None:
        self._answer: list[httpx.Response] = []
        self._thread = threading.Thread(target=lambda: self._answer.append(show(server, data)))
        self._thread.start()

    def answer(self) -> httpx.Response:
        """The answer, waited for."""
        self._thread.join()
        return self._answer[0]


def in_chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """What comes, up to these bytes; without them up to the connection's end."""
    got = b""
    while end not in got and (part := connection.recv(65536)):
        got += part
    return got


def hold_readers(server: Server, count: int) -> list[int]:
    """Stop readers of pictures, which then hold what they are given; so many of all workers."""
    pictures = []
    while len(children(server.process.pid, READER)) < count:
        pictures = [Later(server, picture()) for _ in range(4)]
        for each in pictures:
            assert each.answer().status_code in (200, 503)
    held = children(server.process.pid, READER)
    for reader in held:
        os.kill(reader, signal.SIGSTOP)
    return held


@pytest.mark.parametrize(("workers", "whom"), [(1, "one"), (2, "one"), (1, "all")])
def test_sigterm_finishes_what_is_in_hand(domain: Domain, workers: int, whom: str) -> None:
    """SIGTERM to the service, or to every process of it, while a text is half sent, a picture is being read and a batch
    is under way: all three are answered whole, new connections are refused, and it ends with 0."""
    code = domain.code()
    with serving(domain.folder, "--no-sync", "--workers", str(workers)) as server, ExitStack() as stack:
        held = hold_readers(server, workers)
        shown = Later(server, qr.draw_png(code))
        batch = stack.enter_context(connect(server, BATCH_HEAD))
        batch.sendall(b"\r\n" + in_chunk(asked(code)))
        assert b'"VALID"' in read_until(batch, b"VALID")
        text = stack.enter_context(connect(server, "POST /v1/verify HTTP/1.1\r\nContent-Type: text/plain"))
        text.sendall(f"Content-Length: {len(code)}\r\n\r\n{code[:10]}".encode())
        until(lambda: in_flight(server) == 3)

        for pid in family(server.process.pid) if whom == "all" else [server.process.pid]:
            os.kill(pid, signal.SIGTERM)
        until(lambda: refused(server))

        text.sendall(code[10:].encode())
        assert b'"VALID"' in read_until(text, b"VALID")
        batch.sendall(in_chunk(asked(code) * 1000) + b"0\r\n\r\n")
        for reader in held:
            os.kill(reader, signal.SIGCONT)
        assert [verdict["outcome"] for verdict in shown.answer().json()["verdicts"]] == ["VALID"]
        answer = read_until(batch, b"0\r\n\r\n")
        assert answer.count(b'"outcome":"VALID"') == 1000
        assert server.process.wait(40) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_before_it_is_ready(domain: Domain, workers: str) -> None:
    """SIGTERM as soon as the address is told, before anything is loaded: who has connected by then is answered, and it
    ends with 0."""
    with (
        starting(domain.folder, "--no-sync", "--workers", workers) as (process, url),
        socket.create_connection((url.host, url.port), 60) as early,
    ):
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        assert early.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert process.wait(30) == 0


def refused(server: Server) -> bool:
    """Whether the service takes no connection any more."""
    url = httpx.URL(server.url)
    try:
        socket.create_connection((url.host, url.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def in_flight(server: Server) -> int:
    """Requests that the service is working on, beside the one that asks."""
    figures = server.client.get("/metrics").text
    return int(float(figures.partition("\nicard_verifier_http_in_flight ")[2].partition("\n")[0])) - 1


def test_full_queues_are_told_and_texts_go_on(domain: Domain) -> None:
    """When as many pictures and batches are in hand as may be, the next is 503 with Retry-After; texts are answered all
    the while; once there is room again, so are pictures and batches."""
    readers = max(1, os.cpu_count() or 1)
    with serving(domain.folder, "--no-sync", "--rate", "0") as server, ExitStack() as stack:
        waiting: list[Later] = []
        held: set[int] = set()
        while len(held) < readers or in_flight(server) < 5 * readers:
            waiting += [Later(server, picture()) for _ in range(5 * readers - in_flight(server))]
            # Before a reader has begun: it has to be loaded first.
            for reader in set(children(server.process.pid, READER)) - held:
                os.kill(reader, signal.SIGSTOP)
                held.add(reader)
        answer = show(server, picture())
        assert (answer.status_code, answer.json()["code"]) == (503, "serve.pictures_busy")
        assert int(answer.headers["retry-after"]) >= 1

        batches = [stack.enter_context(connect(server, BATCH_HEAD)) for _ in range(2 * readers)]
        for batch in batches:
            batch.sendall(b"\r\n" + in_chunk(asked(domain.code())))
            read_until(batch, b"VALID")
        answer = server.client.post("/v1/verify/batch", content=asked(domain.code()), headers=NDJSON)
        assert (answer.status_code, answer.json()["code"]) == (503, "serve.batches_busy")
        assert int(answer.headers["retry-after"]) >= 1
        assert server.verify(domain.code())["outcome"] == "VALID"

        for batch in batches:
            batch.sendall(b"0\r\n\r\n")
            read_until(batch, b"0\r\n\r\n")
        for reader in held:
            # Those that were stopped for too long were killed, and their pictures are told so.
            with suppress(ProcessLookupError):
                os.kill(reader, signal.SIGCONT)
        assert {each.answer().status_code for each in waiting} <= {200, 422, 503}
        seen = show(server, qr.draw_png(domain.code())).json()
        assert [verdict["outcome"] for verdict in seen["verdicts"]] == ["VALID"]
        answer = server.client.post("/v1/verify/batch", content=asked(domain.code()), headers=NDJSON)
        assert json.loads(answer.text)["verdict"]["outcome"] == "VALID"


def test_who_asks_too_often_is_told_how_long_to_wait(domain: Domain) -> None:
    """Beyond its burst a client is 429 with Retry-After, for texts, pictures and batches alike, before a body is read;
    it is watched all the same, and after that time it is answered again."""
    with serving(domain.folder, "--no-sync", "--rate", "1") as server:
        for _ in range(5):
            assert server.verify(domain.code())["outcome"] == "VALID"
        for path, kind in (("", "text/plain"), ("", "image/png"), ("/batch", "application/x-ndjson")):
            answer = server.client.post(f"/v1/verify{path}", content=b"0\n" * 99, headers={"Content-Type": kind})
            assert (answer.status_code, answer.json()["code"]) == (429, "http.too_many")
        assert server.client.get("/healthz").status_code == 200
        time.sleep(int(answer.headers["retry-after"]))
        assert server.verify(domain.code())["outcome"] == "VALID"


def leader(folder: Path) -> int | None:
    """The process that holds the lock of those who do the rounds."""
    inode = str((folder / "sync.lock").stat().st_ino)
    for line in Path("/proc/locks").read_text("ascii").splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
            return int(words[4])
    return None


@pytest.fixture
def fetched(tmp_path: Path) -> Iterator[tuple[Domain, Origin, list[str]]]:
    """A domain that is published over HTTPS, where, and the options of a service that fetches it."""
    authority = Authority(tmp_path)
    with Origin(authority.server_context("localhost")) as origin:
        base = f"https://localhost:{origin.port}/"
        domain = Domain(tmp_path / "state", prefix=f"{base}status/", url=base)
        networks = ("--allow-network", "127.0.0.0/8", "--allow-network", "::1/128")
        yield domain, origin, ["--interval", "1", "--ca-file", str(authority.ca_file), *networks]


def test_another_process_takes_over_fetching(fetched: tuple[Domain, Origin, list[str]], tmp_path: Path) -> None:
    """Two services on one folder, of which one fetches; it is killed by SIGKILL, the other takes over, and a card that
    is revoked from then on is refused by it."""
    domain, origin, options = fetched

    def publish(iat: int, entries: dict[int, int]) -> None:
        origin.files["/status/list-1"], origin.files["/timestamp.cbor"] = domain.tokens(iat, entries)

    publish(domain.now - 60, {})
    code = domain.code(INDEX)
    with (
        serving(domain.folder, *options, log=tmp_path / "1.log") as first,
        serving(domain.folder, *options, log=tmp_path / "2.log") as second,
    ):
        for server in (first, second):
            until(lambda server=server: server.verify(code)["reason"] == "valid")  # type: ignore[misc]
        leads = leader(domain.folder)
        assert leads in (first.process.pid, second.process.pid)
        left = second if leads == first.process.pid else first
        os.kill(leads, signal.SIGKILL)
        publish(domain.now - 50, {INDEX: 1})
        until(lambda: left.verify(code)["reason"] == "revoked")
        assert leader(domain.folder) == left.process.pid
