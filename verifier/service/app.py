"""The verification service as an ASGI application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from verifier.runtime.http import BodyClass, Drain, EdgeLimits, RateClass, new_app, wrap

from .api import api, watched
from .api_keys import OPEN, RequireKey
from .documented import COMPONENTS
from .lean import LeanVerify
from .limits import BATCH_BYTES, PICTURE_BYTES, TEXT_BYTES, UPLOAD_BUDGET, UPLOAD_SECONDS
from .request_parsing import PICTURES, STATUSES, TEXTS
from .scan import BODIES, page_router
from .service import VerificationService
from .settings import ServiceSettings
from .state_view import StateAnswer

__all__ = ["around", "make_app", "make_service_app"]

_ABOUT: Final = (
    "Says whether a code of China's Integrated Card is genuine and still stands. Verdicts for bad codes, RFC 9457 "
    "problems for wrong use; words in English or Chinese by Accept-Language."
)
#: Each has its own count; the last is for all else, so that every address has one.
_LIMITED: Final = ("/v1/", "/answer", "/check", "/")
_TEXTS_AT_WORK: Final = 64


def make_app(settings: ServiceSettings, drain: Drain) -> ASGIApp:
    """The service with everything around it, as a server runs it."""
    service = VerificationService(settings, drain)
    return around(LeanVerify(make_service_app(service), service), service)


def around(app: ASGIApp, service: VerificationService) -> ASGIApp:
    """Wrap the application in its middleware: API keys, timeouts, caps, rates, headers, logs, metrics."""
    limits, keys = _limits(service), service.settings.api_keys
    if not keys:
        return wrap(app, limits, service.metrics)
    return wrap(app, limits, service.metrics, gate=lambda behind: RequireKey(behind, keys))


def make_service_app(service: VerificationService) -> FastAPI:
    """FastAPI's part: all routes, and the scan page where no key is asked for."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = new_app(STATUSES, title="icard", version=version("icard"), description=_ABOUT, lifespan=lifespan)
    app.state.service = service
    app.state.state_answer = StateAnswer(service)
    app.include_router(api)
    app.include_router(watched)
    if not service.settings.api_keys:
        # The page asks without a key, and would let everybody in.
        app.include_router(page_router(service))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _limits(service: VerificationService) -> EdgeLimits:
    settings = service.settings
    rates = [RateClass(prefix, 0.5, 5) for prefix in ("/v1/sync", "/update")]
    if settings.rate:
        rates += [RateClass(prefix, settings.rate, 1 + int(4 * settings.rate)) for prefix in _LIMITED]
    return EdgeLimits(
        # Pictures and batches have queues of their own, and full ones take no place from texts.
        most_in_flight=_TEXTS_AT_WORK + service.pictures.pool.most_requests + service.batches.most_batches,
        bodies=[
            BodyClass("/v1/verify/batch", BATCH_BYTES, ("application/x-ndjson",), streamed=True),
            BodyClass("/v1/verify", TEXT_BYTES, TEXTS),
            BodyClass("/v1/verify", PICTURE_BYTES, PICTURES, UPLOAD_SECONDS, UPLOAD_BUDGET),
            *BODIES,
        ],
        rates=rates,
        hosts=settings.names,
        trusted_proxies=settings.trusted_proxies,
        origins=settings.origins,
    )


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for kind, named in COMPONENTS.items():
            made.setdefault("components", {}).setdefault(kind, {}).update(named)
        if app.state.service.settings.api_keys:
            made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            made["security"] = [{"key": []}]
            for path in OPEN:
                made["paths"][path]["get"]["security"] = []
        app.openapi_schema = made
    return app.openapi_schema
