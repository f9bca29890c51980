"""What is reported once a run, outside the interleaved turns: importing, and stages by pytest-benchmark."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.peers import ROOT

__all__ = ["import_milliseconds", "stage_microseconds"]


def import_milliseconds(modules: str, times: int = 9) -> float:
    """The median time of ``import <modules>`` in a new interpreter, less that of an empty program; files are cached."""

    def run(program: str) -> float:
        start = time.perf_counter_ns()
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
        return (time.perf_counter_ns() - start) / 1e6

    run(f"import {modules}")
    return statistics.median(run(f"import {modules}") - run("pass") for _ in range(times))


def stage_microseconds() -> dict[str, dict[str, float]]:
    """Stage to its ``median`` and ``best``, in microseconds, by ``test_stages.py``; in the file's order."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "stages.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "benchmarks/test_stages.py"]
        options = ["--benchmark-only", f"--benchmark-json={figures}", "--benchmark-max-time=0.3"]
        done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the stages failed:\n{done.stdout}")
        told = json.loads(figures.read_text("utf-8"))["benchmarks"]
    return {
        entry["name"].removeprefix("test_"): {
            "median": round(entry["stats"]["median"] * 1e6, 3),
            "best": round(entry["stats"]["min"] * 1e6, 3),
        }
        for entry in told
    }
