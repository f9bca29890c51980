"""The kept runs, and how their figures are written in a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.keeping import RESULTS

__all__ = ["failed", "kept", "markdown", "native", "ratio", "series_of"]


def kept() -> dict[str, Any]:
    """``benchmarks/results/kept.json``."""
    told: dict[str, Any] = json.loads((RESULTS / "kept.json").read_text("utf-8"))
    return told


def native() -> dict[str, Any] | None:
    """``benchmarks/results/native.json``, or None where nobody has measured."""
    path = RESULTS / "native.json"
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told


def failed(part: object) -> str | None:
    """Why a part of the run has no figures, as a line for the page; None where it has."""
    if isinstance(part, dict) and part.keys() == {"failed"}:
        return f"Not measured: {part['failed']}\n"
    return None


def series_of(run: str, name: str) -> Mapping[str, Any] | None:
    """One contender's figures, or None."""
    found: Mapping[str, Any] | None = kept()["runs"].get(run, {}).get("series", {}).get(name)
    return found


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column to the left, the others to the right."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ratio(figure: float | None) -> str:
    """Two digits behind the point; nothing for None."""
    return "" if figure is None else f"{figure:.2f}"
