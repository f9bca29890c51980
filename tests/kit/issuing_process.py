"""A process that issues and changes cards until it is killed, and writes down what it was told.

``python -m tests.kit.issuing_process FOLDER URL`` reads one number a line and forks a clerk for each, printing its
process id: a fork takes milliseconds where a new interpreter takes a second. When its input ends, all clerks end.

A clerk's journal (``journal.<number>``) has one JSON object a line: ``{"try": ...}`` before a call, ``{"done": ...}``
after it. ``signed.<number>`` has the hash of every payload, written before it is signed.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from icard_crypto.errors import StateError
from icard_crypto.signing.keys import Thumbprint
from issuer import cards
from issuer.acts import Actor
from issuer.cards import IssuedCard, NewCard, Reissue
from issuer.core import Core
from issuer.keys.signer import Message, Signer
from tests.kit.issuing_service import person, settings_for

__all__ = ["CHANGES", "Journal", "Noting", "fork_for_each_line", "open_core", "work"]

BY = Actor("clerk", "a test")
_PR_SET_PDEATHSIG = 1

#: What a clerk does to a card, and what it makes of (standing, permit, insurance).
CHANGES: dict[str, Callable[[Core, str], Any]] = {
    "suspend": lambda core, card: cards.suspend(core, card, BY),
    "resume": lambda core, card: cards.resume(core, card, BY),
    "revoke": lambda core, card: cards.revoke(core, card, BY),
    "lapse": lambda core, card: cards.set_insurance(core, card, "lapsed", BY),
    "pay": lambda core, card: cards.set_insurance(core, card, "good", BY),
    "stop": lambda core, card: cards.set_permit(core, card, "suspended", BY),
    "go": lambda core, card: cards.set_permit(core, card, "good", BY),
    "replace": lambda core, card: cards.replace(core, Reissue(card), BY),
    "renew": lambda core, card: cards.renew(core, Reissue(card), BY),
}


@dataclass
class Journal:
    """A file that grows by whole lines: one write call each, so that a kill leaves no half line behind another."""

    descriptor: int

    @classmethod
    def open(cls, path: Path) -> Journal:
        return cls(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))

    def write(self, line: str) -> None:
        os.write(self.descriptor, line.encode() + b"\n")


@dataclass
class Noting:
    """A signer that writes down the hash of every payload before it is signed."""

    signer: Signer
    journal: Journal

    def sign(self, key: Thumbprint, messages: Sequence[Message]) -> list[bytes]:
        for message in messages:
            self.journal.write(hashlib.sha256(message.payload).hexdigest())
        return self.signer.sign(key, messages)

    def require(self, key: Thumbprint) -> None:
        self.signer.require(key)


def open_core(folder: Path, url: str, name: str, **settings: Any) -> Core:
    """The service of the test, signing under a journal of its own."""
    core = Core.open(settings_for(folder, url, **settings))
    return replace(core, signer=Noting(core.signer, Journal.open(folder / f"signed.{name}")))


def work(folder: Path, url: str, number: int, *, turns: int | None = None) -> None:
    """Issue and change cards, ``turns`` times or until the process ends."""
    core = _patiently_opened(folder, url, str(number))
    journal = Journal.open(folder / f"journal.{number}")
    chance = random.Random(number)
    mine: list[str] = []
    done = 0
    while turns is None or done < turns:
        done += 1
        if not mine or chance.random() < 0.5:
            numbers = [number * 10_000 + done * 10 + each for each in range(chance.randint(1, 3))]
            journal.write(json.dumps({"try": "issue", "numbers": numbers}))
            made = cards.issue(core, [NewCard(person(each)) for each in numbers], BY)
            mine += [card.card_id for card in made]
            told = {card.card_id: [code.text for code in card.codes] for card in made}
            journal.write(json.dumps({"done": "issue", "codes": told}))
            continue
        card = chance.choice(mine)
        change = chance.choice(sorted(CHANGES))
        journal.write(json.dumps({"try": change, "card": card}))
        answer = CHANGES[change](core, card)
        codes = [code.text for code in answer.codes] if isinstance(answer, IssuedCard) else []
        journal.write(json.dumps({"done": change, "card": card, "codes": {card: codes}}))
        if change == "revoke":
            mine.remove(card)


def _patiently_opened(folder: Path, url: str, name: str) -> Core:
    """A program that starts while its database is away says so and ends; who supervises it starts it again."""
    while True:
        try:
            return open_core(folder, url, name)
        except StateError as fault:
            if fault.code != "database.unreachable":
                raise
            time.sleep(0.2)


def fork_for_each_line(folder: Path, task: Callable[[int], None]) -> None:
    """Fork a process for ``task`` with each number that is read, and print its id."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            code = 1
            try:
                task(int(line))
                code = 0
            except BaseException as fault:
                (folder / f"fault.{int(line)}").write_text(repr(fault), "utf-8")
                raise
            finally:
                os._exit(code)
        print(child, flush=True)


if __name__ == "__main__":
    fork_for_each_line(Path(sys.argv[1]), lambda number: work(Path(sys.argv[1]), sys.argv[2], number))
