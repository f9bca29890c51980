"""The figures of docs/issuing.md, from what ``benchmarks.issuing``, ``.origin`` and ``.issuing_service`` wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.keeping import RESULTS

__all__ = ["about", "issuing_figures", "lines", "measured", "origin_figures", "service_figures"]

_PARTS = ("signing", "drawing", "database", "rest")


def issuing_figures() -> str:
    """One table of rates, one of sizes and publications, for the databases that were measured."""
    told = measured("issuing")
    return "\n".join((about(told), _rates(told["databases"]), _sizes(told["databases"])))


def origin_figures() -> str:
    """How long changes took to the origin, for the databases that were measured."""
    told = measured("origin")
    rows = [
        (kind, f"{run['changes']}", f"{run['median']:.2f} s", f"{run['longest']:.2f} s")
        for kind, run in told["databases"].items()
    ]
    return "\n".join((about(told), lines(("", "changes", "median", "longest"), rows)))


def service_figures() -> str:
    """Requests a second and latencies over HTTP, for the databases that were measured."""
    told = measured("issuing_service")
    rows = [
        (
            f"{kind}, {_some(run['servers'], 'server')}, {_some(run['clients'], 'client')}: {name}",
            f"{figures['a_second']:.0f}",
            f"{figures['p50_ms']:.1f} ms",
            f"{figures['p99_ms']:.1f} ms",
        )
        for kind, run in told["databases"].items()
        for name, figures in run["operations"].items()
    ]
    return "\n".join((about(told), lines(("over HTTP", "a second", "p50", "p99"), rows)))


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def measured(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return told


def about(told: dict[str, Any]) -> str:
    return f"Measured on {told['measured_at'][:10]}, {told['system']} on {told['machine']}, Python {told['python']}.\n"


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
    return lines(("cards of three codes", "cards a second", "without drawing", *_PARTS), rows)


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
    return lines(("what", "measured", "against 1,000 cards"), rows)


def lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
