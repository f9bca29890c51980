"""Load shedding: a bound on the requests in progress.

Promises:

1. At most ``most`` requests are in progress; a further one gets 503 with Retry-After at once and doesn't wait.
2. A request is in progress until its answer is handed to the connection. An answer that the client hasn't read yet
   doesn't count: :mod:`.protocol` bounds those.
3. The monitoring endpoints (``/healthz``, ``/readyz``, ``/metrics``) are always answered.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics
from .middleware import Middleware
from .problems import Problem, problem_response

__all__ = ["WATCHED", "ShedLoad"]

WATCHED = ("/healthz", "/readyz", "/metrics")


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
        if scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        if self.in_flight >= self._most:
            if self._metrics is not None:
                self._metrics.shed.labels("overload").inc()
            problem = Problem("http.overloaded", headers={"Retry-After": str(self._retry_after)})
            await problem_response(problem, scope)(scope, receive, send)
            return

        async def handing_over(message: Message) -> None:
            # 2: this returns at once but where the client has not read what was sent before.
            self.in_flight -= 1
            try:
                await send(message)
            finally:
                self.in_flight += 1

        self.in_flight += 1
        try:
            await self._app(scope, receive, handing_over)
        finally:
            self.in_flight -= 1
