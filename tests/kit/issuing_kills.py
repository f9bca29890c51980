"""Kill -9 at random points: clerks issue and change cards, are killed, and others take their place.

:class:`RepeatedKills` runs it, :func:`check` looks at what is left, after recovery:

1. no index was given twice;
2. what was signed has a record with the same payload, and what is issued was signed;
3. no change that a clerk was told of is lost: states, and every code it was handed, letter by letter;
4. every code verifies; every status entry is the one that the record gives;
5. the audit's chain is whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from issuer.audit.chain import genesis, row_hash
from issuer.audit.models import AuditHead, AuditRow
from issuer.cards import codes
from issuer.cards.models import CardRow, CodeRow
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.status.models import StatusListRow
from tests.kit.issuing_process import open_core

__all__ = ["RepeatedKills", "check", "check_chain", "small_lists"]

States = tuple[str, str, str]
_STANDING = {"suspend": "suspended", "resume": "active", "revoke": "revoked"}
_PERMIT = {"stop": "suspended", "go": "good"}
_INSURANCE = {"lapse": "lapsed", "pay": "good"}


@dataclass
class RepeatedKills:
    """Client processes that work on one service, and are killed again and again.

    Args:
        folder: the service's; the journals go there too.
        clerks: how many work at once.
        seed: of the moments and the choices.
        module: what works instead, with ``more`` arguments.
    """

    folder: Path
    url: str
    clerks: int = 3
    seed: int = 1
    module: str = "tests.kit.issuing_process"
    more: tuple[str, ...] = ()
    _pids: list[int] = field(default_factory=list)
    _number: int = 0
    _host: subprocess.Popen[str] | None = None

    def __enter__(self) -> RepeatedKills:
        self._host = subprocess.Popen(
            [sys.executable, "-m", self.module, str(self.folder), self.url, *self.more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._pids = [self._start() for _ in range(self.clerks)]
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._pids:
            self._kill(pid)
        if self._host is not None and self._host.stdin is not None:
            self._host.stdin.close()
            self._host.wait(30)

    def kill(self, points: int, *, shortest: float = 0.02, longest: float = 0.5) -> None:
        """Kill ``points`` times, a random clerk after a random time (seconds), and start another each time."""
        chance = random.Random(self.seed)
        # On a busy machine a clerk needs seconds to start: killing begins when one has been told of a change.
        until = time.monotonic() + 60
        while not any(path.stat().st_size for path in self.folder.glob("journal.*")):
            assert time.monotonic() < until, "no clerk was told of anything for a minute"
            time.sleep(0.02)
        for _ in range(points):
            time.sleep(chance.uniform(shortest, longest))
            place = chance.randrange(self.clerks)
            self._kill(self._pids[place])
            self._pids[place] = self._start()

    def _start(self) -> int:
        if self._host is None or self._host.stdin is None or self._host.stdout is None:
            raise RuntimeError("not begun")
        self._number += 1
        self._host.stdin.write(f"{self.seed * 1000 + self._number}\n")
        self._host.stdin.flush()
        return int(self._host.stdout.readline())

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        # The kernel closes its connections in its own time; until then its locks may stand.
        for _ in range(200):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.01)


def small_lists(core: Core, indexes: int) -> None:
    """Room for ``indexes`` in many lists, all published: clerks fill one after the other."""

    def work(session: Session) -> None:
        core.lists.ahead(session, indexes, 1)
        session.execute(update(StatusListRow).values(published_at=1))

    core.database.transact(work)


def check(folder: Path, url: str) -> Counter[str]:
    """Recover as a new process would, and hold all five promises; figures of what was there.

    A clerk that ended by itself left a file ``fault.*``: that is a failure too.
    """
    faults = [path.read_text("utf-8") for path in folder.glob("fault.*")]
    assert faults == [], faults
    core = open_core(folder, url, "recovery")
    left = codes.recover(core)
    with contextlib.closing(core):
        cards, rows = core.database.read(
            lambda session: (
                {card.id: card for card in session.scalars(select(CardRow))},
                list(session.scalars(select(CodeRow))),
            )
        )
        _check_codes(folder, cards, rows)
        texts = core.database.read(
            lambda session: {code.cti: code.text for code in codes.hand_out(core, session, rows)}
        )
        by_card: dict[str, set[str]] = {}
        for row in rows:
            by_card.setdefault(row.card_id, set()).add(texts.get(row.cti, ""))
        told = _check_journals(folder, cards, by_card)
        acts = check_chain(core)
    return Counter(cards=len(cards), codes=len(rows), left=left, told=told, acts=acts)


def _check_codes(folder: Path, cards: dict[str, CardRow], rows: list[CodeRow]) -> None:
    places = Counter((row.list_name, row.idx) for row in rows)
    assert [place for place, times in places.items() if times > 1] == []
    assert {row.state for row in rows} <= {"issued", "burnt"}
    recorded = {row.payload_hash for row in rows}
    assert len(recorded) == len(rows)
    signed = {line for path in folder.glob("signed.*") for line in path.read_text("ascii").split()}
    assert signed <= recorded
    assert {row.payload_hash for row in rows if row.state == "issued"} <= signed
    wrong = [row.cti for row in rows if row.value != codes.entry_of(cards[row.card_id], row)]
    assert wrong == []


def _check_journals(folder: Path, cards: dict[str, CardRow], texts: dict[str, set[str]]) -> int:
    told = 0
    for path in folder.glob("journal.*"):
        states: dict[str, States] = {}
        open_change: tuple[str, str] | None = None
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            open_change = (entry["card"], entry["try"]) if "card" in entry and "try" in entry else None
            if "done" not in entry:
                continue
            told += 1
            for card, handed in entry["codes"].items():
                assert set(handed) <= texts[card], f"{path.name}: a code that was handed out is not on record"
                states[card] = _after(states.get(card, ("active", "good", "good")), entry["done"])
        for card, expected in states.items():
            row = cards[card]
            allowed = {expected}
            if open_change is not None and open_change[0] == card:
                allowed.add(_after(expected, open_change[1]))
            assert (row.status, row.permit, row.insurance) in allowed, f"{path.name}: a change is lost"
    return told


def _after(states: States, change: str) -> States:
    standing, permit, insurance = states
    return (
        _STANDING.get(change, standing),
        _PERMIT.get(change, permit),
        _INSURANCE.get(change, insurance),
    )


def check_chain(core: Core) -> int:
    """Walk the audit from its genesis to its head; the number of acts."""
    rows, head, meta = core.database.read(
        lambda session: (
            list(session.scalars(select(AuditRow).order_by(AuditRow.seq))),
            session.get_one(AuditHead, 1),
            session.get_one(Meta, 1),
        )
    )
    last = genesis(meta.database_id)
    for seq, row in enumerate(rows, 1):
        assert (row.seq, row.previous, row.hash) == (seq, last, row_hash(row))
        last = row.hash
    assert (head.seq, head.hash) == (len(rows), last)
    return len(rows)
