"""The base class of all middleware.

Promises:

1. Lifespan events (the application's start and end) pass through unchanged; only HTTP requests are handled.
"""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Middleware"]


class Middleware:
    """ASGI: a piece around an application; what it does to a request is its :meth:`http`.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (self.http if scope["type"] == "http" else self._app)(scope, receive, send)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        raise NotImplementedError
