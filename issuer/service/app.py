"""The application: endpoints, what they have in common, and the edge around them.

Promises:

1. An endpoint without an Access stops the start (:func:`issuer.service.access.require_access`).
2. The core is synchronous; so many requests as the settings say are in it at one time, and twice as many wait: what is
   more is 503 at once. Log-ins (:mod:`issuer.service.login_door`) and what takes long (:mod:`issuer.service.costly`)
   have places of their own beside these, and take none of them.
3. Errors of the core that a client may see have a status here; all others are 500 without detail.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from icard_crypto.limits import MIB
from issuer.core import Core
from issuer.permits import uploads
from issuer.processes.heartbeat import Heartbeat
from issuer.settings import Settings
from verifier.runtime import http

from .access import require_access
from .api import SUBJECTS, files
from .context import IssuingService
from .embedded_worker import EmbeddedWorker
from .endpoints import describe
from .forwarded import ForwardedWatch
from .health_metrics import HealthMetrics
from .login_door import PATH, LogInDoor
from .metrics import CoreMetrics
from .strict_json import StrictRoute

__all__ = ["STATUSES", "Part", "make_app", "make_service"]

#: The statuses that don't follow from an error's kind.
STATUSES: Final = http.Statuses(
    by_code={
        # The caller isn't known: to log in again, or to send another token, may help.
        "login.refused": 401,
        "session.unknown": 401,
        "token.unknown": 401,
        # The If-Match of the request names an earlier revision.
        "account.changed": 412,
        "entry.changed": 412,
        "filing.changed": 412,
        "issue.changed": 412,
        "objection.changed": 412,
        "permit.changed": 412,
        "social_card.changed": 412,
        "webhook.changed": 412,
        # Unavailable to this caller alone, for the time that Retry-After says.
        "account.too_fast": 429,
        "confirm.too_often": 429,
        "objection.too_often": 429,
        "privacy.too_often": 429,
        "slot.too_often": 429,
        "login.wait": 429,
        # Keys that the service needs for signing: the request is fine, and may succeed once an operator has acted.
        "key.passphrase_wrong": 503,
        "keystore.envelope": 503,
        "keystore.none_active": 503,
        "keystore.not_in_keystore": 503,
        "signer.message": 503,
    },
)


class Part(Protocol):
    """What joins the application beside the API, such as the portal: its routes, and what they take from whom."""

    @property
    def bodies(self) -> Sequence[http.BodyClass]:
        """What may be sent to its addresses."""

    @property
    def rates(self) -> Sequence[http.RateClass]:
        """How often one client may ask there."""

    @property
    def log_ins(self) -> Sequence[str]:
        """Where an unknown client's password is checked: :mod:`issuer.service.login_door` is in front of these."""

    def join(self, app: FastAPI) -> None:
        """Add its routes."""

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with the edge, with what it puts around that."""


def make_service(
    core: Core,
    drain: http.Drain,
    parts: Sequence[Part] = (),
    certificate_ends_at: Callable[[], int | None] = lambda: None,
) -> FastAPI:
    """The application without the edge.

    Args:
        certificate_ends_at: when the certificate in use ends, Unix time; None: it serves without one.

    Raises:
        StateError: ``api.no_access``.
    """
    core_metrics = CollectorRegistry()
    core_metrics.register(CoreMetrics(core))
    service = IssuingService(core, drain, http.Metrics("icard_issuer"), EmbeddedWorker(core), core_metrics)
    core_metrics.register(HealthMetrics(core, lambda: service.warnings))
    heartbeat = Heartbeat(core, "server", certificate_ends_at)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = core.settings.serve_threads
        await anyio.to_thread.run_sync(service.embedded_worker.start)
        try:
            with heartbeat.beating():
                yield
        finally:
            await anyio.to_thread.run_sync(service.embedded_worker.end)

    # StrictRoute reads bodies, once it is known who asks.
    app = http.new_app(STATUSES, title="icard issuer", lifespan=lifespan, reads_bodies=False)
    app.state.service = service
    app.state.buckets = http.Buckets()
    app.router.routes.extend(_routes())
    describe(app, SUBJECTS)
    for part in parts:
        part.join(app)
    require_access(app)
    return app


@functools.cache
def _routes() -> tuple[BaseRoute, ...]:
    """The routes of the API. They hold nothing of a core, which a request finds in its application's state; to make
    them takes longer than all else of an application."""
    router = APIRouter(route_class=StrictRoute)
    for subject in SUBJECTS:
        subject.join(router)
    return tuple(router.routes)


def _host_names(settings: Settings) -> list[str] | None:
    """The names under which people and verifiers come; None: nobody said what the portal's is, and any is taken."""
    if not settings.public_url:
        return None
    addresses = (settings.public_url, settings.status_prefix)
    return [name for name in (urlsplit(each).hostname for each in addresses) if name is not None]


def make_app(
    core: Core,
    drain: http.Drain,
    parts: Sequence[Part] = (),
    certificate_ends_at: Callable[[], int | None] = lambda: None,
) -> ASGIApp:
    """The application with the edge around it; arguments as of :func:`make_service`."""
    app = make_service(core, drain, parts, certificate_ends_at)
    service: IssuingService = app.state.service
    settings = core.settings
    limits = http.EdgeLimits(
        hosts=_host_names(settings),
        most_in_flight=3 * settings.serve_threads,
        bodies=[
            http.BodyClass("/v1/cards", cap=256 * 1024),
            http.BodyClass("/v1/lists", cap=3 * MIB, budget=12 * MIB),
            http.BodyClass("/v1/files", cap=uploads.MOST_BYTES, types=files.TYPES, seconds=60, budget=120 * MIB),
            *(body for part in parts for body in part.bodies),
        ],
        rates=[
            *(rate for part in parts for rate in part.rates),
            http.RateClass("/v1/", settings.account_per_second, settings.account_burst),
            # What is published, and what little else there is: whole regions may come from one address.
            http.RateClass("/", settings.published_per_second, settings.published_burst),
        ],
        trusted_proxies=settings.trusted_proxies,
    )
    paths = [PATH, *(path for part in parts for path in part.log_ins)]
    door = functools.partial(LogInDoor, core=core, metrics=service.metrics, paths=paths)
    wrapped = http.wrap(app, limits, service.metrics, door)
    for part in parts:
        wrapped = part.around(wrapped)
    return ForwardedWatch(wrapped, service)
