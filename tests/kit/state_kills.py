"""A process that fills a state and is killed, or runs out of disk; and what must hold afterwards.

The child (``python -m tests.kit.state_kills FOLDER FIRST LIMIT``) applies one step after the other: step ``n`` is
one update of a timestamp and two status lists, all issued at ``NOW + n``, so that a state of two steps would be seen.
It writes ``n`` on standard output after each commit. ``LIMIT`` is a cap on the size of a file in bytes (0: none), to be
met as a full disk is.
"""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from icard_crypto.errors import StateError
from icard_crypto.lists.timestamp import Timestamp
from tests.kit.publisher import ANCHOR, INDEX, NOW, URI, status, timestamp
from verifier import TrustDomain
from verifier.store import Store, Update

__all__ = ["OTHER", "check_whole", "kill_writers", "new_store", "step"]

OTHER = "https://sh.example/s/list-2"


def step(number: int) -> Update:
    """The update of one step."""
    iat = NOW + number
    entries = {INDEX: number % 2}
    return Update(
        status_tokens=(status(iat, entries), status(iat, entries, uri=OTHER)),
        timestamp=timestamp(iat, lists={URI: iat, OTHER: iat}),
    )


def new_store(folder: Path) -> Store:
    """A state at step 0."""
    store = Store(folder)
    store.create(ANCHOR, name="cn", now=NOW)
    store.apply("cn", step(0), NOW)
    return store


def step_of(domain: TrustDomain) -> int:
    """The step that a domain is at; all of its parts are of it."""
    stamp = domain.timestamp
    assert isinstance(stamp, Timestamp)
    lists = domain.status_lists
    assert {lists[URI].iat, lists[OTHER].iat, stamp.iat, domain.clock_floor} == {stamp.iat}, "a torn state"
    number = stamp.iat - NOW
    assert lists[URI].get(INDEX) == lists[OTHER].get(INDEX) == number % 2
    return number


def check_whole(folder: Path, told: int) -> int:
    """The step of a state that is whole: that which was told last, or the one after it; marks are of the same step."""
    store = Store(folder)
    (domain,) = store.load()
    assert store.faults == ()
    number = step_of(domain)
    assert told <= number <= told + 1
    marks = {mark.iat for keys in store.manifest("cn").marks.values() for mark in keys.values()}
    assert marks == {NOW + number}, "a mark fell or rose without its list"
    return number


def kill_writers(folder: Path, kills: int, *, seed: int = 1) -> dict[str, int]:
    """Kill a writer ``kills`` times with SIGKILL, each at a random moment, and check the state each time."""
    chance = random.Random(seed)
    number, lost = 0, 0
    for _ in range(kills):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.state_kills", str(folder), str(number + 1), "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        told = [child.stdout.readline()]
        time.sleep(chance.uniform(0, 0.15))
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read().splitlines()
        child.wait(30)
        whole = [line for line in told if line.strip()]
        last = int(whole[-1]) if whole else number
        number = check_whole(folder, last)
        lost += number - last
    leftovers = sum(1 for path in folder.rglob("*.tmp"))
    new = Store(folder).apply("cn", step(number + 1), NOW + number + 1)
    assert new.refused == ()
    assert list(folder.rglob("*.tmp")) == [], "the next writer clears up"
    return {"kills": kills, "steps": number, "committed and not told": lost, "remains of the last kill": leftovers}


def main(folder: str, first: str, limit: str) -> None:
    if int(limit):
        # A write beyond the cap fails with EFBIG, as it fails with ENOSPC on a full disk; without this, SIGXFSZ kills.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    store, number = Store(folder), int(first)
    while True:
        try:
            report = store.apply("cn", step(number), NOW + number)
        except StateError as error:
            print(error.code, error.found, flush=True)
            return
        assert report.refused == (), report
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
