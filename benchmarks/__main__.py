"""``make bench``: every figure, as tables and as JSON.

Promises:

1. Ratios within one run are what counts; microseconds belong to the machine of the day. The exit code is 0 whether or
   not a target is met: a benchmark reports; ``make bench-compare`` judges a change.
2. ``results/latest.json`` has every round and is written each time; ``results/kept.json``, from which the page
   docs/benchmarks.md is made, has none and is written with ``--keep`` alone.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time

from benchmarks.extras import counts, extras
from benchmarks.keeping import KEPT, RESULTS
from benchmarks.parts import parts
from benchmarks.peers import ROOT, names, pinned
from benchmarks.report import as_json, load_targets, series_table, target_table
from verifier.bench.measure import Run, machine


def main() -> None:
    """Measure, print, and write the figures as JSON."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    asked.add_argument("--rounds", type=int, default=80, help="interleaved rounds of each run (default: 80)")
    asked.add_argument(
        "--keep", action="store_true", help="write results/kept.json too, from which docs/benchmarks.md is made"
    )
    given = asked.parse_args()
    started = time.monotonic()
    about = {"measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "machine": machine()}
    runs: dict[str, Run] = {}
    for name, part in parts().items():
        runs[name] = part.run(given.rounds)
        print(f"\n{part.title}\n\n{series_table(runs[name], part.reference)}", flush=True)
    told = extras(runs)
    counted = counts(told)
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else None
    print(f"\n{target_table(load_targets(), runs, counted, kept)}")
    more = about | {"seconds": round(time.monotonic() - started), "peers": {name: pinned(name) for name in names()}}
    RESULTS.mkdir(exist_ok=True)
    for path, full in ((RESULTS / "latest.json", True), (KEPT, False)):
        if full or given.keep:
            path.write_text(as_json(load_targets(), parts(), runs, counted, more | told, full=full), "utf-8")
            print(f"\nFigures: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
