"""``make bench-compare``: the ratios that a change of icard moves, against those of the kept run.

Promises:

1. Ratios only, each of icard's figure to that of a peer or of the bare work in the same rounds: another machine, or a
   busier day, moves both.
2. A ratio is worse when both its median and its fastest rounds are above the kept ones by more than the band: one alone
   is the machine. Then the exit code is 1, as it is when icard itself failed where the kept run has a figure.
3. What is better by more than the band is reported, and is a reason to keep a new run. A peer that is missing today is
   reported and fails nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from benchmarks.keeping import KEPT, table
from benchmarks.parts import Part, parts
from benchmarks.report import watched
from verifier.bench.measure import Run

__all__ = ["BAND", "Change", "changes", "main"]

#: How far a ratio may rise: two runs of the same code on a busy machine of two cores differ by less.
BAND: Final = 0.15


class Change(NamedTuple):
    """A ratio, what it was and is, and ``same``, ``worse``, ``better``, ``missing`` (a peer) or ``failed`` (icard)."""

    run: str
    ratio: str
    kept: float
    now: float | None
    word: str


def changes(kept: Mapping[str, Any], measured: Mapping[str, tuple[Part, Run]], band: float) -> list[Change]:
    """Every watched ratio of the kept run, in its order."""
    found = []
    for name, (part, run) in measured.items():
        now = watched(part, run)
        for ratio, before in kept["runs"].get(name, {}).get("watched", {}).items():
            figure = now.get(ratio)
            if figure is None:
                word = "missing" if ratio.partition(" / ")[0] in run.series else "failed"
                found.append(Change(name, ratio, before["median"], None, word))
                continue
            by = [figure[which] / before[which] - 1 for which in ("median", "best")]
            word = "worse" if min(by) > band else "better" if max(by) < -band else "same"
            found.append(Change(name, ratio, before["median"], figure["median"], word))
    return found


def main() -> None:
    """Measure again, compare, and end with 1 where something is worse."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=main.__doc__)
    asked.add_argument("--rounds", type=int, default=40, help="interleaved rounds of each run (default: 40)")
    asked.add_argument("--band", type=float, default=BAND, help=f"how far a ratio may rise (default: {BAND})")
    asked.add_argument("--runs", nargs="*", choices=list(parts()), help="these runs only")
    given = asked.parse_args()
    kept = json.loads(KEPT.read_text("utf-8"))
    wanted = {name: part for name, part in parts().items() if not given.runs or name in given.runs}
    found = changes(kept, {name: (part, part.run(given.rounds)) for name, part in wanted.items()}, given.band)
    rows = [[f"{each.run}: {each.ratio}", _shown(each.kept), _shown(each.now), each.word] for each in found]
    print(table(["icard / other", "kept", "now", ""], rows))
    bad = [each for each in found if each.word in ("worse", "failed")]
    print(f"\n{len(found)} ratios against the run of {kept['measured_at']}, band {given.band:.0%}: {len(bad)} worse")
    sys.exit(1 if bad else 0)


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.3g}"


if __name__ == "__main__":
    main()
