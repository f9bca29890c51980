"""Real kills of real processes: workers while they work, and the whole command at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.column_files import NOW_TEXT, parts_written, read_output, state, varied, wanted, write_codes
from verifier.data.errors import DataError
from verifier.data.workers import MOST_TRIES, Workers

ROWS = varied(6000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a state and a file of codes."""
    state(tmp_path / "state")
    return tmp_path


def _start(folder: Path, source: Path, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.kit.column_files", "verify", "--input", str(source), "--json"]
    command += ["--output", str(output), "--keep", "scan", "--state", str(folder / "state"), "--workers", "2"]
    return subprocess.Popen([*command, "--now", NOW_TEXT], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        texts = [Path(f"/proc/{pid}/task/{thread}/children").read_text() for thread in threads]
    except FileNotFoundError:
        return []
    return [int(child) for text in texts for child in text.split()]


def _until(done: Iterator[bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    for ready in done:
        if ready:
            return
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_workers_that_are_killed_cost_no_row(folder: Path, suffix: str) -> None:
    """Two workers are killed in the middle of a job; it ends well, with the rows of one that was left alone."""
    source, output = write_codes(folder / f"codes{suffix}", ROWS), folder / f"out{suffix}"
    process = _start(folder, source, output)
    killed: set[int] = set()
    for parts in (1, 6):
        _until(iter(lambda parts=parts: parts_written(output) >= parts, None))  # type: ignore[misc]
        victim = next(child for child in _children(process.pid) if child not in killed)
        os.kill(victim, signal.SIGKILL)
        killed.add(victim)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["rows"] == len(ROWS)
    assert json.loads(out)["done_before"] == 0
    assert read_output(output) == wanted(ROWS)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_command_that_is_killed_and_repeated_loses_and_doubles_no_row(folder: Path, suffix: str) -> None:
    """kill -9 before the first part and after some of them; no worker is left, and the file is the same."""
    source, output = write_codes(folder / f"codes{suffix}", ROWS), folder / f"out{suffix}"
    chance = random.Random(suffix)
    left: set[int] = set()
    for parts in (0, 1, 3, 5):
        process = _start(folder, source, output)
        _until(iter(lambda parts=parts: parts_written(output) >= parts, None))  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.02))
        left.update(_children(process.pid))
        process.kill()
        process.communicate()
    assert not output.exists()
    process = _start(folder, source, output)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["rows"] == len(ROWS)
    assert 0 < json.loads(out)["done_before"] < len(ROWS)
    assert not output.with_name(output.name + ".work").exists()
    assert read_output(output) == wanted(ROWS)
    _until(iter(lambda: not any(Path(f"/proc/{child}/stat").exists() for child in left), None))


def _die_once(task: Path) -> str:
    """Die by a kill the first time that the task is tried."""
    try:
        task.touch(exist_ok=False)
    except FileExistsError:
        return task.name
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _die(task: Path) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def test_a_task_whose_worker_dies_is_done_again_in_its_place(tmp_path: Path) -> None:
    marks = [tmp_path / str(number) for number in range(12)]
    for number, mark in enumerate(marks):
        if number % 5:
            mark.touch()
    with Workers(_die_once, 2) as workers:
        assert list(workers.map(marks)) == [mark.name for mark in marks]


def test_a_task_that_kills_each_worker_ends_as_one_error(tmp_path: Path) -> None:
    with Workers(_die, 2) as workers, pytest.raises(DataError) as caught:
        list(workers.map([tmp_path / "x"] * 3))
    assert caught.value.code == "data.worker"
    assert MOST_TRIES > 1


def _die_in_a_result(mark: Path) -> bytes:
    """The first time, die when half of the result is in the pipe: the parent is stopped, so that nobody empties it."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return bytes(1_000_000)

    def die() -> None:
        time.sleep(0.3)
        os.kill(os.getppid(), signal.SIGCONT)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=die).start()
    os.kill(os.getppid(), signal.SIGSTOP)
    return bytes(1_000_000)


def results_of_workers_that_die_in_a_result(folder: str) -> None:
    """What the test below runs in a process of its own, which it may stop."""
    with Workers(_die_in_a_result, 2) as workers:
        sizes = [len(result) for result in workers.map(Path(folder) / str(number // 3) for number in range(6))]
    print(sizes == [1_000_000] * 6)


def test_a_worker_that_dies_in_the_middle_of_a_result_costs_no_result(tmp_path: Path) -> None:
    act = f"from {__name__} import *; results_of_workers_that_die_in_a_result({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", act], capture_output=True, timeout=60, check=False)
    assert done.stdout == b"True\n", done.stderr


def _fail(task: int) -> int:
    if task == 3:
        raise OSError("no room")
    return task


def test_what_the_work_raises_is_raised_in_the_parent_with_its_place() -> None:
    with Workers(_fail, 2) as workers, pytest.raises(OSError, match="no room") as caught:
        list(workers.map(range(6)))
    assert "_fail" in "".join(caught.value.__notes__)


def test_workers_end_with_results_unread_and_tasks_left(tmp_path: Path) -> None:
    """The end of the block does not wait for tasks that hang."""
    others = _children(os.getpid())
    with Workers(_hang_but_first, 2) as workers:
        assert next(workers.map([0, 1, 2, 3, 4, 5, 6, 7])) == 0
        own = set(_children(os.getpid())) - set(others)
        assert len(own) == 2
    assert own.isdisjoint(_children(os.getpid()))


def _hang_but_first(task: int) -> int:
    if task:
        time.sleep(3600)
    return task


def test_tasks_are_taken_only_as_far_as_workers_need(tmp_path: Path) -> None:
    """Memory does not grow with the input: tasks are read a few ahead of the results."""
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with Workers(str, 2) as workers:
        results = workers.map(tasks())
        assert [next(results) for _ in range(10)] == [str(number) for number in range(10)]
        assert len(taken) < 20
