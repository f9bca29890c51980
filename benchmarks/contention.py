"""``python -m benchmarks.contention``: the two rows that every issue waits for, and what they allow.

One process issues cards on a PostgreSQL server with fsync. For each of its transactions it is measured how long the row
of the open list and the head of the audit chain stay locked: from the statement that takes the lock to the end of the
commit. A simulation then asks what more processes, and more authorities with a database each, would issue.

The simulation is a closed queue: each process works without a lock, waits its turn for the list's row, and holds it to
the end of its transaction, the head's lock with it. Times are drawn from those that were measured. What it gives are
multiples of one process: shares of time depend little on what else the machine does, times do.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from benchmarks.databases import databases
from benchmarks.keeping import keep, table
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from tests.kit.issuing_service import new_core, person

__all__ = ["main", "simulate"]

_LIST: Final = "open list"
_HEAD: Final = "audit head"
_PROCESSES: Final = (1, 2, 4, 8, 16, 32)
_SIMULATED: Final = 20_000


@dataclass
class _Locks:
    """When each lock of the running transaction was taken, and how long each was held, in seconds."""

    taken: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)

    def watch(self, core: Core) -> None:
        engine: Any = core.database.engine
        event.listen(engine, "before_cursor_execute", self._statement)
        commit = engine.dialect.do_commit

        def measured(connection: Any) -> None:
            commit(connection)
            end = time.perf_counter()
            for name, start in self.taken.items():
                self.held[name] = self.held.get(name, 0.0) + end - start
            self.taken.clear()

        engine.dialect.do_commit = measured

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = " ".join(statement.split()).lower()
        if words.startswith("update lists") or ("from lists" in words and "for update" in words):
            self.taken.setdefault(_LIST, time.perf_counter())
        if "audit_head" in words and ("for update" in words or words.startswith("update")):
            self.taken.setdefault(_HEAD, time.perf_counter())


def _measured(core: Core, count: int) -> list[dict[str, float]]:
    """Of each issue: seconds in all, and with each lock held."""
    locks, actor = _Locks(), Actor("benchmark")
    locks.watch(core)
    told = []
    for number in range(count + 20):
        locks.held.clear()
        start = time.perf_counter()
        cards.issue(core, [NewCard(person(number + 1))], actor)
        told.append({"whole": time.perf_counter() - start, **locks.held})
    return told[20:]


def simulate(outside: Sequence[float], inside: Sequence[float], processes: int, issues: int, seed: int = 1) -> float:
    """Issues a second of processes that take turns.

    Args:
        outside, inside: measured seconds without and with the lock, of the same issues.
    """
    chance = random.Random(seed)
    places = range(len(inside))
    order = itertools.count()
    ready: list[tuple[float, int, int]] = []

    def begin(now: float) -> None:
        place = chance.choice(places)
        heapq.heappush(ready, (now + outside[place], next(order), place))

    for _ in range(processes):
        begin(0.0)
    free = 0.0
    for _ in range(issues):
        at, _, place = heapq.heappop(ready)
        free = max(free, at) + inside[place]
        begin(free)
    return issues / free


def main() -> None:
    """Measure, simulate, print, write ``results/contention.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contention", description=main.__doc__)
    parser.add_argument("--cards", type=int, default=400, help="cards that are issued (default: 400)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder, databases(Path(folder)) as found:
        if "PostgreSQL" not in found:
            raise SystemExit("This benchmark needs PostgreSQL.")
        place = Path(folder) / "service"
        place.mkdir()
        core = new_core(place, found["PostgreSQL"]())
        told = _measured(core, asked.cards)
        core.close()
    whole = [each["whole"] for each in told]
    held = {name: [each[name] for each in told] for name in (_LIST, _HEAD)}
    outside = [all_of_it - inside for all_of_it, inside in zip(whole, held[_LIST], strict=True)]
    alone = simulate(outside, held[_LIST], 1, _SIMULATED)
    rates = {str(count): simulate(outside, held[_LIST], count, _SIMULATED) / alone for count in _PROCESSES}
    medians = {"issue": statistics.median(whole), **{name: statistics.median(each) for name, each in held.items()}}
    rows = [[name, f"{seconds * 1000:.2f}"] for name, seconds in medians.items()]
    print(table(["median of one card", "ms"], rows), "\n")
    print(table(["processes", "times one, simulated"], [[count, f"{rate:.2f}"] for count, rate in rates.items()]))
    keep(
        "contention",
        cards=asked.cards,
        median_seconds=medians,
        shares={name: sum(each) / sum(whole) for name, each in held.items()},
        simulated=rates,
    )


if __name__ == "__main__":
    main()
