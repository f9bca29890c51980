"""``make bench``: every figure, as tables and as JSON.

Promises:

1. Ratios within one run are what counts; microseconds belong to the machine of the day. The exit code is 0 whether or
   not a target is met: a benchmark reports, it does not judge a change.
2. ``results/latest.json`` has every round and is written each time; ``results/kept.json``, from which the page
   docs/benchmarks.md is made, has none and is written with ``--keep`` alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any

from benchmarks.memory import memory
from benchmarks.once import import_milliseconds, stage_microseconds
from benchmarks.parts import RESULTS, parts, token_file
from benchmarks.peers import ROOT, names, pinned
from benchmarks.refusals import Score, refusals
from benchmarks.report import as_json, load_targets, series_table, table, target_table
from benchmarks.statuses import SIZES
from verifier.bench import Run, machine

# What icard is made of: its own share of an import is the rest.
_PARTS = "cbor2, cryptography.hazmat.primitives.asymmetric.ec, nacl.bindings"
_KEPT = RESULTS / "kept.json"


def main() -> None:
    """Measure, print, and write the figures as JSON."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    asked.add_argument("--rounds", type=int, default=80, help="interleaved rounds of each run (default: 80)")
    asked.add_argument(
        "--keep", action="store_true", help="write results/kept.json too, which docs/benchmarks.md tells"
    )
    given = asked.parse_args()
    more: dict[str, Any] = {"measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
    more["machine"] = machine()
    runs: dict[str, Run] = {}
    for name, part in parts().items():
        runs[name] = part.run(given.rounds)
        print(f"\n{part.title}\n\n{series_table(runs[name], part.reference)}", flush=True)
    more |= _once()
    kept = json.loads(_KEPT.read_text("utf-8")) if _KEPT.exists() else None
    print(f"\n{target_table(load_targets(), runs, kept)}")
    _write(runs, more, keep=given.keep)


def _once() -> dict[str, Any]:
    stages = stage_microseconds()
    rows = [[name, f"{each['median']:.2f}", f"{each['best']:.2f}"] for name, each in stages.items()]
    print(f"\nStages of icard, microseconds\n\n{table(['stage', 'median us', 'best us'], rows)}", flush=True)
    imports = {name: import_milliseconds(name) for name in ("icard_crypto, verifier", "icard_crypto", _PARTS)}
    print("\nImports in a new interpreter, milliseconds (icard's target: under 150)\n")
    print(table(["import", "median ms"], [[name, f"{median:.0f}"] for name, median in imports.items()]), flush=True)
    largest = memory(token_file(max(SIZES.values())))
    print(f"\nMemory to load {largest['entries']:,} status entries, bytes\n")
    print(table(["", "bytes"], [[name, f"{size:,}"] for name, size in largest.items() if name != "entries"]))
    scores = refusals()
    print("\nCodes that every reader must refuse\n")
    print(table(["", "shown as", "shown", "accepted", "died"], [_score_row(*each) for each in scores.items()]))
    for name, score in scores.items():
        for missing in score.missing:
            print(f"{name}: not measured: {missing}")
    return {
        "stages_us": stages,
        "imports_ms": {name: round(median, 1) for name, median in imports.items()},
        "memory": largest,
        "refusals": {name: dataclasses.asdict(score) for name, score in scores.items()},
        "peers": {name: pinned(name) for name in names()},
    }


def _score_row(name: str, score: Score) -> list[str]:
    return [name, score.form, str(score.shown), str(len(score.accepted)), str(score.died)]


def _write(runs: Mapping[str, Run], more: Mapping[str, Any], *, keep: bool) -> None:
    RESULTS.mkdir(exist_ok=True)
    latest = RESULTS / "latest.json"
    latest.write_text(as_json(load_targets(), parts(), runs, more, full=True), "utf-8")
    print(f"\nAll figures: {latest.relative_to(ROOT)}")
    if keep:
        _KEPT.write_text(as_json(load_targets(), parts(), runs, more, full=False), "utf-8")
        print(f"Kept: {_KEPT.relative_to(ROOT)}; python -m tools.make_docs writes docs/benchmarks.md from it")


if __name__ == "__main__":
    main()
