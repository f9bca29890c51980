"""One HTTP connection, with a timeout for every wait.

uvicorn's protocol closes idle connections between requests; this one adds:

1. A request's head must be complete within a time limit, counted from its first byte, or from when the connection was
   made: else 408.
2. The head is no larger than its cap and has at most a hundred fields, since each takes far more than its bytes: else
   431.
3. The rest of a body whose request has been answered is read for a short while, so that the answer arrives, and no
   longer.
4. A client that doesn't read its answer is cut off after a timeout, or sooner when too many clients don't read, from
   one address or in total. The one that has not read for the longest is cut off first.
5. Beyond the cap on connections the longest-idle one is evicted: between requests, or with a request that isn't
   complete. So a client that sends its request promptly is answered, however many don't. Only when every connection
   has a complete request, or a client that is reading its answer, is the new one refused with 503 and Retry-After.
6. While the server drains, every answer closes its connection, and an idle connection stays open for a moment: a
   request that is already on its way is still answered.
7. Only a few pipelined requests are queued; a client that sends more is cut off, since thousands of them fit into one
   read. The next one is begun when the answer before it has been read. What 2 and 5 say holds for a request that comes
   behind another one too. Nothing is written that a client could take for the answer to another of its requests: where
   no answer can say what is wrong, it is cut off.
8. No upgrade is accepted: neither WebSocket nor HTTP/2.
9. What a chunked body has beside its bytes (sizes, extensions, trailers) is little in proportion to them: else 400. A
   chunk of one byte costs as much as one of thousands. Trailers are left out, as RFC 9110, section 6.5.1, allows:
   nothing that comes behind a body is taken for a field of its head.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from icard_crypto.errors import IcardError, StateError

from .problems import PROBLEM_TYPE
from .rates import client_key

__all__ = ["Connection", "Drain", "EdgeConfig", "WireLimits"]

#: For an answer to leave, and the rest of a body to be thrown away, before a connection is cut.
_LINGER: Final = 2.0
#: Browsers send twenty or thirty.
_MOST_FIELDS: Final = 100
#: Of a chunked body's bytes, what may come beside them, over as much as a head may have: chunks of some fifty bytes.
_BESIDE: Final = 1 / 8
#: A digit, and two line ends.
_CHUNK_HEAD: Final = 5
#: Requests that wait for one of their own connection; browsers send none ahead.
_MOST_AHEAD: Final = 8
#: ``struct linger``: on, for no second.
_RESET: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class WireLimits:
    """Limits and timeouts of one server's connections.

    Attributes:
        connections: open at one time.
        head_seconds: for the head of a request.
        head_bytes: its size; 32 KiB as most servers.
        write_seconds: for a client to read what waits for it.
        unread: connections whose clients do not read what waits for them.
        unread_of_one: the same, of one address. A proxy is one address, and reads.
        keep_alive_seconds: between two requests.
        drain_seconds: after SIGTERM, until whoever is still at work is cut off.
        notice_seconds: after SIGTERM, during which new connections are still taken and /readyz says 503: as long as a
            balancer needs to see it.
    """

    connections: int = 1000
    head_seconds: float = 10.0
    head_bytes: int = 32 * 1024
    write_seconds: float = 20.0
    unread: int = 128
    unread_of_one: int = 32
    keep_alive_seconds: int = 15
    drain_seconds: int = 30
    notice_seconds: float = 1.0


class Drain:
    """Whether this process is about to end; ``/readyz`` says 503 from then on."""

    def __init__(self) -> None:
        self.begun = False


class EdgeConfig(uvicorn.Config):
    """uvicorn's configuration with what :class:`Connection` needs beside it."""

    def __init__(
        self, app: ASGIApp, limits: WireLimits, drain: Drain, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        super().__init__(
            app,
            http=Connection,
            interface="asgi3",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=limits.keep_alive_seconds,
            timeout_graceful_shutdown=limits.drain_seconds,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self.limits = limits
        self.drain = drain
        #: Connections that wait for their client, the longest-idle first.
        self.waiting: dict[Connection, None] = {}
        #: Those whose client does not read, by address; who has not read for the longest first.
        self.unread: dict[Connection, str] = {}

    def renew_certificate(self) -> None:
        """Read certificate and key again, for connections from now on. If they cannot be used, the old ones stay.

        Raises:
            StateError: ``server.certificate``: a file is not there, is no PEM, or the two do not belong together.
        """
        # A context of its own: into the old one a key of another kind would come beside the old key.
        again = uvicorn.Config(
            self.app, http=self.http, log_config=None, ssl_certfile=self.ssl_certfile, ssl_keyfile=self.ssl_keyfile
        )
        try:
            again.load()
        except OSError as error:
            # ssl.SSLError is one.
            raise StateError("server.certificate", found=type(error).__name__) from error
        self.ssl = again.ssl


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with the timeouts and caps of this module."""

    def __init__(self, config: EdgeConfig, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._limits = config.limits
        self._drain = config.drain
        self._waiting = config.waiting
        self._unread = config.unread
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._rest_timer: asyncio.TimerHandle | None = None
        self._head_size = 0
        self._arrived = 0
        #: Messages that have begun; of the one that is being read, whether its head is, and bytes that came since.
        self._begun = 0
        self._in_head = False
        self._chunks = 0
        self._body_size = 0
        self._beside = 0
        #: Whether the request that is being read has come whole.
        self._whole = True
        #: Whether a pipelined request waits until the answer before it has been read.
        self._next_waits = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            longest = next((each for each in self._waiting if not each.answering), next(iter(self._unread), None))
            if longest is None:
                self._refuse(503, "http.overloaded", "retry-after: 1\r\n")
                return
            longest.give_way()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        self._unread.pop(self, None)
        self._cancel_timers()
        super().connection_lost(exc)

    @property
    def answering(self) -> bool:
        """Whether an answer is on its way, which may be before the whole request has come."""
        return self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete

    def give_way(self) -> None:
        """End at once, for another one (promises 4 and 5)."""
        self._waiting.pop(self, None)
        self._unread.pop(self, None)
        self._cut()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._between_requests() and self._head_timer is None:
            self._await_head()
        reading_head = self._head_timer is not None
        begun, body_size = self._begun, self._body_size
        self._arrived = len(data)
        super().data_received(data)
        if begun == self._begun and not self._whole and not self.transport.is_closing():
            self._count_beside(len(data) - (self._body_size - body_size))
        if reading_head and self._head_timer is not None and not self.transport.is_closing():
            self._head_size += len(data)
            if self._head_size > self._limits.head_bytes:
                self._refuse(431, "http.headers_too_large")

    def _count_beside(self, size: int) -> None:
        """Bytes that were no body have come for a message that had begun before: of a head behind another request, or
        of what is around chunks."""
        self._beside += size
        if self._beside > self._most_beside():
            self._refuse(*((431, "http.headers_too_large") if self._in_head else (400, "http.bad_request")))

    def _most_beside(self) -> float:
        return self._limits.head_bytes + self._body_size * _BESIDE

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= _MOST_AHEAD:
            self.transport.abort()
            # 7: what the parser has of them is not looked at any more.
            raise httptools.HttpParserError
        self._whole = False
        self._begun += 1
        self._in_head, self._chunks, self._body_size, self._beside = True, 0, 0, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return
        super().on_header(name, value)
        if len(self.headers) > _MOST_FIELDS:
            self._refuse(431, "http.headers_too_large")
            raise httptools.HttpParserError

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        if self._head_is_too_large():
            self._refuse(431, "http.headers_too_large")
            raise httptools.HttpParserError
        self._in_head, self._beside = False, 0
        super().on_headers_complete()
        if self._drain.begun:
            self.cycle.keep_alive = False

    def _head_is_too_large(self) -> bool:
        # What has arrived is more than the head where a body follows at once: only then the fields are counted.
        if self._head_size + self._arrived <= self._limits.head_bytes:
            return False
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > self._limits.head_bytes

    def on_chunk_header(self) -> None:
        """httptools calls it at each chunk; of thousands in one read the first ones have to be enough."""
        self._chunks += 1
        if self._chunks * _CHUNK_HEAD > self._most_beside():
            raise httptools.HttpParserError

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._whole = True
        self._waiting.pop(self, None)
        super().on_message_complete()
        if self._rest_timer is not None:
            # The rest of an answered request has come after all: the next one may.
            self._rest_timer.cancel()
            self._rest_timer = None
            self._await_head()

    def on_response_complete(self) -> None:
        self._next_waits = self.flow.write_paused and bool(self.pipeline)
        if not self._next_waits:
            super().on_response_complete()
        if self.cycle.response_complete and not self._whole and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._rest_timer = self.loop.call_later(_LINGER, self._close)
        if self._waits_for_client() and not self.transport.is_closing():
            self._waiting[self] = None

    def pause_writing(self) -> None:
        super().pause_writing()
        mine = self._unread[self] = client_key(self.client[0] if self.client else "")
        alike = [each for each, key in self._unread.items() if key == mine]
        if len(alike) > self._limits.unread_of_one:
            alike[0].give_way()
        elif len(self._unread) > self._limits.unread:
            next(iter(self._unread)).give_way()
        self._write_timer = self.loop.call_later(self._limits.write_seconds, self._cut)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.pop(self, None)
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self._next_waits:
            self.on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def shutdown(self) -> None:
        if self._between_requests():
            self.loop.call_later(min(1.0, self._limits.head_seconds), self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "http.bad_request")

    def _between_requests(self) -> bool:
        return self.cycle is None or (self.cycle.response_complete and self._whole)

    def _waits_for_client(self) -> bool:
        """Whether nothing is to be done before the client sends more (promise 5)."""
        return self._between_requests() or self.cycle.response_complete or (not self.pipeline and self.cycle.more_body)

    def _may_answer(self) -> bool:
        """Whether what is written now is the answer to the request that is being read (promise 7)."""
        if self.cycle is None:
            return True
        if self._in_head or self._whole:
            return bool(self.cycle.response_complete)
        return not self.pipeline and not self.cycle.response_started

    def _await_head(self) -> None:
        self._head_size = 0
        self._waiting[self] = None
        self._head_timer = self.loop.call_later(self._limits.head_seconds, self._head_too_late)

    def _head_too_late(self) -> None:
        self._head_timer = None
        if self._head_size == 0 and self._whole:
            # Nothing was asked: browsers open connections ahead, and a 408 there would answer their next request.
            self._close()
        else:
            self._refuse(408, "http.timeout")

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cancel_timers(self) -> None:
        self._stop_head_timer()
        for timer in (self._write_timer, self._rest_timer):
            if timer is not None:
                timer.cancel()
        self._write_timer = self._rest_timer = None

    def _close_if_idle(self) -> None:
        if self._between_requests():
            self._close()

    def _close(self) -> None:
        """Close once what was written has left, and cut the connection if the client does not take it."""
        if not self.transport.is_closing():
            self.transport.close()
            self.loop.call_later(_LINGER, self.transport.abort)

    def _cut(self) -> None:
        """End at once. With a reset: the kernel would keep what nobody reads, megabytes of it, for minutes."""
        with contextlib.suppress(OSError, AttributeError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _refuse(self, status: int, code: str, headers: str = "") -> None:
        """Answer below the application, in English: what was sent is no request whose language could be asked."""
        if self.transport.is_closing():
            return
        self._stop_head_timer()
        if not self._may_answer():
            self._cut()
            return
        error = IcardError(code)
        problem = {"type": f"urn:icard:problem:{code}", "title": error.message(), "status": status, "code": code}
        body = json.dumps({**problem, "hint": error.hint()}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {PROBLEM_TYPE}\r\n{headers}"
            f"cache-control: no-store\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._close()
