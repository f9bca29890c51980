"""The routes of the service, and what OpenAPI says about them.

Promises:

1. The words of an answer are in the language of Accept-Language; faults are RFC 9457 problems, and whatever is shown as
   a code is a verdict, with status 200.
2. Every route, its answers and its problems are in ``/openapi.json`` with examples that are real.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from icard_crypto.errors import Language
from verifier.runtime.http import InPieces, Problem, language_of, whole_body

from .agent import failed_sources
from .batch import BatchAnswer
from .documented import BATCH, POLICIES, STATE, SYNC, VERIFY, problems
from .request_parsing import (
    BATCH_QUERY,
    PICTURES,
    QUERY,
    asked_policy,
    is_true,
    media_type,
    query_of,
    verdict_bytes,
    verdict_of_text,
)
from .service import VerificationService
from .state_view import StateAnswer

__all__ = ["api", "watched"]


class PlainRoute(APIRoute):
    """A route whose function takes a request and gives a response: FastAPI documents it and solves nothing."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; other methods are refused as for any route."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response: Response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


api = APIRouter(prefix="/v1", route_class=PlainRoute)
watched = APIRouter(tags=["watching the service"])


def _service(request: Request) -> VerificationService:
    service: VerificationService = request.app.state.service
    return service


def _answer(request: Request, content: Any, status: int = 200) -> Response:
    return _written(json.dumps(content, ensure_ascii=False).encode(), language_of(request.scope), status)


def _written(body: bytes, language: Language, status: int = 200) -> Response:
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    return InPieces(body, status, headers, media_type="application/json")


@api.post("/verify", **VERIFY)
async def verify(request: Request) -> Response:
    """The verdict on a code: its text, or a picture of it.

    A picture gives the verdicts on all codes in it, worst first; one without a code gives none.
    """
    service, body = _service(request), await whole_body(request.receive)
    language = language_of(request.scope)
    kind = media_type(request.scope)
    if kind not in PICTURES:
        return _written(verdict_bytes(verdict_of_text(service, request.scope, kind, body), language), language)
    query = query_of(request.scope, *QUERY)
    seen = await service.check_picture(body, asked_policy(service, query), thorough=not is_true(query, "quick"))
    verdicts = [each.verdict.to_dict(language) for each in seen]
    return _answer(request, {"verdicts": verdicts, "codes": len(verdicts)})


@api.post("/verify/batch", **BATCH)
async def verify_batch(request: Request) -> BatchAnswer:
    """The verdicts on up to 100,000 codes, one a line, streamed.

    Each line is `{"code": "..."}` and has no other member; each gets `{"line": n, "verdict": {...}}`, in order, or
    `{"line": n, "error": {...}}` where the line itself is at fault. A batch with a Content-Length is answered once all
    of it has come, one in chunks at once: then read while you send.

    `?brief=true` asks for outcomes and reasons only: no words, and of each card no more than the code's identity.
    """
    service = _service(request)
    query = query_of(request.scope, *BATCH_QUERY)
    policy, language = asked_policy(service, query), language_of(request.scope)
    return service.batches.answer(policy, language, brief=is_true(query, "brief"))


@api.get("/state", **STATE)
async def state(request: Request) -> Response:
    """What is known, how old it is, until when each policy accepts it, and how keeping it up to date goes."""
    language = language_of(request.scope)
    answer: StateAnswer = request.app.state.state_answer
    return _written(answer.answer(language), language)


@api.get("/policies", **POLICIES)
async def policies(request: Request) -> Response:
    """The policies that a request may name, with titles and rules."""
    return _answer(request, {"policies": _service(request).policies_by_name.to_list()})


@api.post("/sync", **SYNC)
async def sync(request: Request) -> Response:
    """Fetch what is new now, from the addresses that the state names.

    Many who ask share one round, and just after a round they get what it brought. 200: the round is done and what it
    brought is in use; 202: it is still under way.
    """
    done = await _service(request).update()
    if done is None:
        return _answer(request, {"done": False}, 202)
    taken = sum(each["taken"] for each in done["domains"])
    return _answer(request, {"done": True, "taken": taken, "faults": failed_sources(done)})


@watched.get("/healthz", responses={200: {"description": "The process answers."}})
async def healthz() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


@watched.get("/readyz", responses=problems(503) | {200: {"description": "Ready."}})
async def readyz(request: Request) -> dict[str, str]:
    """Whether codes can be confirmed: a trust list is there, and the process is not about to end."""
    service = _service(request)
    if service.drain.begun:
        raise Problem("http.not_ready")
    domains = service.domains()
    missing = "state" if not domains else next((each.name for each in domains if each.trust_list is None), None)
    if missing is not None:
        raise Problem("serve.no_trust_list", status=503, path=f"{missing}.trust_list" if domains else "trust_list")
    return {"status": "ready"}


@watched.get("/metrics", response_class=Response, responses={200: {"description": "Figures for Prometheus."}})
async def metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    return Response(_service(request).metrics_text(), media_type=CONTENT_TYPE_LATEST)
