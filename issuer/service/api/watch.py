"""Monitoring endpoints: liveness, readiness and metrics."""

from __future__ import annotations

from fastapi import Response
from prometheus_client import generate_latest
from pydantic import BaseModel

from issuer.service import readiness
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints

__all__ = ["endpoints"]

endpoints = Endpoints("Watching")


class ReadyBody(BaseModel):
    """Each part: ``ok``, or the code of what is wrong. ``jobs``: the worker's, of which ``publish`` and ``export`` are
    what the part ``worker`` needs. ``warnings``: codes of what works all the same and should be put right."""

    ready: bool
    parts: dict[str, str]
    jobs: dict[str, str]
    warnings: dict[str, str]


@endpoints.at("GET", "/healthz", Access("anyone"))
async def healthz() -> dict[str, str]:
    """The process lives. Asked of the process alone: neither a thread nor the database."""
    return {"status": "ok"}


@endpoints.at("GET", "/readyz", Access("anyone"), also={503: "A part is not ready; `parts` names it."})
def readyz(call: CallOf, response: Response) -> ReadyBody:
    """Every part that the service needs; 503 while one is not ready, and while the server drains."""
    service = call.service
    found = readiness.read(call.core)
    parts = {"server": "draining" if service.drain.begun else "ok", **found.parts}
    ready = all(state == "ok" for state in parts.values())
    response.status_code = 200 if ready else 503
    states_of = {job.name: job.trouble or "ok" for job in found.jobs}
    return ReadyBody(ready=ready, parts=parts, jobs=states_of, warnings={**found.warnings, **service.warnings})


@endpoints.at("GET", "/metrics", Access("anyone"), types=("text/plain",))
def metrics(call: CallOf) -> Response:
    """Metrics for Prometheus: sums and ages, nothing of a person. Keep it inside."""
    answer = call.service.metrics.response()
    return Response(
        bytes(answer.body) + generate_latest(call.service.core_metrics), media_type=answer.headers["content-type"]
    )
