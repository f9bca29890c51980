"""``python -m benchmarks.memory FILE HOW``: what loading one status token takes, in this process alone, as JSON.

Promises:

1. A process of its own for each figure: nothing that another benchmark left behind is counted.
2. ``HOW`` is ``python`` (tracemalloc: what Python allocates, exact, ``peak`` and what is ``kept`` afterwards) or
   ``process`` (the kernel's high-water mark of resident memory before and after, ``grown``). The token's own bytes and
   the imports are there before, and in neither.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

from benchmarks.peers import ROOT
from benchmarks.statuses import load, trust_list

__all__ = ["memory"]

_STATUS = Path("/proc/self/status")


def memory(token: Path) -> dict[str, int]:
    """Bytes by figure: ``peak``, ``kept``, and ``grown`` where the system has a /proc."""
    figures: dict[str, int] = {}
    for how in ("python", "process") if _STATUS.exists() else ("python",):
        command = [sys.executable, "-m", "benchmarks.memory", str(token), how]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        figures |= json.loads(told)
    return figures


def _high_water() -> int:
    # Not getrusage: its mark starts at that of the process which started this one.
    lines = dict(line.split(":", 1) for line in _STATUS.read_text("ascii").splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    asked.add_argument("file", type=Path)
    asked.add_argument("how", choices=["python", "process"])
    given = asked.parse_args()
    trusted, token = trust_list(), given.file.read_bytes()
    if given.how == "python":
        tracemalloc.start()
        held = load(trusted, token)
        kept, peak = tracemalloc.get_traced_memory()
        figures = {"entries": held.size, "kept": kept, "peak": peak}
    else:
        before = _high_water()
        held = load(trusted, token)
        figures = {"entries": held.size, "grown": _high_water() - before}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
