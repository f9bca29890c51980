"""The drawings beside docs/benchmarks.md, from the kept run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.bars import Bar, bars
from tools.curves import Curve, curves
from tools.grid import grid
from tools.kept_run import failed, kept, series_of

__all__ = ["DRAWINGS"]

_DOCS = Path(__file__).parent.parent / "docs"
_NONE = [Bar("not measured", 0, False)]


def _against(form: str, title: str) -> str:
    rows = [Bar(name, each["median_us"], name.startswith("icard")) for name, each in _series(form).items()]
    limit = series_of("verdict libsodium", "raw check")
    return bars(
        title,
        "µs",
        sorted(rows, key=lambda row: row.figure) or _NONE,
        None if limit is None else ("raw check, libsodium", limit["median_us"]),
    )


def _verdicts() -> str:
    rows = [
        Bar(f"{name}, {backend}", each["median_us"], name == "verdict")
        for backend in ("libsodium", "openssl")
        for name, each in _series(f"verdict {backend}").items()
    ]
    return bars("Text to verdict, and the bare signature check in it (median)", "µs", rows or _NONE)


def _pictures() -> str:
    rows = [
        Bar(f"{what}, {name}", each["median_us"] / 1000, name == "icard")
        for run, what in (("reading", "read"), ("drawing", "draw"))
        for name, each in _series(run).items()
    ]
    return bars("A clean picture read, and one drawn (median; icard reads back what it draws)", "ms", rows or _NONE)


def _poor() -> str:
    told = kept()["robustness"]
    if failed(told) is not None:
        return _nothing("Poor pictures read")
    readers = {name: each["read"] for name, each in told["readers"].items() if each["read"]}
    kinds = list(dict.fromkeys(kind for kind, _ in told["levels"]))
    places = {kind: [at for at, level in enumerate(told["levels"]) if level[0] == kind] for kind in kinds}
    rows = [(kind, [sum(read[at] for at in places[kind]) for read in readers.values()]) for kind in kinds]
    full = told["each"] * max(len(each) for each in places.values())
    return grid(f"Poor pictures read, of {full} of each kind", list(readers), rows, full)


def _rates() -> str:
    title = "Whole verdicts a second from text, on one core and on all (median)"
    if failed(kept()["whole_machine"]) is not None:
        return _nothing(title)
    rows = [
        Bar(f"{row['algorithm']} {row['backend']}, {row['cores']}", row["codes_a_second"], row["cores"] > 1)
        for row in kept()["whole_machine"]
        if row["shown"] == "text" and row["checked"] == "full" and "codes_a_second" in row
    ]
    return bars(title, "/s", rows)


def _nothing(title: str) -> str:
    return bars(title, "", _NONE)


def _growth() -> str:
    title, drawn = "Verifying and loading a list", []
    for run in ("status list", "trust list"):
        found, sizes = _series(run), kept()["runs"][run].get("sizes", {})
        points = [(size, found[name]["median_us"] / 1000) for name, size in sizes.items() if name in found]
        if points:
            drawn.append(Curve(run, points, run == "status list"))
    return curves(title, "entries, or keys", "milliseconds (median)", drawn) if drawn else _nothing(title)


def _series(run: str) -> dict[str, Any]:
    found: dict[str, Any] = kept()["runs"][run]["series"]
    return found


DRAWINGS: dict[Path, Callable[[], str]] = {
    _DOCS / "benchmarks-claim169.svg": lambda: _against("claim169", "Claim 169 text to verified claims (median)"),
    _DOCS / "benchmarks-ic1.svg": lambda: _against("ic1", "IC1 text to verified claims (median)"),
    _DOCS / "benchmarks-verdict.svg": _verdicts,
    _DOCS / "benchmarks-rates.svg": _rates,
    _DOCS / "benchmarks-pictures.svg": _pictures,
    _DOCS / "benchmarks-poor.svg": _poor,
    _DOCS / "benchmarks-growth.svg": _growth,
}
