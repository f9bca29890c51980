"""Clients of the edge's tests: one that speaks ASGI, one that speaks bytes, and a server process to speak to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

CHECKOUT = Path(__file__).parents[2]
#: For what must happen; a machine under load may need far longer than it should.
PATIENCE = 30.0


def ask(app: ASGIApp, method: str, path: str, client: str = "192.0.2.1", **options: Any) -> httpx.Response:
    """One request to an application in this process."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as http:
            return await http.request(method, path, **options)

    return asyncio.run(asked())


def ask_at_once(app: ASGIApp, requests: Sequence[dict[str, Any]], client: str = "192.0.2.1") -> list[httpx.Response]:
    """Requests that begin together; each is what :meth:`httpx.AsyncClient.request` takes."""

    async def asked() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test", timeout=60) as http:
            return await asyncio.gather(*(http.request(**request) for request in requests))

    return asyncio.run(asked())


class ServerProcess:
    """A served application: its port, its process, and what it logged."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.port = int(process.stdout.readline())
        self._log = log

    @property
    def base(self) -> str:
        """The address of its root."""
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[dict[str, Any]]:
        """All log lines so far."""
        return [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]

    def connect(self) -> socket.socket:
        """A plain connection; whoever reads from it waits :data:`PATIENCE` at most."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        return self.process.wait(PATIENCE)

    def memory(self) -> int:
        """Resident bytes."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def serving(folder: Path, **options: Any) -> Iterator[ServerProcess]:
    """The small application in a process of its own, killed at the end."""
    log = folder / "log"
    command = [sys.executable, "-m", "tests.kit.small_app", json.dumps(options)]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, cwd=CHECKOUT, text=True, start_new_session=True
        )
        try:
            yield ServerProcess(process, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def read_head(connection: socket.socket) -> bytes:
    """Bytes until the end of an answer's head, and whatever came with them."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(65536)
        if not part:
            break
        got += part
    return got


def read_answer(connection: socket.socket) -> bytes:
    """One whole answer that states its length; the connection stays open."""
    got = read_head(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length and (part := connection.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body
