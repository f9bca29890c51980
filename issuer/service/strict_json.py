"""JSON as one reader sees it: a body in UTF-8 whose objects name each member once.

Promise: a body in another encoding, with a byte order mark, or with a name twice in one object is no JSON here: a
gateway that reads it otherwise would have checked another body than the one that is signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

__all__ = ["StrictRoute"]


class _StrictRequest(Request):
    async def json(self) -> Any:
        """The body.

        Raises:
            JSONDecodeError: it is none that everybody reads alike.
        """
        body = await self.body()
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as fault:
            raise json.JSONDecodeError("not UTF-8", "", fault.start) from None
        return json.loads(text, object_pairs_hook=_once)


class StrictRoute(APIRoute):
    """A route whose bodies are read so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, with another request."""
        plain = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await plain(_StrictRequest(request.scope, request.receive))

        return handle


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise json.JSONDecodeError("a name twice", "", 0)
    return names
