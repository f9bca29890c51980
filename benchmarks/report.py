"""Figures as text that can be pasted anywhere, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.keeping import short, table
from benchmarks.parts import Part
from verifier.bench.measure import Run

__all__ = [
    "Counts",
    "Target",
    "as_json",
    "judged",
    "load_targets",
    "series_table",
    "target_table",
    "watched",
]

Counts = Mapping[str, float]

_TARGETS = Path(__file__).parent / "targets.json"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of ``targets.json``: the ratio ``of / to`` within ``run`` (or of two counts of that name), or where
    ``to`` is None the milliseconds of ``of``, and where it should be."""

    run: str
    of: str
    what: str
    to: str | None = None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def limit(self) -> str:
        """As people write it."""
        bound = f"<= {self.at_most}" if self.at_most is not None else f">= {self.at_least}"
        return bound if self.to is not None else f"{bound} ms"

    def met(self, figure: float) -> bool:
        """Whether a figure is where it should be."""
        if self.at_most is not None:
            return figure <= self.at_most
        return self.at_least is not None and figure >= self.at_least

    def figures(self, run: Run) -> tuple[float, float] | None:
        """By the medians and by the fastest rounds, or None where a contender has no series."""
        if self.to is None:
            series = run.series.get(self.of)
            return None if series is None else (series.median / 1000, series.best / 1000)
        ratio, best = run.ratio(self.of, self.to), run.best_ratio(self.of, self.to)
        return None if ratio is None or best is None else (ratio, best)


def load_targets() -> list[Target]:
    """The targets, in the file's order."""
    return [Target(**entry) for entry in json.loads(_TARGETS.read_text("utf-8"))["targets"]]


def judged(
    target: Target, runs: Mapping[str, Run], counts: Mapping[str, Counts]
) -> tuple[float | None, float | None, str]:
    """The figure by medians, by fastest rounds, and ``met``, ``missed`` or why it is not known.

    Args:
        counts: figures that are no time, by what they belong to and by name.
    """
    counted = counts.get(target.run)
    if counted is not None and target.to is not None and {target.of, target.to} <= counted.keys():
        ratio = counted[target.of] / max(counted[target.to], 1)
        return ratio, None, "met" if target.met(ratio) else "missed"
    run = runs.get(target.run)
    if run is None:
        return None, None, "not measured"
    figures = target.figures(run)
    if figures is None:
        absent = next(name for name in (target.of, target.to) if name is not None and name not in run.series)
        # What could not even begin has one reason, told for another contender.
        reason = run.failed.get(absent) or next(iter(run.failed.values()), "not in this run")
        return None, None, f"not measured: {absent}: {reason}"
    return *figures, "met" if target.met(figures[0]) else "missed"


def series_table(run: Run, reference: str) -> str:
    """Every contender with its median, best and spread, and its ratio to ``reference``."""
    rows = []
    for name, series in run.series.items():
        ratios = [_shown(run.ratio(name, reference)), _shown(run.best_ratio(name, reference))]
        rows.append([name, short(series.median), short(series.best), f"{series.spread:.0%}", *ratios])
    text = table(["", "median us", "best us", "spread", f"x {reference}", "of best"], rows)
    return "\n".join([text, *(f"{name}: {reason}" for name, reason in run.failed.items())])


def target_table(
    targets: Sequence[Target], runs: Mapping[str, Run], counts: Mapping[str, Counts], kept: Mapping[str, Any] | None
) -> str:
    """What should be reached, what is, and what was in the last kept run."""
    before = {row["what"]: row["measured"] for row in kept["targets"]} if kept is not None else {}
    rows = []
    for target in targets:
        figure, best, word = judged(target, runs, counts)
        rows.append([target.what, target.limit, _shown(figure), _shown(best), _shown(before.get(target.what)), word])
    return table(["target", "limit", "measured", "of best", "kept run", ""], rows)


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def as_json(
    targets: Sequence[Target],
    parts: Mapping[str, Part],
    runs: Mapping[str, Run],
    counts: Mapping[str, Counts],
    more: Mapping[str, Any],
    *,
    full: bool,
) -> str:
    """All figures: microseconds for one operation, by run and contender; targets; whatever else was measured.

    Args:
        full: every round too; a kept run has none, so that it can be read and compared.
    """
    told = []
    for target in targets:
        figure, best, word = judged(target, runs, counts)
        told.append({"what": target.what, "limit": target.limit, "measured": figure, "of_best": best, "result": word})
    content = {
        **more,
        "targets": told,
        "runs": {name: _run_json(parts[name], run, full=full) for name, run in runs.items()},
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def watched(part: Part, run: Run) -> dict[str, dict[str, float]]:
    """The ratios that a change of icard moves, on every machine: ``of / to`` by median and by fastest rounds."""
    made = {}
    for of in part.ours:
        for to in part.anchors:
            ratio, best = run.ratio(of, to), run.best_ratio(of, to)
            if ratio is not None and best is not None:
                made[f"{of} / {to}"] = {"median": round(ratio, 4), "best": round(best, 4)}
    return made


def _run_json(part: Part, run: Run, *, full: bool) -> dict[str, Any]:
    series: dict[str, Any] = {}
    for name, each in run.series.items():
        series[name] = {
            "median_us": float(f"{each.median:.4g}"),
            "best_us": float(f"{each.best:.4g}"),
            "spread": round(each.spread, 3),
            "ratio": run.ratio(name, part.reference),
            "ratio_of_best": run.best_ratio(name, part.reference),
        }
        if full:
            series[name]["rounds_us"] = each.rounds
    rounds = max((len(each.rounds) for each in run.series.values()), default=0)
    told: dict[str, Any] = {"title": part.title, "reference": part.reference, "rounds": rounds, "failed": run.failed}
    if part.sizes:
        told |= {"unit": part.unit, "sizes": part.sizes}
    told["watched"] = watched(part, run)
    return told | {"series": series}
