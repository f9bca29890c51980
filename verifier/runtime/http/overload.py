"""Load shedding: a bound on the requests in progress.

Promises:

1. At most ``most`` requests are in progress; a further one gets 503 with Retry-After at once and doesn't wait.
2. A request is in progress until its answer is handed to the connection. An answer that the client hasn't read yet
   doesn't count: :mod:`.protocol` bounds those.
3. The monitoring endpoints (``/healthz``, ``/readyz``, ``/metrics``) are always answered.
4. A request that has a bound of its own takes no place of the others: before (:data:`BOUNDED` in its scope) or from the
   moment at which it comes to that bound (:func:`stand_aside`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics
from .middleware import Middleware
from .problems import Problem, problem_response

__all__ = ["BOUNDED", "WATCHED", "ShedLoad", "stand_aside"]

WATCHED = ("/healthz", "/readyz", "/metrics")
#: In the scope of a request that is counted elsewhere.
BOUNDED = "icard.bounded"


class _Place:
    """The place of one request."""

    def __init__(self, shed: ShedLoad) -> None:
        self._shed = shed
        self._held = True
        shed.in_flight += 1

    def leave(self) -> None:
        """For good; a second time is nothing."""
        if self._held:
            self._held = False
            self._shed.in_flight -= 1

    async def handing_over(self, send: Send, message: Message) -> None:
        """2: this returns at once but where the client has not read what was sent before."""
        held = self._held
        self._shed.in_flight -= held
        try:
            await send(message)
        finally:
            self._shed.in_flight += held


_PLACE: ContextVar[_Place | None] = ContextVar("place", default=None)


def stand_aside() -> None:
    """Count the request that this task works on no more: from here on it has a bound of its own (promise 4)."""
    place = _PLACE.get()
    if place is not None:
        place.leave()


class ShedLoad(Middleware):
    """ASGI middleware: refuses requests above the bound (promise 1).

    Args:
        app: the application.
        most: requests worked on at one time.
        metrics: counts what is sent away.
        exempt: paths of promise 3.
        retry_after: seconds that a client is asked to wait.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        metrics: Metrics | None = None,
        exempt: Sequence[str] = WATCHED,
        retry_after: int = 1,
    ) -> None:
        super().__init__(app)
        self._most = most
        self._metrics = metrics
        self._exempt = frozenset(exempt)
        self._retry_after = retry_after
        self.in_flight = 0

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in self._exempt or BOUNDED in scope:
            await self._app(scope, receive, send)
            return
        if self.in_flight >= self._most:
            if self._metrics is not None:
                self._metrics.shed.labels("overload").inc()
            problem = Problem("http.overloaded", headers={"Retry-After": str(self._retry_after)})
            await problem_response(problem, scope)(scope, receive, send)
            return

        place = _Place(self)
        token = _PLACE.set(place)
        try:
            await self._app(scope, receive, functools.partial(place.handing_over, send))
        finally:
            _PLACE.reset(token)
            place.leave()
