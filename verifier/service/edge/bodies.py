"""Bodies: how much of what type may come, and how long it may take.

Promises:

1. A body is read whole before the application sees the request, up to its cap: a longer one is 413, by its
   Content-Length before a byte is read, else when the byte beyond the cap arrives.
2. A body that is not whole at its deadline is 408.
3. A body of a type that its class does not name is 415, before it is read; a JSON body without a type is too.
4. All bodies being read at one time stay below a budget; beyond it a request is 503 with Retry-After.
5. A client that goes away frees what it held.
6. A class may ask for its bodies as they come; then the application counts and times them itself, and only length and
   type in the head are looked at here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import Problem, problem_response

__all__ = ["JSON", "Bodies", "BodyClass"]

JSON: Final = ("application/json",)
#: Digits of a Content-Length that Python should turn into a number.
_LONGEST_LENGTH: Final = 18


@dataclass(frozen=True)
class BodyClass:
    """What the addresses that begin alike take.

    Attributes:
        prefix: of the path; the first class whose prefix fits counts.
        cap: bytes.
        types: media types, without parameters; a charset other than UTF-8 is refused.
        seconds: from the head of the request to the last byte of its body.
        streamed: whether the application reads the body itself, piece by piece (promise 6).
    """

    prefix: str
    cap: int = 64 * 1024
    types: Sequence[str] = JSON
    seconds: float = 10.0
    streamed: bool = False


class Bodies:
    """ASGI: reads every body by the promises of this module.

    Args:
        app: the application; it receives each body as one message.
        classes: by prefix, the first that fits; what fits none is ``BodyClass("/")``.
        budget: bytes of all bodies that are being read or worked on at one time.
    """

    def __init__(self, app: ASGIApp, classes: Sequence[BodyClass] = (), budget: int = 256 * 1024 * 1024) -> None:
        self._app = app
        self._classes = (*classes, BodyClass("/"))
        self._budget = budget
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = next((rule for rule in self._classes if scope["path"].startswith(rule.prefix)), self._classes[-1])
        problem = _refused_by_head(scope, rule)
        if problem is not None:
            await problem_response(problem, scope)(scope, receive, send)
            return
        if rule.streamed:
            await self._app(scope, receive, send)
            return
        body = _Body(self, rule.cap)
        try:
            try:
                async with asyncio.timeout(rule.seconds):
                    await body.read(receive)
            except TimeoutError:
                problem = Problem("http.timeout", expected=f"{rule.seconds:g} s", headers={"Connection": "close"})
                await problem_response(problem, scope)(scope, receive, send)
            except Problem as refused:
                await problem_response(refused, scope)(scope, receive, send)
            else:
                if not body.gone:
                    await self._app(scope, body.replay(receive), send)
        finally:
            self.held -= body.size

    def hold(self, size: int) -> None:
        """Count bytes that are kept; raises the problem of promise 4."""
        if self.held + size > self._budget:
            raise Problem("http.overloaded", headers={"Retry-After": "1"})
        self.held += size


class _Body:
    """The body of one request, as far as it has come."""

    def __init__(self, bodies: Bodies, cap: int) -> None:
        self._bodies = bodies
        self._cap = cap
        self._parts: list[bytes] = []
        self.size = 0
        self.gone = False

    async def read(self, receive: Receive) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                return
            part = message.get("body", b"")
            if self.size + len(part) > self._cap:
                raise Problem("http.too_large", expected=f"at most {self._cap} bytes")
            if part:
                self._bodies.hold(len(part))
                self.size += len(part)
                self._parts.append(part)
            more = message.get("more_body", False)

    def replay(self, receive: Receive) -> Receive:
        """The body as one message; then whatever comes, which is the client's leaving."""
        given = False

        async def once() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            body, self._parts = b"".join(self._parts), []
            return {"type": "http.request", "body": body, "more_body": False}

        return once


def _refused_by_head(scope: Scope, rule: BodyClass) -> Problem | None:
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        return Problem("http.bad_request", path="Content-Length")
    if len(length) > _LONGEST_LENGTH or int(length) > rule.cap:
        return Problem("http.too_large", expected=f"at most {rule.cap} bytes")
    has_body = int(length) > 0 or "transfer-encoding" in headers
    if has_body and not _type_fits(headers.get("content-type", ""), rule.types):
        types = ", ".join(rule.types)
        return Problem("http.content_type", expected=types, headers={"Accept": types})
    return None


def _type_fits(header: str, types: Sequence[str]) -> bool:
    media_type, _, parameters = header.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"') if "charset" in parameters.lower() else ""
    return media_type.strip().lower() in types and charset in ("", "utf-8")
