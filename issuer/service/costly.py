"""Room for what takes long: drawing documents and looking at files, a third of a second and more for each.

Promises:

1. It has threads of its own: whoever asks for many documents, or hands in many files, takes no thread of the service's
   other requests.
2. One account has a few of these at work at one time, and some more wait for them: a browser asks for all pictures of a
   page at once. All accounts together have a bounded number that work or wait. What is more is 429 for the account, 503
   for all, at once, with Retry-After.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter, Semaphore

from verifier.runtime import http

__all__ = ["CostlyRoom", "apart"]

T = TypeVar("T")

#: Threads; the processors of a small machine.
_AT_ONCE: Final = 2
#: Requests that work or wait, of all accounts and of one.
_MOST: Final = 64
_OF_ONE: Final = 16
#: Requests of one account that stand before the threads; its others wait behind these.
_IN_FRONT: Final = 4


class CostlyRoom:
    """Who is in it at this moment. For one event loop."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(_AT_ONCE)
        self._inside: Counter[str] = Counter()
        self._places: dict[str, Semaphore] = {}

    async def run(self, account_id: str, work: Callable[[], T]) -> T:
        """Do some work of an account in a thread of this room.

        Raises:
            Problem: ``http.too_many``, ``http.overloaded``.
        """
        async with self._place(account_id):
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    @contextlib.asynccontextmanager
    async def _place(self, account_id: str) -> AsyncIterator[None]:
        if self._inside[account_id] >= _OF_ONE:
            raise http.Problem("http.too_many", headers={"Retry-After": "1"})
        if self._inside.total() >= _MOST:
            raise http.Problem("http.overloaded", headers={"Retry-After": "1"})
        self._inside[account_id] += 1
        http.stand_aside()
        try:
            async with self._places.setdefault(account_id, Semaphore(_IN_FRONT)):
                yield
        finally:
            self._inside[account_id] -= 1
            if not self._inside[account_id]:
                del self._inside[account_id], self._places[account_id]


def apart(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """An endpoint of the API whose work is done in that room."""

    @functools.wraps(endpoint)
    async def run(**arguments: Any) -> Any:
        call = arguments["call"]
        return await call.service.costly.run(call.who.account_id, functools.partial(endpoint, **arguments))

    # With its types in place: their names are the endpoint's module's, not this one's.
    run.__signature__ = inspect.signature(endpoint, eval_str=True)  # type: ignore[attr-defined]
    return run
