"""Processes that die at a named point: servers in the midst of a request, a confirmation in the midst of its act, a
publisher in the midst of a publication.

``python -m tests.kit.mortal_process FOLDER URL`` reads one JSON object a line and forks a process for each, for
a fork takes milliseconds where a new interpreter takes a second: ``{"serve": POINT}``, ``{"publish": POINT}`` or
``{"confirm": POINT, "token": ..., "request": ...}``; ``POINT`` is a name in :data:`DEATHS` or :data:`SIGNATURES`, or
empty. Each process writes one line: its id and, for a
server, its port. When the input ends, all end.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from icard_crypto.signing.keys import Thumbprint
from issuer import cards
from issuer.accounts import sessions
from issuer.approvals import engine
from issuer.cards import codes
from issuer.core import Core
from issuer.db.process_lock import process_lock
from issuer.keys.signer import CardMessage, Message, Signer, StatusMessage, TimestampMessage
from issuer.publication import publish as publisher
from issuer.service.app import make_app
from tests.kit.issuing_api import BOUNDLESS
from tests.kit.issuing_process import Journal
from tests.kit.issuing_service import settings_for
from tests.kit.people import CHEAP
from verifier.runtime import http

__all__ = ["CONFIRMING", "ISSUING", "PUBLISHING", "Host"]

_PR_SET_PDEATHSIG = 1
#: Points of issuing, in their order, and whether the card is there after a death at each.
ISSUING = {"asked": False, "intended": False, "committed": True, "signed": True, "recorded": True, "finished": True}
#: Points of a confirmation that revokes a card, and whether it is done after a death at each.
CONFIRMING = {"begun": False, "revoked": False, "audited": False, "done": True}
#: Points of a publication, in their order, and whether it is there after a death at each.
PUBLISHING = {"lists_signed": False, "timestamp_signed": False, "written": False, "published": True}
#: A signer's deaths: with which kind of message, and whether before or after it is signed.
SIGNATURES: dict[str, tuple[type[Any], str]] = {
    "committed": (CardMessage, "before"),
    "signed": (CardMessage, "after"),
    "lists_signed": (StatusMessage, "after"),
    "timestamp_signed": (TimestampMessage, "after"),
}
#: Where a process dies: whose function, its name, and whether before it or after it.
DEATHS: dict[str, tuple[Any, str, str]] = {
    "asked": (cards, "issue", "before"),
    "intended": (codes, "intend", "after"),
    "recorded": (codes, "_record", "after"),
    "finished": (codes, "finish", "after"),
    "begun": (engine, "_both", "after"),
    "revoked": (cards, "revoke_within", "after"),
    "audited": (Core, "_append", "after"),
    "done": (engine, "confirm", "after"),
    "written": (publisher, "_write", "after"),
    "published": (publisher, "publish", "after"),
}


def die() -> None:
    """End as by a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def _deadly(act: Callable[..., Any], when: str) -> Callable[..., Any]:
    def died(*arguments: Any, **options: Any) -> Any:
        if when == "after":
            act(*arguments, **options)
        die()

    return died


@dataclass
class Mortal:
    """A signer that notes the cards' payloads before it signs, and may die before or after it."""

    signer: Signer
    journal: Journal
    point: str

    def sign(self, key: Thumbprint, messages: Sequence[Message]) -> list[bytes]:
        for message in messages:
            if isinstance(message, CardMessage):
                self.journal.write(hashlib.sha256(message.payload).hexdigest())
        self._pass(messages, "before")
        signed = self.signer.sign(key, messages)
        self._pass(messages, "after")
        return signed

    def require(self, key: Thumbprint) -> None:
        self.signer.require(key)

    def _pass(self, messages: Sequence[Message], when: str) -> None:
        kind, moment = SIGNATURES.get(self.point, (None, ""))
        if kind is not None and moment == when and any(isinstance(message, kind) for message in messages):
            die()


def _tell(port: int | None = None) -> None:
    print(json.dumps({"pid": os.getpid(), "port": port}), flush=True)


def work(folder: Path, url: str, order: dict[str, str]) -> None:
    """Serve, confirm or publish, up to the point of death."""
    point = order.get("serve") or order.get("confirm") or order.get("publish") or ""
    core = Core.open(settings_for(folder, url, **CHEAP, **BOUNDLESS))
    core = replace(core, signer=Mortal(core.signer, Journal.open(folder / f"signed.{os.getpid()}"), point))
    if point in DEATHS:
        owner, name, when = DEATHS[point]
        setattr(owner, name, _deadly(getattr(owner, name), when))
    if "confirm" in order:
        who = sessions.authenticate(core, order["token"])
        _tell()
        engine.confirm(core, who, order["request"])
        return
    if "publish" in order:
        _tell()
        publisher.publish(core)
        return
    with process_lock(core.database), (folder / "served").open("a") as log:
        os.dup2(log.fileno(), 2)
        limits = http.WireLimits(notice_seconds=0)
        http.serve(lambda drain: make_app(core, drain), http.Listen(port=0, limits=limits), _tell)


@dataclass
class Child:
    """A process that was forked, and its port where it serves."""

    pid: int
    port: int | None

    def gone(self) -> None:
        """Wait for its end."""
        for _ in range(3000):
            if not Path(f"/proc/{self.pid}").exists():
                return
            time.sleep(0.01)
        raise AssertionError("it did not end")

    def kill(self) -> None:
        """Kill it, where it lives, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.gone()


class Host:
    """Forks processes on the service in ``folder``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextlib.contextmanager
    def on(cls, folder: Path, url: str) -> Iterator[Host]:
        """A host, and the end of all that it forked."""
        command = [sys.executable, "-m", "tests.kit.mortal_process", str(folder), url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield cls(process)

    def start(self, **order: str) -> Child:
        """Fork a process; it has begun."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Child(**json.loads(self._process.stdout.readline()))


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    folder, url = Path(sys.argv[1]), sys.argv[2]
    for line in sys.stdin:
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 1
            try:
                work(folder, url, json.loads(line))
                code = 0
            except BaseException as fault:
                (folder / f"fault.{os.getpid()}").write_text(repr(fault), "utf-8")
                raise
            finally:
                os._exit(code)


if __name__ == "__main__":
    main()
