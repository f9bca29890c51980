"""The application: endpoints, what they have in common, and the edge around them.

Promises:

1. An endpoint without an Access stops the start (:func:`issuer.service.access.require_access`).
2. The core is synchronous; so many requests as the settings say are in it at one time, and twice as many wait: what is
   more is 503 at once.
3. Errors of the core that a client may see have a status here; all others are 500 without detail.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, Protocol

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from icard_crypto.limits import MIB
from issuer.core import Core
from issuer.permits import uploads
from issuer.processes.heartbeat import Heartbeat
from verifier.runtime import http

from .access import require_access
from .api import SUBJECTS, files
from .context import IssuingService
from .embedded_worker import EmbeddedWorker
from .endpoints import describe
from .forwarded import ForwardedWatch
from .health_metrics import HealthMetrics
from .login_door import PLACES, LogInDoor
from .metrics import CoreFigures
from .strict_json import StrictRoute

__all__ = ["STATUSES", "Part", "make_app", "make_service"]

STATUSES: Final = http.Statuses(
    by_layer={
        "access": 403,
        "account": 422,
        "claim": 422,
        "clock": 503,
        "confirm": 409,
        "enquiry": 409,
        "entry": 422,
        "feed": 409,
        "consent": 422,
        "filing": 422,
        "grant": 409,
        "hearing": 409,
        "heir": 422,
        "idempotency": 422,
        "insurance": 422,
        "list": 503,
        "listing": 503,
        "lookup": 422,
        "login": 401,
        "mandate": 422,
        "notice": 422,
        "notification": 422,
        "objection": 422,
        "office": 422,
        "organisation": 404,
        "password": 422,
        "permit": 422,
        "privacy": 422,
        "process": 409,
        "rules": 422,
        "signer": 503,
        "slot": 422,
        "token": 422,
        "upload": 422,
        "webhook": 422,
    },
    by_code={
        "account.changed": 412,
        "account.conflict": 409,
        "account.last_two": 409,
        "account.login_taken": 409,
        "account.none": 404,
        "account.self": 403,
        "account.state": 409,
        "account.too_fast": 429,
        "account.two_needed": 403,
        "at_rest.altered": 403,
        "confirm.act": 422,
        "confirm.none": 404,
        "confirm.same_person": 403,
        "confirm.too_often": 429,
        "confirm.younger_account": 403,
        "claim.none": 404,
        "claim.not_eligible": 409,
        "claim.open": 409,
        "claim.order": 409,
        "claim.state": 409,
        "consent.none": 404,
        "database.busy": 503,
        "database.full": 503,
        "database.unreachable": 503,
        "entry.changed": 412,
        "entry.none": 404,
        "feed.none": 404,
        "filing.changed": 412,
        "filing.none": 404,
        "filing.open": 409,
        "filing.forged": 409,
        "filing.not_yours": 403,
        "filing.own": 403,
        "filing.paused": 409,
        "filing.prolonged": 409,
        "grant.no_report": 404,
        "grant.none": 404,
        "grant.reason": 422,
        "grant.report": 422,
        "hearing.none": 404,
        "heir.none": 404,
        "heir.two_needed": 403,
        "insurance.chosen": 409,
        "insurance.corrected": 409,
        "insurance.document_taken": 409,
        "insurance.employer": 404,
        "insurance.employer_ended": 409,
        "insurance.entry_twice": 409,
        "insurance.no_entry": 404,
        "insurance.no_finding": 404,
        "insurance.step": 409,
        "insurance.still_working": 409,
        "insurance.none": 404,
        "insurance.not_yours_to_choose": 403,
        "insurance.number_taken": 409,
        "insurance.registered": 409,
        "invitation.unknown": 404,
        "issue.card_exists": 409,
        "issue.card_revoked": 409,
        "issue.changed": 412,
        "issue.codes_ended": 409,
        "issue.no_card": 404,
        "issue.two_needed": 403,
        "key.passphrase_wrong": 503,
        "keystore.envelope": 503,
        "keystore.none_active": 503,
        "keystore.not_in_keystore": 503,
        "login.busy": 503,
        "login.wait": 429,
        "lookup.none": 404,
        "mandate.exists": 409,
        "mandate.none": 404,
        "mandate.too_many": 409,
        "notice.none": 404,
        "notice.state": 409,
        "notification.over": 409,
        "notification.unknown": 404,
        "objection.changed": 412,
        "objection.none": 404,
        "objection.nothing": 409,
        "objection.open": 409,
        "objection.undecided": 409,
        "office.exists": 409,
        "office.none": 404,
        "office.region": 403,
        "organisation.exists": 409,
        "permit.no_card": 409,
        "permit.changed": 412,
        "permit.has_one": 409,
        "permit.none": 404,
        "permit.number_taken": 409,
        "permit.readmission": 409,
        "permit.reported": 409,
        "permit.term_over": 409,
        "privacy.decided": 409,
        "privacy.none": 404,
        "privacy.too_many": 409,
        "session.csrf": 403,
        "session.none": 404,
        "session.unknown": 401,
        "slot.exists": 409,
        "slot.full": 409,
        "slot.no_booking": 409,
        "slot.none": 404,
        "slot.over": 409,
        "token.none": 404,
        "token.too_many": 409,
        "token.unknown": 401,
        "totp.none": 409,
        "totp.offer": 422,
        "totp.wrong": 403,
        "upload.busy": 503,
        "upload.no_page": 404,
        "upload.none": 404,
        "webhook.changed": 412,
        "webhook.none": 404,
        "webhook.too_many": 409,
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
    figures = CollectorRegistry()
    figures.register(CoreFigures(core))
    service = IssuingService(core, drain, http.Metrics("icard_issuer"), EmbeddedWorker(core), figures)
    figures.register(HealthMetrics(core, lambda: service.warnings))
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

    # An address has one form; a redirect would name the address that this process has behind its proxy.
    app = http.new_app(STATUSES, title="icard issuer", version="1", lifespan=lifespan, redirect_slashes=False)
    app.router.route_class = StrictRoute
    app.state.service = service
    app.state.buckets = http.Buckets()
    for subject in SUBJECTS:
        subject.join(app)
    describe(app, SUBJECTS)
    for part in parts:
        part.join(app)
    _describe_once(app)
    require_access(app)
    return app


def _describe_once(app: FastAPI) -> None:
    """Give the description as bytes that were made once: anybody may ask, and it is large."""
    made: list[bytes] = []

    async def described(_request: Request) -> Response:
        if not made:
            made.append(bytes(JSONResponse(app.openapi()).body))
        return Response(made[0], media_type="application/json")

    path = app.openapi_url or ""
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", None) != path]
    app.router.add_route(path, described, include_in_schema=False)


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
        most_in_flight=3 * settings.serve_threads + PLACES,
        bodies=[
            http.BodyClass("/v1/cards", cap=256 * 1024),
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
    wrapped = http.wrap(app, limits, service.metrics, partial(LogInDoor, core=core, metrics=service.metrics))
    for part in parts:
        wrapped = part.around(wrapped)
    return ForwardedWatch(wrapped, service)
