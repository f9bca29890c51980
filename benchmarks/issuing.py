"""``python -m benchmarks.issuing``: how fast cards are issued, found and published, on both databases.

One process, SQLite with synchronous=FULL and a PostgreSQL server with fsync, both on this machine's disk. Ratios within
one run are what counts. The exit code is 0 whether or not a target is met.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import bulk
from benchmarks.databases import Urls, databases
from benchmarks.keeping import keep, table
from benchmarks.report import series_table
from benchmarks.synthetic import fill, fill_lists
from icard_crypto import qr
from icard_crypto.signing.keys import Thumbprint
from issuer import cards
from issuer.acts import Actor
from issuer.cards import IssuedCard, NewCard
from issuer.core import Core
from issuer.keys.signer import KeystoreSigner, Message, Signer
from tests.kit.issuing_service import FakeClock, new_core, person
from tests.kit.signed_domain import published_core, step
from verifier.bench.measure import Contender, Run, interleave

__all__ = ["ISSUED", "main", "sizes"]

_BY = Actor("benchmark")
#: Of issue and look-up: at the most rows, against at the fewest.
_TARGET = 1.5
#: Cards that a service of any size has really issued, and that are looked up.
ISSUED = 20
_LISTS = 10

Told = dict[str, Any]


@dataclass
class _Watch:
    """Seconds spent in what is watched."""

    seconds: dict[str, float] = field(default_factory=dict)

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*values: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return work(*values, **options)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

        return timed

    def database(self, core: Core) -> None:
        """Watch what the drivers do: statements, their rows, commits."""
        dialect: Any = core.database.engine.dialect
        for name in ("do_execute", "do_executemany", "do_execute_no_params", "do_commit"):
            setattr(dialect, name, self.around("database", getattr(dialect, name)))


@dataclass
class _WatchedSigner:
    signer: Signer
    watch: _Watch

    def sign(self, key: Thumbprint, messages: Sequence[Message]) -> list[bytes]:
        signed: list[bytes] = self.watch.around("signing", self.signer.sign)(key, messages)
        return signed

    def require(self, key: Thumbprint) -> None:
        self.signer.require(key)


def _plain(core: Core) -> Core:
    """With the keystore's signer, as a service has it."""
    return replace(core, signer=KeystoreSigner(core.keystore, core.passphrase))


def _issue(core: Core, numbers: Iterator[int], together: int) -> list[IssuedCard]:
    return cards.issue(core, [NewCard(person(next(numbers))) for _ in range(together)], _BY)


