"""A FastAPI application whose every fault is a problem.

Promises:

1. Values that FastAPI refuses are 422 ``http.invalid`` with the fields named: only names that the service itself has,
   and what it expected; never what was sent. A body that is no JSON, or that has a member of an object twice, is 400
   ``http.bad_request``.
2. Unknown addresses are 404, wrong methods 405 with Allow, each as a problem.
3. An :class:`~icard_crypto.errors.IcardError` is shown with its own code where :class:`~.problems.Statuses` knows a
   status for it; anything else is 500 ``http.internal`` without detail, and is logged by type and place alone.
4. The service's description is written once, not for each who asks.
5. Nothing of a request reaches a telemetry exporter, whatever the environment says; the interactive pages of FastAPI,
   which load scripts from elsewhere, are off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from icard_crypto.errors import IcardError

from .json_bodies import MembersOnce
from .logs import log_fault
from .pieces import InPieces
from .problems import FieldFault, Problem, Statuses, is_field_name, note_code, problem_response

__all__ = ["new_app"]

#: FastAPI's own OpenTelemetry, which would export exception texts; an older FastAPI ignores the argument.
_TELEMETRY: Final[Any] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,60}")
#: Pydantic's names of errors (its documentation, "Validation Errors"), by the code that they are shown as.
_KINDS: Final = (
    ("missing", "http.field_missing"),
    ("extra_forbidden", "http.field_unknown"),
    ("unexpected_keyword_argument", "http.field_unknown"),
    ("too_long", "http.field_length"),
    ("too_short", "http.field_length"),
    ("than", "http.field_range"),
    ("than_equal", "http.field_range"),
    ("multiple_of", "http.field_range"),
    ("_type", "http.field_type"),
)
#: Of an error's context only what the service itself declared; ``{"expected": "'A' or 'B'"}`` of an enumeration.
_DECLARED: Final = {
    "expected": "{}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "multiple_of": "a multiple of {}",
    "pattern": "the pattern {}",
}
#: What a value should have been, by the beginning of the error's name.
_TYPES: Final = {
    "int_": "an integer",
    "float_": "a number",
    "string_": "text",
    "bool_": "true or false",
    "list_": "a list",
    "mapping_": "an object",
    "dict_": "an object",
    "model_": "an object",
}
_BY_STATUS: Final = {
    400: "http.bad_request",
    401: "http.unauthenticated",
    403: "http.forbidden",
    404: "http.not_found",
    405: "http.method",
    406: "http.not_acceptable",
    413: "http.too_large",
    415: "http.content_type",
}


def new_app(
    statuses: Statuses | None = None,
    *,
    title: str,
    version: str = "1",
    description: str = "",
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    reads_bodies: bool = True,
) -> FastAPI:
    """An application that keeps the promises of this module. An address has one form: none is redirected to another.

    Args:
        statuses: where the status of an error doesn't follow from its kind.
        title, version, description: of the service, for OpenAPI.
        lifespan: what runs while the application does.
        reads_bodies: whether JSON bodies are looked at before anything else; not where each route does so itself.
    """
    known = statuses or Statuses()
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # A redirect would name whatever Host was sent, or the address that this process has behind its proxy.
        redirect_slashes=False,
        telemetry=_TELEMETRY,
    )

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, IcardError)  # noqa: S101 - registered for this class below
        problem = known.problem(error)
        note_code(request.scope, error.code)
        if problem.code == "http.internal":
            log_fault(error, request.scope)
        return problem_response(problem, request.scope)

    _describe_once(app)
    if reads_bodies:
        app.add_middleware(MembersOnce)
    app.add_exception_handler(IcardError, refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _foreign)
    app.add_exception_handler(Exception, _unforeseen)
    return app


def _describe_once(app: FastAPI) -> None:
    """Promise 4: FastAPI's own address writes its 50 KB and more again for every request."""
    path = app.openapi_url
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", None) != path]
    written: list[tuple[object, bytes]] = []

    async def description(_: Request) -> Response:
        schema = app.openapi()
        if not written or written[0][0] is not schema:
            written[:] = [(schema, json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode())]
        return InPieces(written[0][1], media_type="application/json")

    if path is not None:
        app.add_route(path, description, include_in_schema=False)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class above
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem_response(Problem("http.bad_request", expected="JSON"), request.scope)
    return problem_response(Problem("http.invalid", errors=[_fault_of(fault) for fault in faults]), request.scope)


def _fault_of(fault: Any) -> FieldFault:
    kind = str(fault["type"])
    code = next((code for ending, code in _KINDS if kind.endswith(ending)), "http.field_format")
    place = list(fault["loc"])
    if code == "http.field_unknown":
        # The last part is a name that the client made up.
        name = str(place.pop())
        place += [name] if is_field_name(name) else []
    names = [str(part) for part in place if isinstance(part, int) or _NAME.fullmatch(part)]
    context = fault.get("ctx", {})
    declared = [words.format(context[name]) for name, words in _DECLARED.items() if context.get(name) is not None]
    wanted = next((words for beginning, words in _TYPES.items() if kind.startswith(beginning)), None)
    return FieldFault("/" + "/".join(names), code, ", ".join(declared) or wanted)


async def _foreign(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class above
    code = _BY_STATUS.get(error.status_code, "http.internal" if error.status_code >= 500 else "http.bad_request")
    return problem_response(Problem(code, headers=error.headers), request.scope)


async def _unforeseen(request: Request, error: Exception) -> Response:
    # Starlette raises it again behind this answer: stack.Catch logs it there, once.
    return problem_response(Problem("http.internal"), request.scope)
