"""The figures of docs/issuing.md, from what ``python -m benchmarks.issuing`` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["issuing_figures"]

_FILE = Path(__file__).parent.parent / "benchmarks" / "results" / "issuing.json"
_PARTS = ("signing", "drawing", "database", "rest")


def issuing_figures() -> str:
    """One table of rates, one of sizes and publications, for the databases that were measured."""
    if not _FILE.exists():
        return "Not measured yet.\n"
    told = json.loads(_FILE.read_text("utf-8"))
    about = f"Measured on {told['measured_at'][:10]}, {told['system']} on {told['machine']}, Python {told['python']}.\n"
    return "\n".join((about, _rates(told["databases"]), _sizes(told["databases"])))


def _rates(databases: dict[str, Any]) -> str:
    rows = [
        (
            f"{kind}, {rate['together']} at a time",
            f"{rate['cards_a_second']:.0f}",
            f"{rate['without_drawing']:.0f}",
            *(f"{rate['shares'][part]:.0%}" for part in _PARTS),
        )
        for kind, told in databases.items()
        for rate in told["rates"]
    ]
    return _table(("cards of three codes", "cards a second", "without drawing", *_PARTS), rows)


def _sizes(databases: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = []
    for kind, told in databases.items():
        for name, runs in told["sizes"].items():
            ratios = told["ratios"][name]
            for size, run in runs.items():
                ratio = f"{ratios[size]:.2f}" if size in ratios else "1"
                rows.append((f"{kind}: one {name} among {size}", f"{run['median_us'] / 1000:.2f} ms", ratio))
        bulk, lists = told["bulk"], told["publication"]
        memory = f"{bulk['warm_mib']:.0f} MiB after 1,000, {bulk['peak_mib']:.0f} MiB at most"
        rows.append((f"{kind}: {bulk['done']:,} cards in bulk; {memory}", f"{bulk['cards_a_second']:.0f} a second", ""))
        rows.append((f"{kind}: ten full lists published ({lists['entries']:,} codes)", f"{lists['seconds']:.2f} s", ""))
    return _table(("what", "measured", "against 1,000 cards"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
