"""A small application behind the edge; run as a module it is the process that serves it.

Its first line on standard output is the port; its arguments are limits as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp

import issuer  # noqa: F401  (loaded, it has registered the words of its codes)
from icard_crypto.errors import CardError, StateError, Unavailable
from verifier.runtime import http

SECRET = "ZHANG-SAN-E12345678"


class Person(BaseModel):
    """A body with one field of each kind of fault."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=5)]
    age: Annotated[int, Field(ge=0, le=150)] = 1
    kind: Literal["A", "B"] = "A"


def small_app(drain: http.Drain, metrics: http.Metrics) -> FastAPI:
    """Addresses that do what their names say."""
    app = http.new_app(title="small")
    released = asyncio.Event()
    router = APIRouter(prefix="/things")

    @router.post("/people/{number}")
    async def person(number: int, body: Person, limit: Annotated[int, Query(le=10)] = 1) -> dict[str, Any]:
        return {"number": number, "age": body.age, "limit": limit}

    @router.post("/fault")
    async def fault() -> None:
        raise RuntimeError(SECRET)

    @router.post("/refusal/{kind}")
    async def refusal(kind: str) -> None:
        if kind == "card":
            raise CardError("card.too_long", path="holder.name", expected="at most 66 letters")
        if kind == "busy":
            raise Unavailable("database.busy", found="08006")
        raise StateError("database.fault", found="08006")

    @router.get("/wait")
    async def wait() -> str:
        await released.wait()
        return "released"

    @router.post("/release")
    async def release() -> str:
        released.set()
        return "ok"

    @router.get("/large")
    async def large() -> Response:
        return Response(bytes(8_000_000))

    @router.get("/endless")
    async def endless() -> Response:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    @app.get("/healthz")
    async def healthz() -> str:
        return "ok"

    @app.get("/readyz")
    async def readyz() -> Response:
        return JSONResponse({"draining": drain.begun}, 503 if drain.begun else 200)

    @app.get("/metrics")
    async def figures() -> Response:
        return metrics.response()

    app.include_router(router)
    return app


def made(drain: http.Drain, limits: http.EdgeLimits | None = None) -> ASGIApp:
    """The application with the edge around it."""
    metrics = http.Metrics("small")
    return http.wrap(small_app(drain, metrics), limits or http.EdgeLimits(), metrics)


def main() -> None:
    """Serve with the limits of the command line."""
    options = json.loads(sys.argv[1])
    limits = http.EdgeLimits(
        **{
            **options.get("edge", {}),
            "bodies": [http.BodyClass(**each) for each in options.get("bodies", [])],
            "rates": [http.RateClass(**each) for each in options.get("rates", [])],
        }
    )
    listen = http.Listen(
        port=0,
        workers=options.get("workers", 1),
        certificate=Path(options["certificate"]) if "certificate" in options else None,
        key=Path(options["key"]) if "key" in options else None,
        limits=http.WireLimits(**options.get("wire", {})),
    )
    http.serve(lambda drain: made(drain, limits), listen, ready=lambda port: print(port, flush=True))


if __name__ == "__main__":
    main()
