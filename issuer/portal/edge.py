"""Refusals by the middleware as pages: rate limit, size, load.

Promises:

1. Under the portal's addresses a browser gets a page in its language where a program would get a problem; status and
   headers stay, Retry-After too.
2. Nothing of the request is on the page, and nothing of a session: the edge refuses before anybody is known.
"""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from verifier.runtime import http
from verifier.runtime.http.middleware import Middleware
from verifier.runtime.http.raw import header_of

from .catalogue import Words
from .frame import Frame
from .rendering import BASE, POLICY
from .visits import own_path

__all__ = ["ProblemPages"]

_PROBLEM: Final = b"application/problem+json"
_LONGEST: Final = 64 * 1024
#: Headers of the problem that the page has in its own form.
_OURS: Final = frozenset({b"content-type", b"content-length", b"content-security-policy"})


class ProblemPages(Middleware):
    """ASGI: turns problems under the portal's addresses into pages (promise 1).

    Args:
        frame: what all pages have in common.
    """

    def __init__(self, app: ASGIApp, frame: Frame) -> None:
        super().__init__(app)
        self._frame = frame

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(BASE) or "text/html" not in header_of(scope, b"accept"):
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        body = bytearray()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_problem(message):
                held.append(message)
            elif held and message["type"] == "http.response.body":
                body.extend(message.get("body", b"")[:_LONGEST])
                if not message.get("more_body", False):
                    await self._answer(scope, held[0], bytes(body), send)
            else:
                await send(message)

        await self._app(scope, receive, watched)

    async def _answer(self, scope: Scope, start: Message, body: bytes, send: Send) -> None:
        problem: dict[str, Any] = json.loads(body)
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in _OURS]
        wait = next((value for name, value in kept if name.lower() == b"retry-after"), b"")
        t = Words(http.language_of(scope))
        page = self._frame.templates.render(
            "pages/edge.html",
            t=t,
            title=problem["title"],
            hint=problem.get("hint", ""),
            code=problem["code"],
            instance=problem.get("instance", ""),
            wait=int(wait) if wait.isdigit() else 0,
            again=own_path(scope["path"]) if scope["method"] == "GET" else BASE,
            authority=self._frame.authority(t.language),
            contact=self._frame.contact,
        ).encode()
        headers = [
            *kept,
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(page)).encode()),
            (b"content-security-policy", POLICY.encode()),
        ]
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": page if scope["method"] != "HEAD" else b""})


def _is_problem(message: Message) -> bool:
    types = (value for name, value in message["headers"] if name.lower() == b"content-type")
    return any(value.startswith(_PROBLEM) for value in types)
