"""A fast path for ``POST /v1/verify`` with text or JSON: an ASGI function in front of FastAPI's.

It answers what the route of :mod:`.api` would answer, by the same functions, without the way through a framework; that
route documents it, takes the pictures, and is what a test compares it with. It is here because it was measured:
docs/benchmarks.md has both.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from icard_crypto.errors import IcardError
from verifier.runtime.http import language_of, problem_response, whole_body

from .request_parsing import STATUSES, TEXTS, media_type, verdict_bytes, verdict_of_text
from .service import VerificationService

__all__ = ["LeanVerify"]

_PATH: Final = "/v1/verify"


class _Route:
    """What logs and metrics call this route."""

    path = _PATH


class LeanVerify:
    """ASGI: answers ``POST /v1/verify`` where no picture comes; hands everything else on."""

    def __init__(self, app: ASGIApp, service: VerificationService) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = media_type(scope) if scope["type"] == "http" and scope["path"] == _PATH else ""
        if kind not in TEXTS or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = _Route
        body = await whole_body(receive)
        try:
            verdict = verdict_of_text(self._service, scope, kind, body)
        except IcardError as error:
            await problem_response(STATUSES.problem(error), scope)(scope, receive, send)
            return
        language = language_of(scope)
        answer = verdict_bytes(verdict, language)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(answer)),
            (b"content-language", language.encode()),
            (b"vary", b"Accept-Language"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
