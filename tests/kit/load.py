"""What a service is watched by while it is abused: its memory, its open files, and somebody who asks all the time."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import httpx

from tests.kit.verification_service import Server, family

__all__ = ["MIB", "Asking", "connect", "files", "lowered", "memory", "resident", "unread"]

MIB = 1024 * 1024


def memory(pid: int) -> int:
    """Resident bytes of a process and all that descend from it; what they share is counted once for each."""
    return sum(map(resident, family(pid)))


def resident(pid: int) -> int:
    """Resident bytes of a process; none of one that is gone."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def files(pid: int) -> int:
    """Open files of a process."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def unread(server: Server) -> int:
    """Bytes that have been sent to the service and that it has not read yet."""
    port = f":{httpx.URL(server.url).port:04X}"
    total = 0
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        sent, received = (int(each, 16) for each in queues.split(":"))
        total += received * local.endswith(port) + sent * remote.endswith(port)
    return total


@contextlib.contextmanager
def lowered(kind: int, soft: int) -> Iterator[None]:
    """What is started meanwhile begins with this soft limit.

    Args:
        kind: of ``resource``, such as ``RLIMIT_NOFILE``.
    """
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def connect(server: Server, head: str, *, receive: int | None = None) -> socket.socket:
    """A connection to the service on which the head of a request was sent, without its end.

    Args:
        head: request line and headers; without Host.
        receive: bytes that the kernel keeps for whoever does not read.
    """
    url = httpx.URL(server.url)
    connection = socket.socket()
    if receive is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.settimeout(60)
    connection.connect((url.host, url.port))
    connection.sendall(f"{head}\r\nHost: {url.host}\r\n".encode())
    return connection


class Asking:
    """Somebody who has a code checked again and again, on a new connection each time, while this is open.

    Attributes:
        answered: how often the verdict came.
        worst: seconds that the slowest took.
        most: of the service's memory, in bytes.
        failed: everything that was no verdict.
    """

    def __init__(self, server: Server, code: str, pause: float = 0.1) -> None:
        self._server, self._code, self._pause = server, code, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.answered = 0
        self.worst = 0.0
        self.most = 0
        self.failed: list[str] = []

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        client = httpx.Client(
            base_url=self._server.url,
            verify=not self._server.url.startswith("https"),
            timeout=60,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        with client:
            while not self._stop.wait(self._pause):
                self._ask(client)

    def _ask(self, client: httpx.Client) -> None:
        begun = time.monotonic()
        try:
            told = client.post("/v1/verify", json={"code": self._code}).json().get("outcome", "a problem")
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            told = repr(error)
        if told == "VALID":
            self.answered += 1
            self.worst = max(self.worst, time.monotonic() - begun)
        else:
            self.failed.append(told)
        self.most = max(self.most, memory(self._server.process.pid))
