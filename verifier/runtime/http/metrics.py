"""Metrics of a service, for Prometheus.

Promises:

1. Requests by method, route template and status; a histogram of durations by route; requests in work; requests shed by
   reason. Labels come from closed lists (:mod:`.routes`), so a client cannot make the number of series grow.
2. The registry is a service's own: two services in one process do not mix.
3. With several worker processes, ``PROMETHEUS_MULTIPROC_DIR`` in the environment makes every worker answer for all of
   them, as prometheus-client describes it: the counters of one that died stay, what it had in work does not.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .middleware import Middleware
from .routes import known_method, route_template

__all__ = ["CountRequests", "Metrics", "forget_worker"]

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one service.

    Args:
        namespace: the first part of every name: ``icard_verifier``, ``icard_issuer``.

    Attributes:
        registry: where a service registers metrics of its own.
    """

    def __init__(self, namespace: str) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"namespace": namespace, "registry": self.registry}
        self.requests = Counter("http_requests", "Requests answered", ["method", "route", "status"], **own)
        self.seconds = Histogram("http_request_seconds", "From head to answer", ["route"], buckets=_BUCKETS, **own)
        self.in_flight = Gauge("http_in_flight", "Requests in work", multiprocess_mode="livesum", **own)
        self.shed = Counter("http_shed", "Requests sent away unanswered", ["reason"], **own)

    def response(self) -> Response:
        """All metrics in Prometheus' text format."""
        registry = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def forget_worker(pid: int) -> None:
    """A worker has died: what it had in work is no longer in work; what it answered stays counted."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


class CountRequests(Middleware):
    """ASGI: counts and times requests (promise 1)."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        super().__init__(app)
        self._metrics = metrics
        #: Looking a series up by its labels takes longer than adding to it; there are as many as routes and statuses.
        self._series: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = "gone"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.in_flight.dec()
            route = route_template(scope)
            count, seconds = self._of(known_method(scope), route, status)
            count.inc()
            seconds.observe(time.perf_counter() - begun)

    def _of(self, method: str, route: str, status: str) -> tuple[Counter, Histogram]:
        key = (method, route, status)
        found = self._series.get(key)
        if found is None:
            metrics = self._metrics
            found = self._series[key] = metrics.requests.labels(*key), metrics.seconds.labels(route)
        return found
