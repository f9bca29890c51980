"""Background jobs, each in its own thread and on its own schedule.

Promises:

1. Each job runs in a thread of its own: one that fails, hangs or waits delays no other.
2. A job that fails is tried again after twice its last pause, at most :data:`LONGEST_PAUSE`; an unexpected exception
   counts as a failure (``worker.fault``) and ends nothing.
3. A fault is logged once when it starts, when it changes and when the job has recovered; never on every try.
4. What each job does now, when it last succeeded and how long it has been failing can be read at any time.
5. Asked to stop, jobs finish what they have in hand.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from icard_crypto.errors import IcardError, StateError

__all__ = ["LONGEST_PAUSE", "Again", "Job", "JobState", "Log", "Runner"]

LONGEST_PAUSE: Final = 30.0

Log = Callable[[str, dict[str, Any]], None]
"""Takes an event's name and its facts: codes and counts, nothing of any person."""


class Again(Exception):
    """A job that is not done: it runs again after so many seconds. Neither a failure nor a success."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done again and again.

    Args:
        run: does it once; it is given the event that stops it.
        every: seconds from one run's end to the next run, while it succeeds.
        budget: seconds that a run may take before it is reported as overdue.
    """

    name: str
    run: Callable[[threading.Event], None]
    every: float
    budget: float


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job is. Times are Unix times; ``fault``: the code of the last try's fault, None while all is well."""

    name: str
    budget: float
    running_since: float | None = None
    succeeded_at: float | None = None
    failing_since: float | None = None
    fault: str | None = None

    def trouble(self, now: float) -> str | None:
        """The code of what is wrong, ``worker.overdue`` for a run that takes too long; None: nothing."""
        if self.running_since is not None and now - self.running_since > self.budget:
            return "worker.overdue"
        return self.fault


class Runner:
    """Runs jobs until it is asked to stop.

    Args:
        wall: the clock of states, Unix time.
    """

    def __init__(self, jobs: Sequence[Job], log: Log, *, wall: Callable[[], float] = time.time) -> None:
        self._jobs = tuple(jobs)
        self._log = log
        self._wall = wall
        self._states = {job.name: JobState(job.name, job.budget) for job in self._jobs}
        self._turned = threading.Event()

    def states(self) -> list[JobState]:
        """All jobs, in their order."""
        return list(self._states.values())

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a job begins to fail, recovers, or the jobs are stopped."""
        self._turned.wait(seconds)
        self._turned.clear()

    @contextlib.contextmanager
    def running(self, stop: threading.Event) -> Iterator[None]:
        """Run the jobs in the background until the block is left; then stop them and wait for what is in hand."""
        threads = [
            threading.Thread(target=self._repeat, args=(job, stop), name=job.name, daemon=True) for job in self._jobs
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _repeat(self, job: Job, stop: threading.Event) -> None:
        retry = 0.0
        while not stop.is_set():
            self._set(job, replace(self._states[job.name], running_since=self._wall()))
            fault: IcardError | None = None
            try:
                job.run(stop)
            except Again as again:
                self._set(job, replace(self._states[job.name], running_since=None))
                stop.wait(again.seconds)
                continue
            except IcardError as caught:
                fault = caught
            except Exception as caught:
                fault = StateError("worker.fault", path=job.name, found=type(caught).__qualname__)
            if fault is None:
                retry = 0.0
                self._succeeded(job)
            else:
                retry = min(LONGEST_PAUSE, max(job.every, 2 * retry))
                self._failed(job, fault)
            stop.wait(retry or job.every)
        self._turned.set()

    def _succeeded(self, job: Job) -> None:
        before = self._states[job.name]
        now = self._wall()
        self._set(job, replace(before, running_since=None, succeeded_at=now, failing_since=None, fault=None))
        if before.fault is not None:
            self._log("recovered", {"job": job.name})
            self._turned.set()

    def _failed(self, job: Job, fault: IcardError) -> None:
        before = self._states[job.name]
        since = before.failing_since or self._wall()
        self._set(job, replace(before, running_since=None, failing_since=since, fault=fault.code))
        if before.fault != fault.code:
            facts = {"job": job.name, "code": fault.code, "path": fault.path, "message": fault.message()}
            facts |= {"hint": fault.hint(), "expected": fault.expected}
            facts["found"] = fault.found if fault.code == "worker.fault" else None
            self._log("held_back", {name: value for name, value in facts.items() if value is not None})
            self._turned.set()

    def _set(self, job: Job, state: JobState) -> None:
        # Each job's state is replaced by its own thread alone.
        self._states[job.name] = state
