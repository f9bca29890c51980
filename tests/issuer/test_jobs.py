"""Jobs side by side: schedules, failures, what is logged, what can be read of them. No database."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from icard_crypto.errors import StateError, Unavailable
from issuer.jobs import LONGEST_PAUSE, Again, Job, JobState, Runner


def nothing(_event: str, _facts: dict[str, Any]) -> None:
    """No log."""


def count_to(number: int, reached: threading.Event) -> Any:
    """A job's work that sets ``reached`` at its so many-th run."""
    left = iter(range(number - 1))

    def run(_stop: threading.Event) -> None:
        if next(left, None) is None:
            reached.set()

    return run


@pytest.mark.parametrize("fault", [Unavailable("database.busy"), ZeroDivisionError("never logged")])
def test_a_job_that_fails_holds_up_no_other(fault: Exception) -> None:
    """One fails at every try, the other gets its runs; the failing one is still tried afterwards."""
    reached, tries = threading.Event(), []

    def fail(_stop: threading.Event) -> None:
        tries.append(1)
        raise fault

    jobs = [Job("bad", fail, 0.001, 60), Job("good", count_to(20, reached), 0.001, 60)]
    runner = Runner(jobs, nothing)
    with runner.running(threading.Event()):
        assert reached.wait(30)
    bad, good = runner.states()
    assert (good.fault, bad.fault) == (None, fault.code if isinstance(fault, StateError) else "worker.fault")
    assert good.succeeded_at is not None
    assert bad.failing_since is not None
    assert len(tries) >= 2


def test_a_job_that_hangs_holds_up_no_other_and_is_overdue() -> None:
    """A run that does not end is shown as overdue; the other job goes on; stopping waits for it."""
    reached, hung = threading.Event(), threading.Event()
    now = [1000.0]

    def hang(stop: threading.Event) -> None:
        hung.set()
        stop.wait()

    jobs = [Job("stuck", hang, 0.001, 60), Job("good", count_to(5, reached), 0.001, 60)]
    runner = Runner(jobs, nothing, wall=lambda: now[0])
    stop = threading.Event()
    with runner.running(stop):
        assert hung.wait(30)
        assert reached.wait(30)
        stuck, _ = runner.states()
        assert stuck.trouble(1059.0) is None
        assert stuck.trouble(1061.0) == "worker.overdue"
    assert stop.is_set()


def test_a_fault_is_logged_when_it_begins_and_its_end_once() -> None:
    """Three failures in a row are one line, another fault is another, the recovery is one; no message of a stranger."""
    faults = iter(
        [
            Unavailable("database.busy"),
            Unavailable("database.busy"),
            Unavailable("database.full"),
            KeyError("secret"),
            None,
        ]
    )
    told: list[tuple[str, Any, Any]] = []
    recovered = threading.Event()

    def run(_stop: threading.Event) -> None:
        fault = next(faults, None)
        if fault is not None:
            raise fault

    def log(event: str, facts: dict[str, Any]) -> None:
        told.append((event, facts.get("code"), facts.get("found")))
        if event == "recovered":
            recovered.set()

    with Runner([Job("one", run, 0.001, 60)], log).running(threading.Event()):
        assert recovered.wait(30)
    assert told == [
        ("held_back", "database.busy", None),
        ("held_back", "database.full", None),
        ("held_back", "worker.fault", "KeyError"),
        ("recovered", None, None),
    ]


def test_a_job_that_is_not_ready_neither_fails_nor_succeeds() -> None:
    """It asks to run again soon, and its state stays as it was."""
    reached = threading.Event()
    left = iter(range(3))

    def run(_stop: threading.Event) -> None:
        if next(left, None) is not None:
            raise Again(0.001)
        reached.set()

    runner = Runner([Job("late", run, 3600, 60)], nothing)
    with runner.running(threading.Event()):
        assert reached.wait(30)
    (state,) = runner.states()
    assert (state.fault, state.failing_since) == (None, None)


def test_pauses_between_failures_double_up_to_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the job's own pause, and back to it after a success. A rare job is tried again within half a minute."""
    for every, wanted in ((1.0, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 1.0]), (3600.0, [30.0] * 7 + [3600.0])):
        stop = threading.Event()
        outcomes = iter([Unavailable("database.busy")] * 7 + [None])

        def run(_stop: threading.Event, outcomes: Any = outcomes) -> None:
            fault = next(outcomes)
            if fault is not None:
                raise fault

        pauses: list[float] = []

        def wait(seconds: float, stop: threading.Event = stop, pauses: list[float] = pauses) -> bool:
            pauses.append(seconds)
            if len(pauses) == 8:
                stop.set()
            return stop.is_set()

        monkeypatch.setattr(stop, "wait", wait)
        runner = Runner([Job("one", run, every, 60)], nothing)
        runner._repeat(runner._jobs[0], stop)
        assert pauses == wanted
        assert max(wanted[:7]) <= LONGEST_PAUSE


def test_trouble_is_the_fault_or_a_run_that_takes_too_long() -> None:
    """In this order: overdue, then the fault, then nothing."""
    assert JobState("one", 60.0).trouble(1000) is None
    assert JobState("one", 60.0, fault="database.busy").trouble(1000) == "database.busy"
    assert JobState("one", 60.0, running_since=900.0, fault="database.busy").trouble(1000) == "worker.overdue"
