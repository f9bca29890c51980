"""HEAD is GET without a body (RFC 9110, section 9.3.2): on every address that has GET."""

from __future__ import annotations

from typing import Final

from starlette.types import Message, Receive, Scope, Send

from .middleware import Middleware

__all__ = ["HeadAsGet", "wants_head_alone"]

_HEAD: Final = "icard.head"


def wants_head_alone(scope: Scope) -> bool:
    """Whether the request is HEAD: its answer may be made without reading what the body would hold."""
    return bool(scope.get(_HEAD)) or scope["method"] == "HEAD"


class HeadAsGet(Middleware):
    """ASGI: lets the application answer HEAD as GET; the server sends the head alone.

    Monitors of uptime ask so, and an application names the methods of each route.
    """

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # The scope itself, not a copy: what the application notes in it (its route) is for logs and figures.
        scope["method"], scope[_HEAD] = "GET", True

        async def head_alone(message: Message) -> None:
            scope["method"] = "HEAD"
            await send(message)

        try:
            await self._app(scope, receive, head_alone)
        finally:
            scope["method"] = "HEAD"
