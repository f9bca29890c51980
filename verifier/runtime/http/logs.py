"""Logs: JSON lines that say what was done, not for whom.

Promises:

1. One line a request: method, route template, status, milliseconds, request id, and of one that was refused or failed
   the code, also where the client got only an internal error. What the service failed at is a warning. Never
   the path, the query, a header, an address or a body. The access log of uvicorn is off.
2. A fault that nobody foresaw is logged by its type and the places in the code that it passed; its text, which may
   quote what was sent, is not. An :class:`~icard_crypto.errors.IcardError` adds its code.
3. Lines of libraries (uvicorn, SQLAlchemy) come out in the same form, their tracebacks cut down as in 2. The HTTP
   client's line for each request, which holds the whole address, is not written.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import structlog
from starlette.types import Message, Receive, Scope, Send
from structlog.typing import EventDict, WrappedLogger

from icard_crypto.errors import IcardError

from .middleware import Middleware
from .problems import noted_code
from .request_ids import request_id
from .routes import known_method, route_template

__all__ = ["RequestLog", "configure_logs", "log_fault"]

_log: structlog.stdlib.BoundLogger = structlog.get_logger("icard.http")
_requests: Final = logging.getLogger("icard.http")
_MOST_FRAMES: Final = 12
#: From this status on it was the service that failed.
_FAILED: Final = 500
#: The status of a request whose client went away before there was an answer, as nginx writes it.
_CLIENT_GONE: Final = 499


def fault_fields(error: BaseException) -> dict[str, Any]:
    """What may be said about a fault: its type, its code and where it was raised (promise 2)."""
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    fields: dict[str, Any] = {
        "fault": type(error).__qualname__,
        "at": [f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in frames],
    }
    if isinstance(error, IcardError):
        fields["code"] = error.code
    if error.__cause__ is not None:
        fields["cause"] = type(error.__cause__).__qualname__
    return fields


def log_fault(error: BaseException, scope: Scope | None = None) -> None:
    """Log a fault of which the client learns nothing; without a scope it is of no request."""
    asked = {} if scope is None else {"route": route_template(scope), "id": request_id(scope)}
    _log.error("fault", **asked, **fault_fields(error))


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _cut_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event.update(fault_fields(found))
    event.pop("exc_text", None)
    return event


def configure_logs(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Write every log line of this process as JSON.

    Args:
        level: the least level that is written, of all libraries.
        stream: where to; standard error when none is given.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _cut_traceback,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        _Form(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    # No line names them, and each record would look them up.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
    for client in ("httpx", "httpcore"):
        logging.getLogger(client).setLevel(max(logging.WARNING, logging.getLogger().level))


def _level_of(status: int) -> int:
    return logging.WARNING if status >= _FAILED else logging.INFO


class _Line(logging.LogRecord):
    """The record of a request: a line that is written already, for structlog's way to it costs ten times as much."""

    def __init__(self, scope: Scope, status: int, took: float) -> None:
        super().__init__(_requests.name, _level_of(status), "", 0, None, None, None)
        known = noted_code(scope)
        level_name = self.levelname.lower()
        named = "" if known is None else f'"code": "{known}", '
        self.msg = (
            f'{{"method": "{known_method(scope)}", "route": "{route_template(scope)}", "status": {status}, '
            f'"ms": {took}, "id": "{request_id(scope)}", {named}"event": "request", "level": "{level_name}", '
            f'"logger": "{self.name}", "timestamp": "{_stamp(self.created)}"}}'
        )


class _Form(structlog.stdlib.ProcessorFormatter):
    """Lines of JSON, of everything that is logged."""

    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage() if isinstance(record, _Line) else super().format(record)


class RequestLog(Middleware):
    """ASGI: one line a request (promise 1)."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = _CLIENT_GONE

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            took = round((time.perf_counter() - begun) * 1000, 1)
            if _requests.isEnabledFor(_level_of(status)):
                _requests.handle(_Line(scope, status, took))
