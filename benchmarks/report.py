"""Figures as text that can be pasted anywhere, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.interleave import Run

__all__ = ["Target", "as_json", "judged", "load_targets", "series_table", "table", "target_table"]

_TARGETS = Path(__file__).parent / "targets.json"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of ``targets.json``: the ratio ``of / to`` within ``run``, and where it should be."""

    run: str
    of: str
    to: str
    what: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def limit(self) -> str:
        """As people write it."""
        return f"<= {self.at_most}" if self.at_most is not None else f">= {self.at_least}"

    def met(self, ratio: float) -> bool:
        """Whether a ratio is where it should be."""
        if self.at_most is not None:
            return ratio <= self.at_most
        return self.at_least is not None and ratio >= self.at_least


def load_targets() -> list[Target]:
    """The targets, in the file's order."""
    return [Target(**entry) for entry in json.loads(_TARGETS.read_text("utf-8"))["targets"]]


def judged(target: Target, runs: Mapping[str, Run]) -> tuple[float | None, str]:
    """The ratio, and ``met``, ``missed`` or why it is not known."""
    run = runs.get(target.run)
    if run is None:
        return None, "not measured"
    ratio = run.ratio(target.of, target.to)
    if ratio is None:
        absent = next(name for name in (target.of, target.to) if name not in run.series)
        return None, f"not measured: {absent}: {run.failed.get(absent, 'not in this run')}"
    return ratio, "met" if target.met(ratio) else "missed"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest entry; the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            entry.ljust(width) if column == 0 else entry.rjust(width)
            for column, (entry, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def series_table(run: Run, reference: str) -> str:
    """Every contender with its median, best and spread, and its ratio to ``reference``."""
    rows = []
    for name, series in run.series.items():
        ratios = [_shown(run.ratio(name, reference)), _shown(run.best_ratio(name, reference))]
        rows.append([name, f"{series.median:.1f}", f"{series.best:.1f}", f"{series.spread:.0%}", *ratios])
    text = table(["", "median us", "best us", "spread", f"x {reference}", "of best"], rows)
    return "\n".join([text, *(f"{name}: {reason}" for name, reason in run.failed.items())])


def target_table(targets: Sequence[Target], runs: Mapping[str, Run]) -> str:
    """What should be reached and what is."""
    rows = []
    for target in targets:
        ratio, word = judged(target, runs)
        best = runs[target.run].best_ratio(target.of, target.to) if target.run in runs else None
        rows.append([target.what, target.limit, _shown(ratio), _shown(best), word])
    return table(["target", "ratio", "measured", "of best", ""], rows)


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def as_json(targets: Sequence[Target], runs: Mapping[str, Run], more: Mapping[str, Any]) -> str:
    """All figures: microseconds for one operation, by run, contender and round; targets; whatever else was measured."""
    told = []
    for target in targets:
        ratio, word = judged(target, runs)
        best = runs[target.run].best_ratio(target.of, target.to) if target.run in runs else None
        told.append({"what": target.what, "limit": target.limit, "ratio": ratio, "ratio_of_best": best, "result": word})
    content = {
        **more,
        "targets": told,
        "runs": {
            name: {
                "failed": run.failed,
                "series": {
                    who: {"median_us": series.median, "best_us": series.best, "rounds_us": series.rounds}
                    for who, series in run.series.items()
                },
            }
            for name, run in runs.items()
        },
    }
    return json.dumps(content, indent=1) + "\n"
