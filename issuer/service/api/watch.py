"""What a balancer watches: whether the process lives, and whether it can work."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel

from icard_crypto.errors import IcardError
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints

__all__ = ["endpoints"]

endpoints = Endpoints("Watching")


class ReadyBody(BaseModel):
    """Each part: ``ok``, or the code of what is wrong."""

    ready: bool
    parts: dict[str, str]


@endpoints.at("GET", "/healthz", Access("anyone"))
def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@endpoints.at("GET", "/readyz", Access("anyone"), also={503: "A part is not ready; `parts` names it."})
def readyz(call: CallOf, response: Response) -> ReadyBody:
    """Every part that the service needs; 503 while one is not ready, and while the server drains."""
    parts = {"server": "draining" if call.service.drain.begun else "ok", "database": "ok"}
    try:
        call.core.database.check()
    except IcardError as fault:
        parts["database"] = fault.code
    parts["worker"] = "ok" if call.service.upkeep.alive else "ended"
    ready = all(state == "ok" for state in parts.values())
    response.status_code = 200 if ready else 503
    return ReadyBody(ready=ready, parts=parts)
