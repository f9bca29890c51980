"""``python -m benchmarks.growth``: issue and look-up on PostgreSQL among millions of rows, against a thousand cards.

Rows of real size, and more rows with short contents, since a disk holds more of those: what an index costs depends on
their number. All sizes are measured in turns, in one run, by one process, on a server with fsync.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.databases import databases
from benchmarks.issuing import ISSUED, sizes
from benchmarks.keeping import keep, table
from benchmarks.report import series_table
from benchmarks.synthetic import fill_by_server
from issuer.core import Core

__all__ = ["main"]

_BASE = "1,000 cards"
_TARGET = 1.5
_SHORT = 8
_CODES = 3


def main() -> None:
    """Measure, print, write ``results/growth.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=main.__doc__)
    parser.add_argument("--cards", type=int, default=1_000_000, help="cards of real size (default: 1,000,000)")
    parser.add_argument("--short", type=int, default=10_000_000, help="codes with short contents (default: 10,000,000)")
    parser.add_argument("--rounds", type=int, default=30, help="interleaved rounds (default: 30)")
    asked = parser.parse_args()
    filled: dict[str, Any] = {}
    fills = {
        _BASE: partial(fill_by_server, codes=_CODES * (1000 - ISSUED)),
        f"{asked.cards:,} cards": partial(fill_by_server, codes=_CODES * asked.cards),
        f"{asked.short:,} short codes": partial(fill_by_server, codes=asked.short, record=_SHORT, code=_SHORT),
    }
    watched = {name: partial(_watched, name, fill, filled) for name, fill in fills.items()}
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder, databases(Path(folder)) as found:
        if "PostgreSQL" not in found:
            raise SystemExit("This benchmark needs PostgreSQL.")
        runs = sizes(Path(folder), found["PostgreSQL"], watched, asked.rounds)
    rows = []
    for what, run in runs.items():
        print(f"\nPostgreSQL: one {what}, by how many rows there are\n\n{series_table(run, _BASE)}")
        for name in list(fills)[1:]:
            ratio = run.ratio(name, _BASE) or 0.0
            rows.append([f"{what}, {name}", f"<= {_TARGET}", f"{ratio:.2f}", "met" if ratio <= _TARGET else "missed"])
    print(f"\n{table(['target', 'ratio', 'measured', ''], rows)}")
    medians = {
        what: {name: {"median_us": each.median, "best_us": each.best} for name, each in run.series.items()}
        for what, run in runs.items()
    }
    ratios = {what: {name: run.ratio(name, _BASE) for name in list(fills)[1:]} for what, run in runs.items()}
    keep("growth", databases={"PostgreSQL": {"filled": filled, "sizes": medians, "ratios": ratios}})


def _watched(name: str, fill: Callable[[Core], None], filled: dict[str, Any], core: Core) -> None:
    start = time.perf_counter()
    fill(core)
    seconds = time.perf_counter() - start
    with core.database.engine.connect() as connection:
        size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        codes = connection.execute(text("SELECT count(*) FROM codes")).scalar_one()
    filled[name] = {"codes": codes, "database_gib": size / 2**30, "seconds": seconds}
    print(f"{name}: {codes:,} codes, {size / 2**30:.2f} GiB, filled in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
