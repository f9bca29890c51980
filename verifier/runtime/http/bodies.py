"""Bodies: how much of what type may come, and how long it may take.

Promises:

1. A body is read whole before the application sees the request, up to its cap: a longer one is 413, by its
   Content-Length before a byte is read, else when the byte beyond the cap arrives.
2. A body that is not whole at its deadline is 408.
3. A body that is coded (Content-Encoding) is 415: what it would unpack to is nobody's guess. So is one of a type
   that its class does not name, before it is read; a JSON body without a type is too.
4. All bodies of a class that are held at one time stay below its budget; beyond it a request is 503 with Retry-After.
   Each class has its own, so that large bodies, however slow and many, take no room from small ones.
5. A client that goes away frees what it held.
6. A class may ask for its bodies as they come; then the application counts and times them itself, and only length and
   type in the head are looked at here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from icard_crypto.limits import MIB

from .middleware import Middleware
from .problems import Problem, problem_response
from .raw import header_of

__all__ = ["JSON", "Bodies", "BodyClass", "whole_body"]

JSON: Final = ("application/json",)
#: Digits of a Content-Length that Python should turn into a number.
_LONGEST_LENGTH: Final = 18


@dataclass(frozen=True)
class BodyClass:
    """What the addresses that begin alike take, in bodies of some types.

    Attributes:
        prefix: of the path; the classes with the first prefix that fits count, and of them the first with the type.
        cap: bytes.
        types: media types, without parameters; a charset other than UTF-8 is refused.
        seconds: from the head of the request to the last byte of its body.
        budget: bytes of all bodies of this class that are being read or worked on at one time.
        streamed: whether the application reads the body itself, piece by piece (promise 6).
    """

    prefix: str
    cap: int = 64 * 1024
    types: Sequence[str] = JSON
    seconds: float = 10.0
    budget: int = 64 * MIB
    streamed: bool = False

    def takes(self, content_type: str) -> bool:
        """Whether a body with this Content-Type is of this class."""
        media_type, *parameters = content_type.lower().split(";")
        # RFC 9110, 5.6.6: a parameter may be missing between semicolons, others are ignored, and values may be quoted.
        named = [each.strip().partition("=") for each in parameters]
        charsets = {value.strip('"') for name, _, value in named if name == "charset"}
        return media_type.strip() in self.types and charsets <= {"utf-8"}


async def whole_body(receive: Receive) -> bytes:
    """The body of a request behind :class:`Bodies`, which has read it whole; empty where the client has gone."""
    return bytes((await receive()).get("body", b""))


class _Room:
    """What the bodies of one class hold."""

    def __init__(self, rule: BodyClass) -> None:
        self.rule = rule
        self.held = 0

    def hold(self, size: int) -> None:
        """Count bytes that are kept; raises the problem of promise 4."""
        if self.held + size > self.rule.budget:
            raise Problem("http.overloaded", headers={"Retry-After": "1"})
        self.held += size


class Bodies(Middleware):
    """ASGI: reads every body by the promises of this module.

    Args:
        app: the application; it receives each body as one message.
        classes: by prefix and type; what fits no prefix is ``BodyClass("/")``.
    """

    def __init__(self, app: ASGIApp, classes: Sequence[BodyClass] = ()) -> None:
        super().__init__(app)
        self._rooms: dict[str, list[_Room]] = {}
        for rule in classes:
            self._rooms.setdefault(rule.prefix, []).append(_Room(rule))
        self._rooms.setdefault("/", [_Room(BodyClass("/"))])

    @property
    def held(self) -> int:
        """Bytes of all bodies at this moment."""
        return sum(room.held for alike in self._rooms.values() for room in alike)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            room = self._room(scope)
        except Problem as refused:
            await problem_response(refused, scope)(scope, receive, send)
            return
        rule = room.rule
        if rule.streamed:
            await self._app(scope, receive, send)
            return
        body = _Body(room)
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
            room.held -= body.size

    def _room(self, scope: Scope) -> _Room:
        """The class of a request, by its head alone; raises the problems of promises 1 and 3."""
        path = scope["path"]
        alike = next((rooms for prefix, rooms in self._rooms.items() if path.startswith(prefix)), self._rooms["/"])
        length = header_of(scope, b"content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise Problem("http.bad_request", path="Content-Length")
        has_body = length.strip("0") != "" or header_of(scope, b"transfer-encoding") != ""
        coding = header_of(scope, b"content-encoding", "identity").strip().lower()
        if has_body and coding not in ("", "identity"):
            raise Problem("http.content_encoding", expected="identity", headers={"Accept-Encoding": "identity"})
        kind = header_of(scope, b"content-type")
        typed = [room for room in alike if not has_body or room.rule.takes(kind)]
        cap = max(room.rule.cap for room in typed or alike)
        if len(length) > _LONGEST_LENGTH or int(length) > cap:
            raise Problem("http.too_large", expected=f"at most {cap} bytes")
        if not typed:
            types = ", ".join(name for room in alike for name in room.rule.types)
            raise Problem("http.content_type", expected=types, headers={"Accept": types})
        return typed[0]


class _Body:
    """The body of one request, as far as it has come."""

    def __init__(self, room: _Room) -> None:
        self._room = room
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
            cap = self._room.rule.cap
            if self.size + len(part) > cap:
                raise Problem("http.too_large", expected=f"at most {cap} bytes")
            if part:
                self._room.hold(len(part))
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
