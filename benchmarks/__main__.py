"""``make bench``: every figure, as tables and as JSON.

Ratios within one run are what counts; microseconds belong to the machine of the day. The exit code is 0 whether or not
a target is met: a benchmark reports, it does not judge a change.
"""

from __future__ import annotations

import argparse
import datetime
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.interleave import Run
from benchmarks.once import import_milliseconds, stage_microseconds
from benchmarks.peers import names, pinned
from benchmarks.report import as_json, load_targets, series_table, table, target_table
from benchmarks.verdicts import many_cores, verdict_against_raw
from benchmarks.versus import FORMS, versus
from icard_crypto.ed25519 import BACKENDS

# What icard is made of: its own share of an import is the rest.
_PARTS = "cbor2, cryptography.hazmat.primitives.asymmetric.ec, nacl.bindings"
_RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class _Part:
    """One interleaved run: its title, whose figures the others are compared with, and how it is measured."""

    title: str
    reference: str
    measure: Callable[[int], Run]


_TITLES = {
    "claim169": "One Claim 169 text to verified claims, Ed25519",
    "ic1": "One IC1 text to verified claims, Ed25519",
    "cose": "The same from COSE bytes, without base45 (peers use the base45 package, which is plain Python)",
}


def _parts() -> dict[str, _Part]:
    parts = {form: _Part(_TITLES[form], "icard libsodium", partial(versus, form)) for form in FORMS}
    for backend in BACKENDS:
        parts[f"verdict {backend}"] = _Part(
            f"Whole verdict from IC1 text (trust list, timestamp, status, policy gate), {backend}",
            "raw check",
            partial(verdict_against_raw, backend),
        )
    parts["many"] = _Part(f"verify_many, {BACKENDS[0]}, a code", "one core", partial(many_cores, BACKENDS[0]))
    return parts


def main() -> None:
    """Measure, print, write ``results/latest.json``."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    asked.add_argument("--rounds", type=int, default=80, help="interleaved rounds of each run (default: 80)")
    rounds = asked.parse_args().rounds
    runs: dict[str, Run] = {}
    for name, part in _parts().items():
        runs[name] = part.measure(rounds)
        print(f"\n{part.title}\n\n{series_table(runs[name], part.reference)}", flush=True)
    stages = stage_microseconds()
    print("\nStages of icard, microseconds\n")
    print(table(["stage", "median us"], [[name, f"{median:.2f}"] for name, median in stages.items()]), flush=True)
    imports = {name: import_milliseconds(name) for name in ("icard_crypto, verifier", "icard_crypto", _PARTS)}
    print("\nImports in a new interpreter, milliseconds (icard's target: under 150)\n")
    print(table(["import", "median ms"], [[name, f"{median:.0f}"] for name, median in imports.items()]), flush=True)
    print(f"\n{target_table(load_targets(), runs)}")
    _keep(runs, {"stages_us": stages, "imports_ms": imports, "peers": {name: pinned(name) for name in names()}})


def _keep(runs: Mapping[str, Run], measured: Mapping[str, object]) -> None:
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    about = {"measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), **machine}
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / "latest.json"
    path.write_text(as_json(load_targets(), runs, {**about, **measured}), "utf-8")
    print(f"\nAll figures: {path.relative_to(_RESULTS.parent.parent)}")


if __name__ == "__main__":
    main()
