"""Process many batches in child processes, in order, and survive the death of any of them.

Promises:

1. Results come in the order of the tasks, and each task once; only a few are in memory at a time.
2. A worker that dies costs its time only: new workers begin and the unfinished tasks are done again. A task under which
   workers die :data:`MOST_TRIES` times is a :class:`DataError`.
3. No worker outlives the process that started it, not even one that is killed.

Workers are forked, so that they inherit keys and status lists as they are; on systems other than Linux the work is done
in this process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, Generic, TypeVar

from .errors import DataError

__all__ = ["MOST_TRIES", "Workers", "cores"]

MOST_TRIES: Final = 3

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_Waiting = deque[tuple[_Task, "Future[_Result]"]]

#: In a worker: what it does with a task.
_work: Callable[[Any], Any]


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
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers[_Task, _Result]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; tasks that have not begun are dropped."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def map(self, tasks: Iterable[_Task]) -> Iterator[_Result]:
        """The results of the tasks (promises 1, 2).

        Raises:
            DataError: ``data.worker``.
        """
        if self._count == 1:
            yield from map(self._work, tasks)
            return
        waiting: _Waiting[_Task, _Result] = deque()
        for task in tasks:
            waiting.append((task, self._submit(task)))
            while len(waiting) > 2 * self._count:
                yield self._first(waiting)
        while waiting:
            yield self._first(waiting)

    def _submit(self, task: _Task) -> Future[_Result]:
        for _ in range(MOST_TRIES):
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._count,
                    mp_context=multiprocessing.get_context("fork"),
                    initializer=_begin,
                    initargs=(self._work, self._close_in_worker),
                )
            with contextlib.suppress(BrokenProcessPool):
                return self._pool.submit(_do, task)
            self.close()
        raise DataError("data.worker", expected="workers that live")

    def _first(self, waiting: _Waiting[_Task, _Result]) -> _Result:
        for _ in range(MOST_TRIES):
            try:
                result = waiting[0][1].result()
            except BrokenProcessPool:
                # Which of them a worker died of is not known: all that are unfinished are done again.
                self.close()
                tasks = [task for task, _ in waiting]
                waiting.clear()
                waiting.extend((task, self._submit(task)) for task in tasks)
            else:
                waiting.popleft()
                return result
        raise DataError("data.worker", found=f"{MOST_TRIES} workers ended")


def _begin(work: Callable[[Any], Any], descriptors: Iterable[int]) -> None:
    """A worker's first act."""
    global _work  # noqa: PLW0603 - one process, one kind of work
    _work = work
    # Ctrl-C goes to every process of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(task: Any) -> Any:
    return _work(task)
