"""What is reported once a run beside the interleaved turns: stages, imports, memory, correctness, poor pictures, the
whole machine, and issuing. Each part gives what the run's JSON keeps, and prints its table.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import robustness, trusts
from benchmarks.engines import A_TABLE, MOST_TABLES
from benchmarks.keeping import RESULTS, short, table
from benchmarks.memory import memory
from benchmarks.once import import_milliseconds, stage_microseconds
from benchmarks.parts import token_file
from benchmarks.refusals import Score, refusals
from benchmarks.report import Counts
from benchmarks.statuses import SIZES
from icard_crypto import native
from verifier.bench.cases import cases, figures, measure
from verifier.bench.measure import Run

__all__ = ["BEST_PEER", "counts", "extras"]

BEST_PEER: Final = "best peer"

# What icard is made of: its own share of an import is the rest.
_PARTS: Final = "cbor2, cryptography.hazmat.primitives.asymmetric.ec, nacl.bindings"
_IMPORTS: Final = ("icard_crypto, verifier", "icard_crypto", _PARTS)
_BENCH_SECONDS: Final = 30
_CARDS: Final = 100

Told = dict[str, Any]


def extras(runs: dict[str, Run]) -> Told:
    """Everything, in the order in which it is reported; ``runs`` are for the speed beside the refusals. What fails is
    ``{"failed": reason}``, and the others go on."""
    every: dict[str, Callable[[], Any]] = {
        "stages_us": _stages,
        "imports_ms": _imports,
        "memory": _memory,
        "refusals": lambda: _refusals(runs),
        "robustness": _robustness,
        "whole_machine": _whole_machine,
        "issuing": _issuing,
        "sizing": _sizing,
    }
    return {name: _attempted(name, measure_it) for name, measure_it in every.items()}


def _attempted(name: str, measure_it: Callable[[], Any]) -> Any:
    try:
        return measure_it()
    except Exception as error:  # five minutes of other figures are beside this one
        _say(f"{name} failed", f"{type(error).__name__}: {error}")
        return {"failed": f"{type(error).__name__}: {error}"}


def counts(told: Told) -> dict[str, Counts]:
    """What targets compare that is no time."""
    results = told["robustness"].get("readers", {})
    read = {name: float(sum(each["read"])) for name, each in results.items() if not each["missing"]}
    others = [total for name, total in read.items() if name != "icard"]
    return {"robustness": read | ({BEST_PEER: max(others)} if others else {})}


def _say(title: str, text: str) -> None:
    print(f"\n{title}\n\n{text}", flush=True)


def _stages() -> Told:
    stages = stage_microseconds()
    rows = [[name, f"{each['median']:.2f}", f"{each['best']:.2f}"] for name, each in stages.items()]
    _say("Stages of icard, microseconds", table(["stage", "median us", "best us"], rows))
    return dict(stages)


def _imports() -> Told:
    imports = {name: round(import_milliseconds(name), 1) for name in _IMPORTS}
    rows = [[name, f"{median:.0f}"] for name, median in imports.items()]
    _say("Imports in a new interpreter (icard's target: under 150 ms)", table(["import", "median ms"], rows))
    return dict(imports)


def _memory() -> Told:
    told: Told = {"status": {}, "trust": {}, "verdicts": {}}
    for name, size in SIZES.items():
        told["status"][name] = memory("status", token_file(size)) | {"packed": size // 2}
    for name, size in trusts.SIZES.items():
        path = RESULTS / f"trust-{size}.cbor"
        path.write_bytes(trusts.write_list(size))
        told["trust"][name] = memory("trust", path) | {"packed": path.stat().st_size}
    told["verdicts"]["1,000 verdicts"] = memory("verdicts", RESULTS)
    if native.state().keyring is not None:
        told["tables"] = {f"{MOST_TABLES} keys": memory("tables", RESULTS) | {"packed": MOST_TABLES * A_TABLE}}
    headings = ("packed", "kept", "peak", "grown")
    rows = [
        [name, *(f"{each[heading]:,}" if heading in each else "" for heading in headings)]
        for kind in told.values()
        for name, each in kind.items()
    ]
    _say("Memory, bytes", table(["", *headings], rows))
    return told


def _refusals(runs: dict[str, Run]) -> Told:
    scores = refusals()
    rows = [_score_row(name, score, runs) for name, score in scores.items()]
    _say(
        "Codes that every reader must refuse, and how long a good one takes",
        table(["", "shown as", "shown", "accepted", "died", "us a good code"], rows),
    )
    for name, score in scores.items():
        for missing in score.missing:
            print(f"{name}: not measured: {missing}")
    return {name: dataclasses.asdict(score) for name, score in scores.items()}


def _score_row(name: str, score: Score, runs: dict[str, Run]) -> list[str]:
    form = score.form if score.form != "text" else "ic1"
    series = runs[form].series.get("icard libsodium" if name == "icard" else name) if form in runs else None
    took = "" if series is None else short(series.median)
    return [name, score.form, str(score.shown), str(len(score.accepted)), str(score.died), took]


def _robustness() -> Told:
    results, levels = robustness.robustness(), robustness.levels()
    names = list(results)
    rows = [
        [f"{level.kind}, {level.strength}", *(_read(results[name], place) for name in names)]
        for place, level in enumerate(levels)
    ]
    rows.append(["all", *(str(sum(results[name].read)) if results[name].read else "-" for name in names)])
    _say(f"Poor pictures read, of {robustness.EACH} each", table(["", *names], rows))
    for name, result in results.items():
        if result.missing:
            print(f"{name}: not measured: {result.missing}")
    return {
        "each": robustness.EACH,
        "levels": [[level.kind, level.strength] for level in levels],
        "readers": {name: dataclasses.asdict(result) for name, result in results.items()},
    }


def _read(result: robustness.Reader, place: int) -> str:
    return str(result.read[place]) if result.read else "-"


def _whole_machine() -> list[Told]:
    """What ``icard bench`` tells."""
    wanted = cases()
    rows = figures(wanted, measure(wanted, _BENCH_SECONDS))
    keys = ("algorithm", "backend", "shown", "checked", "cores")
    shown = [
        [
            " ".join(str(row[key]) for key in keys),
            short(row["codes_a_second"]) if "missing" not in row else row["missing"],
        ]
        for row in rows
    ]
    _say("Codes a second (icard bench)", table(["", "codes/s"], shown))
    return rows


def _issuing() -> Told:
    """Cards a second by the issuing core on SQLite; on both databases and by size: ``python -m benchmarks.issuing``."""
    from benchmarks.issuing import rate

    told: Told = {}
    for together in (1, 50):
        with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder:
            path = Path(folder)
            told[f"{together} at a time"] = rate(path, f"sqlite:///{path / 'cards.db'}", _CARDS, together)
    rows = [[name, f"{each['cards_a_second']:.0f}", f"{each['without_drawing']:.0f}"] for name, each in told.items()]
    _say("Cards issued on SQLite, three codes each", table(["", "cards/s", "not drawn"], rows))
    return told


def _sizing() -> Told:
    """Memory and pictures of the verification service."""
    # Here, because the service is an extra.
    from benchmarks.sizing import sizing, tables

    told = sizing()
    for title, text in tables(told).items():
        _say(title, text)
    return told
