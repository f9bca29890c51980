"""A trust domain by the real clock with a state folder, and ``icard serve`` on it as users start it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
from PIL import Image

from icard_crypto.card.card import Profile
from icard_crypto.card.claims import StatusRef, encode_claims
from icard_crypto.card.issuing import issue_claims
from icard_crypto.encoding import envelope
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey
from tests.kit.adversary import CARD_KEY, DAY, EXP, FROM, IAT, ISSUERS, KEYS, PREFIXES, UNTIL, published, put
from tests.kit.publisher import status, timestamp
from tests.kit.reference import ISSUER, reference_card
from verifier.store import Store, Update

__all__ = [
    "HOUR",
    "NDJSON",
    "Domain",
    "Server",
    "asked",
    "children",
    "family",
    "picture",
    "serving",
    "starting",
    "until",
]

HOUR = 3600
NDJSON = {"Content-Type": "application/x-ndjson"}
_URL = re.compile(r"(https?)://\S+:(\d+)/")


@dataclass
class Domain:
    """A published domain of this day with one status list, and a verifier's state folder that knows its anchor.

    Args:
        folder: the state folder.
        prefix: what its status uris begin with.
        url: where it is published, if it is.
        size: entries of its status list.
    """

    folder: Path
    prefix: str = "https://sh.example/s/"
    url: str | None = None
    size: int = 1000
    now: int = field(default_factory=lambda: int(time.time()))

    def __post_init__(self) -> None:
        hour = self.now // HOUR * HOUR
        edits = [
            put(self.now - DAY, IAT),
            put(self.now + 300 * DAY, EXP),
            put([self.prefix], ISSUERS, 0, PREFIXES),
            *(put(hour - DAY, ISSUERS, 0, KEYS, key, FROM) for key in (0, 1)),
            *(put(hour + 300 * DAY, ISSUERS, 0, KEYS, key, UNTIL) for key in (0, 1)),
        ]
        self.anchor = published(1, *edits)
        self.store = Store(self.folder)
        self.store.create(self.anchor, name="cn", now=self.now, url=self.url)

    @property
    def uri(self) -> str:
        """The status list's."""
        return f"{self.prefix}list-1"

    def tokens(self, iat: int, entries: Mapping[int, int] | None = None) -> tuple[bytes, bytes]:
        """A status list with these entries, and the timestamp that names it."""
        listed = status(iat, entries, uri=self.uri, size=self.size)
        return listed, timestamp(iat, trust=self.anchor, lists={self.uri: iat})

    def learn(self, iat: int, entries: Mapping[int, int] | None = None) -> None:
        """Take a status list and its timestamp into the state, as a sync or a bundle would."""
        listed, stamp = self.tokens(iat, entries)
        report = self.store.apply("cn", Update(status_tokens=(listed,), timestamp=stamp), int(time.time()))
        assert not report.refused

    def code(
        self, index: int = 5, *, profile: Profile = Profile.PUBLIC, cti: int = 1, key: SigningKey = CARD_KEY
    ) -> str:
        """A code of the reference card, in force today, with its entry at this index."""
        card, today = reference_card(), datetime.datetime.fromtimestamp(self.now, datetime.UTC).date()
        begun, ends = today - datetime.timedelta(days=30), today + datetime.timedelta(days=600)
        card = dataclasses.replace(card, permit=dataclasses.replace(card.permit, valid_from=begun, valid_until=ends))
        reference = StatusRef(self.uri, index)
        claims = issue_claims(
            card, profile, issuer=ISSUER, issued_at=self.now, status=reference, cti=cti.to_bytes(8, "big")
        )
        return envelope.to_ic1(cose.sign_token(encode_claims(claims), key))


@dataclass
class Server:
    """A running service."""

    process: subprocess.Popen[str]
    url: str
    client: httpx.Client
    log: Path

    def verify(self, code: str, **more: Any) -> Any:
        """The verdict on a code, by JSON."""
        answer = self.client.post("/v1/verify", json={"code": code, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def lines(self) -> str:
        """What it has logged so far."""
        return self.log.read_text("utf-8")

    def end(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextlib.contextmanager
def starting(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], httpx.URL]]:
    """``icard serve`` as it is when it has told its address, which is before it can answer."""
    command = [str(Path(sys.executable).parent / "icard"), "serve", "--state", str(folder), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, httpx.URL(_address(process.stdout)[0])
        finally:
            process.kill()


@contextlib.contextmanager
def serving(folder: Path, *options: str, log: Path | None = None, **environment: str) -> Iterator[Server]:
    """``icard serve`` on a state folder, on a free port of this machine."""
    log = log or folder.parent / f"{folder.name}.log"
    program = str(Path(sys.executable).parent / "icard")
    command = [program, "serve", "--state", str(folder), "--port", "0", *options]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **environment}
        )
    assert process.stdout is not None
    try:
        url, tls = _address(process.stdout)
        # Some tests fill queues that are as long as the machine has cores.
        many = httpx.Limits(max_connections=None)
        with httpx.Client(base_url=url, verify=not tls, timeout=30, trust_env=False, limits=many) as client:
            _wait(client, process)
            yield Server(process, url, client, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        process.stdout.close()


def _address(output: IO[str]) -> tuple[str, bool]:
    for line in output:
        match = _URL.fullmatch(line.strip())
        if match is not None:
            return line.strip().rstrip("/"), match[1] == "https"
    raise AssertionError("the service ended before it said where it listens")


def _wait(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    """Until it answers: the kernel holds the connection until the workers are up."""
    client.get("/healthz").raise_for_status()
    assert process.poll() is None


def until(happened: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that must happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def asked(code: str) -> bytes:
    """A line of a batch."""
    return json.dumps({"code": code}).encode() + b"\n"


def picture(size: tuple[int, int] = (320, 200)) -> bytes:
    """A white PNG."""
    buffer = io.BytesIO()
    Image.new("L", size, 255).save(buffer, "PNG")
    return buffer.getvalue()


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text("ascii").split())
    return found


def children(pid: int, module: str) -> list[int]:
    """Process ids of a service's children that run a module."""
    found = []
    for each in family(pid):
        with contextlib.suppress(OSError):
            if module.encode() in Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0"):
                found.append(each)
    return found
