"""Routes that know who asks before they read what was sent, and read it as everybody does.

Promises:

1. The guard of a route has let the request through before its body is read as JSON: who may not ask costs no parsing,
   which is done in the event loop, and no memory.
2. A body in another encoding, with a byte order mark, or with a name twice in one object is no JSON here: a gateway
   that reads it otherwise would have checked another body than the one that is signed. Nor is one with more in it than
   any of ours has (:mod:`verifier.runtime.http.json_bodies`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from verifier.runtime import http

from .access import access_of

__all__ = ["StrictRoute"]


class _StrictRequest(Request):
    """A request whose JSON was read by :func:`verifier.runtime.http.read_json`."""

    async def read(self) -> None:
        """Read the body, where it is JSON.

        Raises:
            Problem: ``http.bad_request``.
        """
        body = await self.body()
        if not body or not http.is_json(self.headers.get("content-type", "")):
            return
        try:
            # Where Starlette keeps it.
            self._json = http.read_json(body)
        except ValueError:
            raise http.Problem("http.bad_request", expected="JSON") from None


class StrictRoute(APIRoute):
    """A route that is guarded first, and whose bodies are read so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, behind the guard and the reader."""
        plain = super().get_route_handler()
        guard = access_of(self)

        async def handle(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            if guard is not None:
                await guard(strict)
            if self.body_field is not None:
                await strict.read()
            return await plain(strict)

        return handle
