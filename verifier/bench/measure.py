"""Measuring in turns: contenders timed A B C, A B C, ..., and what the machine is.

Promises:

1. Every round times each contender once, in the same order, so that a slower minute of the machine falls on all of
   them; a ratio is taken within a round, and the median of the rounds' ratios is reported, not the ratio of two medians
   from different minutes.
2. One round of all is thrown away before the first that counts.
3. A contender that fails, or gives no time, drops out with its reason; the others go on.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from icard_crypto import native
from verifier.decision.batch import _cores as cores

__all__ = ["Contender", "Run", "Series", "cores", "interleave", "machine", "timed"]

#: Times itself and gives microseconds for one operation.
Contender = Callable[[], float]

#: What the figures depend on, where it is installed.
_LIBRARIES: Final = ("icard", "icard-native", "cryptography", "pynacl", "cbor2", "zxing-cpp", "pillow", "pyzbar")


@dataclass(frozen=True, slots=True)
class Series:
    """The rounds of one contender, in microseconds for one operation."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Microseconds."""
        return statistics.median(self.rounds)

    @property
    def best(self) -> float:
        """The fastest round, microseconds."""
        return min(self.rounds)

    @property
    def spread(self) -> float:
        """The middle half of the rounds (third less first quartile) as a part of the median."""
        first, _, third = statistics.quantiles(self.rounds, n=4)
        return (third - first) / self.median


@dataclass(frozen=True, slots=True)
class Run:
    """What an interleaved run gave: series by name, and why the others have none."""

    series: dict[str, Series] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def ratio(self, of: str, to: str) -> float | None:
        """The median over the rounds of ``of / to``, or None where one of them has no series."""
        if of not in self.series or to not in self.series:
            return None
        pairs = zip(self.series[of].rounds, self.series[to].rounds, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def best_ratio(self, of: str, to: str) -> float | None:
        """The ratio of the fastest rounds: what is left when other work disturbs the run. None as for ``ratio``."""
        if of not in self.series or to not in self.series:
            return None
        return self.series[of].best / self.series[to].best


def interleave(contenders: Mapping[str, Contender], rounds: int, turn: Callable[[], object] = lambda: None) -> Run:
    """Time all contenders for ``rounds`` rounds (at least 2).

    Args:
        turn: called after each turn of a contender, for a progress display.
    """
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    run = Run()
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            if name in run.failed:
                continue
            try:
                microseconds = contender()
            except Exception as error:  # a failure is a row of the table
                run.failed[name] = f"{type(error).__name__}: {error}"
                continue
            finally:
                turn()
            if not microseconds > 0:
                # A ratio to it, and its spread, would be a division by zero that costs every other figure.
                run.failed[name] = f"ValueError: {microseconds:g} us is no time"
                continue
            if number > 0:
                figures[name].append(microseconds)
    run.series.update({name: Series(tuple(times)) for name, times in figures.items() if name not in run.failed})
    return run


def timed(work: Callable[[], object], operations: int, clock: Callable[[], int] = time.perf_counter_ns) -> Contender:
    """A contender that runs ``work``, which does this many operations.

    Args:
        clock: nanoseconds; ``time.process_time_ns`` for work of one thread, which other processes then hardly disturb.
    """

    def contender() -> float:
        start = clock()
        work()
        return (clock() - start) / 1000 / operations

    return contender


def machine() -> dict[str, object]:
    """What figures belong to, and how busy it was: a load of 0 is a machine that did nothing else."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name)) is not None},
        "native": native.state().words,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
