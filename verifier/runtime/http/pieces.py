"""Long answers, handed over piece by piece."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["InPieces"]

#: Bytes; the server's own buffer for a client that does not read.
_PIECE: Final = 64 * 1024


class InPieces(Response):
    """A response of which each piece waits until its client has read: a connection that nobody reads keeps one of
    them, not the whole answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if len(self.body) <= _PIECE:
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = memoryview(self.body)
        for at in range(0, len(body), _PIECE):
            more = at + _PIECE < len(body)
            await send({"type": "http.response.body", "body": bytes(body[at : at + _PIECE]), "more_body": more})
