"""Contenders that are child processes, loaded with the same work and timed in turns.

Promises:

1. Each times only its own loop, in its own environment; no pipe is in a figure.
2. One that is missing, fails, dies, or does what ``load`` refuses, is named with its reason; the others go on.
3. No child is left behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from benchmarks.child import Child, ChildFailed
from benchmarks.peers import PeerMissing
from verifier.bench.measure import Contender, Run, interleave

__all__ = ["race"]


def race(starts: Mapping[str, Callable[[], Child]], load: Callable[[Child], None], rounds: int) -> Run:
    """Start, load and time all.

    Args:
        starts: what starts each contender.
        load: gives a child its work, and raises ChildFailed where it does not do it as it must.
    """
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as children:
        contenders: dict[str, Contender] = {}
        for name, start in starts.items():
            try:
                child = children.enter_context(start())
                load(child)
            except (PeerMissing, ChildFailed) as error:
                missing[name] = str(error)
            else:
                contenders[name] = _timed(child)
        run = interleave(contenders, rounds)
    return Run(run.series, missing | run.failed)


def _timed(child: Child) -> Contender:
    # One pass over the work is some 10 ms: short turns, so that a disturbance falls on few of them.
    def contender() -> float:
        answer = child.ask(do="time", passes=1)
        return float(answer["ns"]) / 1000 / float(answer["codes"])

    return contender
