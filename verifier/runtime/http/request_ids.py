"""A number for every request.

Promises:

1. Every request has an id: its own X-Request-Id when that is 16 to 64 hexadecimal digits and hyphens (a UUID, a trace
   id), else a new UUID. Nothing else is taken over, so nobody writes names into the log by this header.
2. Every answer carries it as X-Request-Id, and :func:`request_id` gives it to whoever writes a log line or a problem.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from .middleware import Middleware
from .raw import add_missing, header_of

__all__ = ["RequestIds", "request_id"]

_WELL_FORMED: Final = re.compile(r"[0-9a-fA-F-]{16,64}")
_KEY: Final = "request_id"


def request_id(scope: Scope) -> str:
    """The id of a scope's request; empty outside of :class:`RequestIds`."""
    return str(scope.get("state", {}).get(_KEY, ""))


class RequestIds(Middleware):
    """ASGI: gives every request an id (promises 1 and 2)."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = header_of(scope, b"x-request-id")
        own = given if _WELL_FORMED.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {})[_KEY] = own
        header = [(b"x-request-id", own.encode())]

        async def numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_missing(message, header)
            await send(message)

        await self._app(scope, receive, numbered)
