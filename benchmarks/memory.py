"""``python -m benchmarks.memory KIND FILE HOW``: what one thing takes, in this process alone, as JSON.

Promises:

1. A process of its own for each figure: nothing that another benchmark left behind is counted.
2. ``KIND``: ``status``, loading the status token of the file; ``trust``, following the trust list of the file;
   ``verdicts``, a thousand whole verdicts on different codes, each let go before the next; ``tables``, those of as many
   keys as the native core's cap holds (of these two the file is not read).
3. ``HOW`` is ``python`` (tracemalloc: what Python allocates, exact, ``peak`` and what is ``kept`` afterwards) or
   ``process`` (the kernel's high-water mark of resident memory before and after, ``grown``). The file's own bytes, the
   codes and the imports are there before, and in neither.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from benchmarks.peers import ROOT

__all__ = ["KINDS", "Kind", "memory"]

Kind = Literal["status", "trust", "verdicts", "tables"]

_STATUS: Final = Path("/proc/self/status")
_VERDICTS: Final = 1000


def memory(kind: Kind, file: Path) -> dict[str, int]:
    """Bytes by figure: ``peak``, ``kept``, and ``grown`` where the system has a /proc."""
    figures: dict[str, int] = {}
    for how in ("python", "process") if _STATUS.exists() else ("python",):
        command = [sys.executable, "-m", "benchmarks.memory", kind, str(file), how]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        figures |= json.loads(told)
    return figures


def _status(file: Path) -> Callable[[], object]:
    from benchmarks.statuses import load, trust_list

    trusted, token = trust_list(), file.read_bytes()

    def entries() -> object:
        # A list is inflated when a card asks for an entry.
        held = load(trusted, token)
        held.get(0)
        return held

    return entries


def _trust(file: Path) -> Callable[[], object]:
    from icard_crypto.lists.trust_chain import verify_anchor, verify_chain
    from tests.kit.publisher import ANCHOR, NOW

    anchor, data = verify_anchor(ANCHOR), file.read_bytes()
    return lambda: verify_chain(anchor, [data], NOW)


def _verdicts(_: Path) -> Callable[[], object]:
    from benchmarks.verdicts import verifier_of
    from icard_crypto.signing.ed25519 import BACKENDS
    from tests.kit.trust_domain import NOW, code

    verifier = verifier_of(BACKENDS[0])
    codes = [code(cti=number.to_bytes(8, "big")) for number in range(_VERDICTS)]

    def verify() -> None:
        for text in codes:
            verifier.verify(text, now=NOW)

    # CPython 3.11 keeps up to 2,000 freed tuples of a length for later use: they are there before.
    for _round in range(3):
        verify()
    return verify


def _tables(_: Path) -> Callable[[], object]:
    from benchmarks.engines import tables

    return tables


KINDS: Final[dict[str, Callable[[Path], Callable[[], object]]]] = {
    "status": _status,
    "trust": _trust,
    "verdicts": _verdicts,
    "tables": _tables,
}


def _high_water() -> int:
    # Not getrusage: its mark starts at that of the process which started this one.
    lines = dict(line.split(":", 1) for line in _STATUS.read_text("ascii").splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    asked.add_argument("kind", choices=KINDS)
    asked.add_argument("file", type=Path)
    asked.add_argument("how", choices=["python", "process"])
    given = asked.parse_args()
    work = KINDS[given.kind](given.file)
    if given.how == "python":
        tracemalloc.start()
        held = work()
        kept, peak = tracemalloc.get_traced_memory()
        figures = {"kept": kept, "peak": peak}
    else:
        before = _high_water()
        held = work()
        figures = {"grown": _high_water() - before}
    del held
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
