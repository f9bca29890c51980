"""Process many batches in child processes, in order, and survive the death of any of them.

Promises:

1. Results come in the order of the tasks, and each task once; only a few are in memory at a time.
2. A worker that dies, even in the middle of a result, costs its time only: a new one does the task again. A task under
   which workers die :data:`MOST_TRIES` times is a :class:`DataError`.
3. No worker outlives the process that started it, not even one that is killed.

Workers are forked, so that they inherit keys and status lists as they are; on systems other than Linux the work is done
in this process.

``concurrent.futures.ProcessPoolExecutor`` does not keep promise 2: all its workers write to one pipe, whose write end
the parent holds open as well. A worker that dies with half a result written leaves the parent waiting for the rest and
the other workers for its lock. Here each worker has a pipe of its own, which ends with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, Final, Generic, TypeVar, cast

from .errors import DataError

__all__ = ["MOST_TRIES", "Workers", "cores"]

MOST_TRIES: Final = 3

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def cores() -> int:
    """How many processes may run at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers(Generic[_Task, _Result]):
    """Processes that do one kind of work. ``close`` or the end of a ``with`` block ends them.

    Args:
        work: what is done with a task; inherited, so it may hold anything. Tasks and results are pickled.
        count: how many; 1 works in this process.
        close_in_worker: descriptors that a worker must not hold, such as a lock.
    """

    def __init__(self, work: Callable[[_Task], _Result], count: int, *, close_in_worker: Iterable[int] = ()) -> None:
        self._work = work
        self._count = count if sys.platform == "linux" else 1
        self._close_in_worker = tuple(close_in_worker)
        self._lock = threading.Lock()
        self._closed = False
        self._processes: set[_Process] = set()
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        #: One thread for each process: it hands over a task and waits for the result.
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Workers[_Task, _Result]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; tasks without a result are dropped."""
        with self._lock:
            self._closed = True
            for process in self._processes:
                process.end()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def map(self, tasks: Iterable[_Task]) -> Iterator[_Result]:
        """The results of the tasks (promises 1, 2).

        Raises:
            DataError: ``data.worker``.
        """
        if self._count == 1:
            yield from map(self._work, tasks)
            return
        if self._threads is None:
            for _ in range(self._count):
                self._idle.put(self._start())
            self._threads = ThreadPoolExecutor(self._count)
        waiting: deque[Future[_Result]] = deque()
        for task in tasks:
            waiting.append(self._threads.submit(self._result, task))
            while len(waiting) > 2 * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _result(self, task: _Task) -> _Result:
        process = self._idle.get()
        try:
            for _ in range(MOST_TRIES):
                try:
                    done, result = process.answer(task)
                except (EOFError, OSError):
                    process = self._replace(process)
                    continue
                if not done:
                    raise result
                return cast(_Result, result)
            raise DataError("data.worker", found=f"{MOST_TRIES} workers ended")
        finally:
            self._idle.put(process)

    def _start(self) -> _Process:
        # One at a time: a worker that inherited another's end of a pipe would keep that pipe open.
        with self._lock:
            if self._closed:
                raise DataError("data.worker", found="workers that were closed")
            process = _Process(self._work, self._close_in_worker)
            self._processes.add(process)
            return process

    def _replace(self, dead: _Process) -> _Process:
        with self._lock:
            dead.end()
            self._processes.discard(dead)
        return self._start()


class _Process:
    """A worker and this process's end of its pipe."""

    def __init__(self, work: Callable[[Any], Any], close_in_worker: tuple[int, ...]) -> None:
        context = multiprocessing.get_context("fork")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(work, close_in_worker, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def answer(self, task: Any) -> tuple[bool, Any]:
        """Whether the work was done, and its result, or else what it raised.

        Raises:
            EOFError, OSError: the worker died.
        """
        self._connection.send(task)
        return cast("tuple[bool, Any]", self._connection.recv())

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def _run(work: Callable[[Any], Any], close: Iterable[int], connection: Connection) -> None:
    """A worker's life."""
    # Ctrl-C goes to every process of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in close:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        task = connection.recv()
        try:
            answer = (True, work(task))
        except Exception as error:
            error.add_note(f"In a worker:\n{traceback.format_exc()}")
            answer = (False, error)
        connection.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
