"""Fetch from many sources concurrently, so that one that hangs doesn't delay the others.

Promises:

1. Of the sources that wait, the next is one of the host that failed least so far and of which fewest are asked at this
   moment; of one host they are asked in the order in which they were given.
2. What has come is handed over in the caller's thread, at once where nothing else has come meanwhile, and before it is
   more than :data:`HELD` bytes. Memory is that, and one answer for each of :data:`AT_ONCE` sources that are being read.
3. Every source has been asked when this returns; the caller bounds how long one may take.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit

from verifier.runtime.outbound.fetching import Fetch

__all__ = ["AT_ONCE", "HELD", "side_by_side"]

AT_ONCE: Final = 8
"""Sources that are asked at one time."""
HELD: Final = 8 * 1024 * 1024
_T = TypeVar("_T")


class _Turns:
    """Whose turn it is (promise 1)."""

    def __init__(self, uris: Iterable[str]) -> None:
        self._waiting: dict[str, deque[str]] = {}
        for uri in uris:
            self._waiting.setdefault(urlsplit(uri).netloc, deque()).append(uri)
        self._busy: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._mutex = threading.Lock()

    def next(self) -> str | None:
        with self._mutex:
            hosts = [host for host, uris in self._waiting.items() if uris]
            if not hosts:
                return None
            host = min(hosts, key=lambda each: (self._failed[each], self._busy[each]))
            self._busy[host] += 1
            return self._waiting[host].popleft()

    def stop(self) -> None:
        with self._mutex:
            self._waiting.clear()

    def done(self, uri: str, *, failed: bool) -> None:
        host = urlsplit(uri).netloc
        with self._mutex:
            self._busy[host] -= 1
            self._failed[host] += failed


def side_by_side(
    uris: Sequence[str],
    *,
    ask: Callable[[str, Fetch], _T | None],
    failed: Callable[[str], bool],
    take: Callable[[list[_T]], object],
    size: Callable[[_T], int],
    fetches: tuple[Fetch, Callable[[], Fetch]],
) -> None:
    """Ask every source and take in what comes.

    Args:
        uris: the sources, in their order.
        ask: asks one; None where nothing new came. In a thread of its own, and raises nothing but what is a bug.
        failed: whether a source that has been asked failed.
        take: takes answers in; in the caller's thread.
        size: bytes of an answer.
        fetches: what fetches for one thread, and what makes one for each further thread.
    """
    first, connect = fetches
    turns = _Turns(uris)
    come: queue.SimpleQueue[_T | BaseException | None] = queue.SimpleQueue()

    def work(fetch: Fetch) -> None:
        try:
            while (uri := turns.next()) is not None:
                answer = ask(uri, fetch)
                turns.done(uri, failed=failed(uri))
                if answer is not None:
                    come.put(answer)
        except BaseException as error:
            come.put(error)
        finally:
            if fetch is not first:
                fetch.close()
            come.put(None)

    count = min(AT_ONCE, len(uris))
    made = [first, *(connect() for _ in range(count - 1))][:count]
    for fetch in made:
        threading.Thread(target=work, args=(fetch,), name="icard-sync-source", daemon=True).start()
    held: list[_T] = []
    left = count
    fault: BaseException | None = None
    while left:
        one = come.get()
        if one is None:
            left -= 1
        elif isinstance(one, BaseException):
            fault = one
        elif fault is None:
            held.append(one)
        if held and fault is None and (come.empty() or sum(map(size, held)) > HELD):
            try:
                take(held)
            except Exception as error:
                # Nothing more is begun; what is under way ends by itself, and is waited for.
                fault = error
                turns.stop()
            held = []
    if fault is not None:
        raise fault
