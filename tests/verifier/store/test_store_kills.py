"""Writers are killed, disks fill up, readers read while another process writes: the state is the old or the new one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from tests.kit.publisher import NOW, code
from tests.kit.state_kills import check_whole, kill_writers, new_store, step, step_of
from verifier import Policy, Verifier
from verifier.store import Store

Record = Callable[[str, object], None]


@pytest.mark.slow
def test_killed_writers_leave_the_old_state_or_the_new(tmp_path: Path) -> None:
    """Twenty writers die by SIGKILL at random moments: never half a state, and no mark falls."""
    new_store(tmp_path)
    assert kill_writers(tmp_path, 20)["steps"] > 20


@pytest.mark.soak
def test_two_hundred_killed_writers(tmp_path: Path, record_property: Record) -> None:
    """Two hundred writers die by SIGKILL at random moments: never half a state, and no mark falls."""
    new_store(tmp_path)
    for name, figure in kill_writers(tmp_path, 200, seed=2).items():
        record_property(name, f"{figure:,}")


@pytest.mark.parametrize("call", ["replace", "fsync", "open", "fdopen"])
@pytest.mark.parametrize("which", range(12))
def test_a_disk_that_is_full_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, which: int
) -> None:
    """Whatever call of the system fails for want of space, the state is whole, the reason told, the next try works."""
    store = new_store(tmp_path)
    calls = 0

    def failing(really: Callable[..., object]) -> Callable[..., object]:
        def fail(*arguments: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls == which + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return really(*arguments, **options)

        return fail

    with monkeypatch.context() as patched:
        target, name = (Path, "replace") if call == "replace" else (os, call)
        patched.setattr(target, name, failing(getattr(target, name)))
        error = None
        try:
            store.apply("cn", step(1), NOW + 1)
        except StateError as fault:
            error = fault
    # The last cases are beyond the calls that a change makes, or hit one that does not matter.
    # What is read before is opened by the same calls.
    codes = ("store.unwritable", "store.unreadable")
    assert error is None or (error.code in codes and "No space left on device" in str(error.found))
    check_whole(tmp_path, 0)
    store.apply("cn", step(1), NOW + 1)
    assert check_whole(tmp_path, 1) == 1


def test_a_real_cap_on_written_bytes(tmp_path: Path) -> None:
    """In a process that may write no file above a few bytes, the first change fails and all is as it was."""
    new_store(tmp_path)
    before = (tmp_path / "cn" / "manifest").read_bytes()
    told = subprocess.run(
        [sys.executable, "-m", "tests.kit.state_kills", str(tmp_path), "1", "100"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert told.startswith("store.unwritable")
    assert "File too large" in told
    assert (tmp_path / "cn" / "manifest").read_bytes() == before
    assert check_whole(tmp_path, 0) == 0


@pytest.mark.slow
def test_ten_thousand_verifications_while_another_process_writes(tmp_path: Path) -> None:
    """No verdict rests on two states: each loading is of one step, steps only rise, and many were met."""
    new_store(tmp_path)
    policy, shown = Policy.named("gate"), code()
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.kit.state_kills", str(tmp_path), "1", "0"], stdout=subprocess.DEVNULL
    )
    try:
        reader, last, met = Store(tmp_path), 0, set()
        for _ in range(10_000):
            (domain,) = reader.load()
            assert reader.faults == ()
            number = step_of(domain)
            assert number >= last, "a reader went back"
            verdict = Verifier(domain, policy).verify(shown, now=NOW + number)
            assert (verdict.outcome, verdict.reason) == (
                ("VALID", "valid") if number % 2 == 0 else ("INVALID", "revoked")
            )
            last = number
            met.add(number)
    finally:
        writer.kill()
        writer.wait(30)
    assert len(met) > 10
