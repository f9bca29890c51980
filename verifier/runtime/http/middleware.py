"""What every piece around an application has in common.

Promises:

1. What is no HTTP request, which is the application's start and end, goes past every piece.
"""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Middleware"]


class Middleware:
    """ASGI: a piece around an application; what it does to a request is its :meth:`http`.

    Args:
        app: what stands behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (self.http if scope["type"] == "http" else self._app)(scope, receive, send)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        raise NotImplementedError