def rate(folder: Path, url: str, count: int, together: int) -> Told:
    """Cards a second, issued ``together`` at a time and drawn, and where the time goes."""
    numbers, watch = itertools.count(1), _Watch()
    core = _plain(new_core(folder, url))
    _issue(core, numbers, together)
    watch.database(core)
    core = replace(core, signer=_WatchedSigner(core.signer, watch))
    draw = watch.around("drawing", qr.draw_png)
    start = time.perf_counter()
    for _ in range(count // together):
        for issued in _issue(core, numbers, together):
            for code in issued.codes:
                draw(code.text)
    whole = time.perf_counter() - start
    core.close()
    drawing = watch.seconds["drawing"]
    shares = {name: spent / whole for name, spent in watch.seconds.items()}
    return {
        "together": together,
        "cards": count,
        "cards_a_second": count / whole,
        "without_drawing": count / (whole - drawing),
        "shares": {**shares, "rest": 1 - sum(shares.values())},
    }


def sizes(folder: Path, urls: Urls, filled: Mapping[str, Callable[[Core], object]], rounds: int) -> dict[str, Run]:
    """Issue and look-up (found by permit number and shown with its codes), in services of several sizes, in turns.

    Args:
        filled: what fills a service that has issued :data:`ISSUED` cards, by what its size is called.
    """
    issue: dict[str, Contender] = {}
    look_up: dict[str, Contender] = {}
    with contextlib.ExitStack() as opened:
        for number, (size, fill_up) in enumerate(filled.items()):
            place = folder / str(number)
            place.mkdir()
            core = _plain(new_core(place, urls()))
            opened.callback(core.close)
            numbers = itertools.count(1)
            issued = [card for _ in range(ISSUED) for card in _issue(core, numbers, 1)]
            fill_up(core)
            issue[size] = _timed(partial(_issue, core, numbers, 1), 3)
            known = itertools.cycle(range(1, len(issued) + 1))
            look_up[size] = _timed(partial(_found, core, known), 5)
        return {"issue": interleave(issue, rounds), "look-up": interleave(look_up, rounds)}


def _found(core: Core, known: Iterator[int]) -> None:
    number = person(next(known)).permit.number or ""
    (card_id,) = cards.find_cards(core, "permit", number)
    assert len(cards.show(core, card_id).codes) == 3


def _timed(work: Callable[[], object], times: int) -> Contender:
    def contender() -> float:
        start = time.perf_counter_ns()
        for _ in range(times):
            work()
        return (time.perf_counter_ns() - start) / 1000 / times

    return contender


def publication(folder: Path, url: str) -> Told:
    """Ten full lists and the two that are in use, timestamp and bundle, all signed again in one transaction: the median
    of five times, in seconds.
    """
    clock = FakeClock()
    core = _plain(published_core(folder, url, clock))
    entries = fill_lists(core, _LISTS)
    figures = []
    for _ in range(5):
        start = time.perf_counter()
        done = step(core, clock, force=True)
        figures.append(time.perf_counter() - start)
        assert (len(done.lists), done.held_back) == (_LISTS + 2, ())
    core.close()
    return {"lists": _LISTS + 2, "entries": entries, "seconds": statistics.median(figures)}


def _measured(folder: Path, urls: Urls, asked: argparse.Namespace) -> Told:
    for name in ("one", "many", "sizes", "lists", "bulk"):
        (folder / name).mkdir(parents=True)
    told: Told = {
        "rates": [
            rate(folder / "one", urls(), asked.cards, 1),
            rate(folder / "many", urls(), asked.cards, 50),
        ],
    }
    filled = [1_000, 100_000, 1_000_000] if asked.full else asked.sizes
    fills = {f"{size:,} cards": partial(fill, cards=size - ISSUED) for size in filled}
    runs = sizes(folder / "sizes", urls, fills, asked.rounds)
    told["sizes"] = runs
    told["ratios"] = {
        name: {who: run.ratio(who, "1,000 cards") for who in run.series if who != "1,000 cards"}
        for name, run in runs.items()
    }
    told["publication"] = publication(folder / "lists", urls())
    told["bulk"] = bulk.measure(folder / "bulk", urls(), 100_000 if asked.full else asked.bulk)
    return told


def _show(kind: str, told: Told) -> None:
    print(f"\n{kind}: cards issued by one process, three codes each, signed, verified and drawn\n")
    parts = ("signing", "drawing", "database", "rest")
    rows = [
        [
            f"{figures['together']} at a time",
            f"{figures['cards_a_second']:.0f}",
            f"{figures['without_drawing']:.0f}",
            *(f"{figures['shares'][part]:.0%}" for part in parts),
        ]
        for figures in told["rates"]
    ]
    print(table(["", "cards/s", "not drawn", *parts], rows))
    for name, run in told["sizes"].items():
        print(f"\n{kind}: one {name}, by how many cards there are\n")
        print(series_table(run, "1,000 cards"))
    done = told["publication"]
    print(
        f"\n{kind}: publication of ten full lists ({done['entries']:,} codes) and the two in use, "
        f"timestamp and bundle: {done['seconds']:.2f} s"
    )
    many = told["bulk"]
    print(
        f"{kind}: {many['done']:,} cards in bulk: {many['cards_a_second']:.0f} a second, "
        f"{many['warm_mib']:.0f} MiB after the first thousand, {many['peak_mib']:.0f} MiB at most"
    )


def _targets(results: dict[str, Told]) -> list[list[str]]:
    return [
        [f"{kind}: {name} at {size} against 1,000", f"<= {_TARGET}", f"{ratio:.2f}", _word(ratio)]
        for kind, told in results.items()
        for name, ratios in told["ratios"].items()
        for size, ratio in ratios.items()
    ]


def _word(ratio: float) -> str:
    return "met" if ratio <= _TARGET else "missed"


def _plain_json(told: Told) -> Told:
    """Without the rounds: medians and best, in microseconds."""
    runs = {
        name: {who: {"median_us": series.median, "best_us": series.best} for who, series in run.series.items()}
        for name, run in told["sizes"].items()
    }
    return {**told, "sizes": runs}


def main() -> None:
    """Measure, print, write ``results/issuing.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.issuing", description=main.__doc__)
    parser.add_argument("--cards", type=int, default=300, help="cards of each rate (default: 300)")
    parser.add_argument("--bulk", type=int, default=2_000, help="cards in bulk (default: 2,000)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000], help="rows to issue and find among")
    parser.add_argument("--rounds", type=int, default=20, help="interleaved rounds of each size (default: 20)")
    parser.add_argument(
        "--full", action="store_true", help="among 1,000,000 cards too, 100,000 in bulk: half an hour, 8 GB of disk"
    )
    asked = parser.parse_args()
    results: dict[str, Told] = {}
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder, databases(Path(folder)) as found:
        for kind, urls in found.items():
            print(f"{kind} ...", file=sys.stderr)
            results[kind] = _measured(Path(folder) / kind, urls, asked)
            _show(kind, results[kind])
    print(f"\n{table(['target', 'ratio', 'measured', ''], _targets(results))}")
    keep("issuing", databases={kind: _plain_json(told) for kind, told in results.items()})


if __name__ == "__main__":
    main()
