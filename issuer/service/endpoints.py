"""Endpoints as values: method, path, access, what they answer and which problems, in one place for each subject.

Promises:

1. What an endpoint may answer is worked out from what it declares, so the description of the service names every
   status that the guard, the edge and the endpoint itself can give, and none that it cannot. A problem has one form,
   ``application/problem+json``.
2. Ids in paths are 32 hexadecimal digits; nothing else of a person's is ever in a path or a query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, Final, Generic, TypedDict, TypeVar, Unpack

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Response
from fastapi.datastructures import Default
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from issuer.db.pages import LONGEST
from issuer.rules.days import FIRST_DAY, LAST_DAY
from verifier.runtime import http

from .access import Access, Guard
from .cookies import SESSION
from .costly import apart
from .described import GOOD, HEADERS, PROBLEM, WHOLE, described, subject_words

__all__ = [
    "Body",
    "Cursor",
    "Day",
    "Endpoint",
    "Endpoints",
    "HexId",
    "Id",
    "Limit",
    "Page",
    "ProblemBody",
    "describe",
    "page",
]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

#: An id in a body.
HexId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["2cb2ca8b2093a2212a2f5d74ee8dfd81"])]
#: A day in a body or a query.
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hexadecimal digits.")]
Cursor = Annotated[
    str, Query(pattern="^[0-9a-f]{0,32}$", description="`next` of the page before; empty for the first page.")
]
Limit = Annotated[int, Query(ge=1, le=LONGEST, description="Entries of a page.")]


class Body(BaseModel, extra="forbid"):
    """A request's body: fields that are not known are refused."""


class FieldBody(BaseModel):
    """What is wrong with one field."""

    pointer: Annotated[str, Field(description="Where it stands: in `/body`, `/query` or `/path`.")]
    code: str
    message: str
    expected: str | None = None
    rule: Annotated[str | None, Field(description="The rule that says so, with its source and how certain it is.")] = (
        None
    )


class ProblemBody(BaseModel, json_schema_extra={"examples": [PROBLEM]}):
    """A problem (RFC 9457): why a request was refused, or failed."""

    type: str
    title: Annotated[str, Field(description="What is wrong, in the language that was asked for.")]
    status: int
    instance: Annotated[str, Field(description="The request's id, as in X-Request-Id and in the service's log.")]
    code: Annotated[str, Field(description="What is wrong, for programs: it stays.")]
    hint: Annotated[str, Field(description="What to do.")]
    path: Annotated[str | None, Field(description="What it is about: a field, or a header.")] = None
    offset: int | None = None
    expected: str | None = None
    found: str | None = None
    errors: Annotated[list[FieldBody] | None, Field(description="Every field that cannot be used.")] = None


class Page(BaseModel, Generic[T]):
    """A page of a list. ``next``: the cursor of the page behind it; null: this is the last one."""

    items: list[T]
    next: str | None


def page(items: Sequence[T], limit: int, name: Callable[[T], str]) -> Page[T]:
    """A page of what was asked for with one entry more than ``limit``.

    Args:
        name: by which the list is ordered.
    """
    more = len(items) > limit
    kept = list(items[:limit])
    return Page(items=kept, next=name(kept[-1]) if more else None)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of the service.

    Attributes:
        creates: whether it needs an Idempotency-Key.
        changes: whether it needs If-Match.
        problems: statuses beyond those that follow from the rest.
        types: media types of its answer, where that is no JSON.
        takes: media types of its body, where that is no JSON.
        also: further statuses and what they say; before the problem of that status, where there is one.
        head: whether HEAD is answered too, by the same function.
        costly: whether it takes long, and is done in the room for that (:mod:`issuer.service.costly`).
    """

    method: str
    path: str
    function: Callable[..., Any]
    access: Access
    status: int = 200
    creates: bool = False
    changes: bool = False
    problems: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    also: dict[int, str] = field(default_factory=dict)
    head: bool = False
    costly: bool = False


class EndpointOptions(TypedDict, total=False):
    """What an endpoint may say about itself beside what it must; see :class:`Endpoint`."""

    status: int
    creates: bool
    changes: bool
    problems: tuple[int, ...]
    types: tuple[str, ...]
    takes: tuple[str, ...]
    also: dict[int, str]
    head: bool
    costly: bool


class Endpoints:
    """The endpoints of one subject, in the order in which they are shown.

    Args:
        subject: the heading that they are under.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._all: list[Endpoint] = []

    def at(self, method: str, path: str, access: Access, **options: Unpack[EndpointOptions]) -> Callable[[F], F]:
        """Declare the endpoint that the decorated function is; options as in :class:`Endpoint`."""

        def declared(function: F) -> F:
            self._all.append(Endpoint(method, path, function, access, **options))
            return function

        return declared

    @property
    def tag(self) -> dict[str, str]:
        """The subject as a tag of OpenAPI."""
        return {"name": self._subject, "description": subject_words(self._all[0].function)}

    def join(self, router: APIRouter) -> None:
        """Make them the router's."""
        for one in self._all:
            self._add(router, one)
            if one.head:
                self._add(router, replace(one, method="HEAD"))

    def _add(self, router: APIRouter, one: Endpoint) -> None:
        router.add_api_route(
            one.path,
            apart(one.function) if one.costly else one.function,
            methods=[one.method],
            status_code=one.status,
            tags=[self._subject],
            description=described(one.function, one.access),
            response_description=GOOD.get(one.status, "What was asked for."),
            dependencies=[Depends(Guard(one.access, keyed=one.creates))],
            responses={
                **_good(one),
                **{status: _problem(status, one.method) for status in _statuses(one)},
                **{status: {"description": words} for status, words in one.also.items()},
            },
            # That one has no media type of its own: JSON is not named beside those of the endpoint.
            response_class=Response if one.types else Default(JSONResponse),
            openapi_extra=_extra(one),
            response_model_exclude_none=False,
        )


def describe(app: FastAPI, subjects: Sequence[Endpoints]) -> None:
    """Add to the application's OpenAPI what it says about the whole, and what endpoints refer to: subjects, the form of
    problems, and the ways to say who asks."""
    app.description, app.openapi_tags = WHOLE, [subject.tag for subject in subjects]
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            components = plain().setdefault("components", {})
            _, forms = models_json_schema([(ProblemBody, "serialization")], ref_template=_SCHEMAS + "{model}")
            components.setdefault("schemas", {}).update(forms["$defs"])
            components["securitySchemes"] = _SCHEMES
        return plain()

    app.openapi = whole  # type: ignore[method-assign]


_SCHEMAS: Final = "#/components/schemas/"
_SCHEMES: Final = {
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION, "description": "A person who has logged in."},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "`csrf` of the session."},
    "token": {"type": "http", "scheme": "bearer", "description": "A program, by the text of an API token."},
}
_MEANINGS: Final = {
    400: "The request cannot be understood, or lacks a usable Idempotency-Key.",
    401: "Who asks is not known, or no longer.",
    403: "This account may not do that, or not in this way.",
    404: "It is not there, or not this account's.",
    408: "The request did not arrive in time.",
    409: "The state of things does not allow it.",
    412: "It was changed in the meantime: If-Match names another version.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "Values cannot be used; `errors` or `path` name them.",
    428: "If-Match is missing.",
    429: "Too often; Retry-After says how long to wait.",
    500: "Something went wrong in the service.",
    503: "Too much to do, or a part is not ready; Retry-After says how long to wait.",
}


#: Parameters of functions that come from the guard and the framework, not from the request.
_OURS: Final = frozenset({"call", "request", "response", "return"})


def _statuses(one: Endpoint) -> list[int]:
    found = {429, 500, 503, *one.problems}
    safe = one.method in ("GET", "HEAD")
    if not safe:
        # Whoever sends a body where none is asked for is refused by the same rules.
        found |= {400, 408, 413, 415}
    if one.creates or one.function.__annotations__.keys() - _OURS:
        found.add(422)
    if one.access.asks != "anyone":
        found |= {401, 403}
    elif not safe:
        found.add(403)
    if one.access.owned is not None:
        found.add(404)
    if one.creates:
        found.add(409)
    if one.changes:
        found |= {412, 428}
    return sorted(found)


def _good(one: Endpoint) -> dict[int | str, dict[str, Any]]:
    shown = {"text": {"type": "string"}, "json": {"type": "object"}}
    binary = {"type": "string", "format": "binary"}
    kinds = {name: "json" if name == "application/json" else name.partition("/")[0] for name in one.types}
    media = {name: {"schema": shown.get(kind, binary)} for name, kind in kinds.items()}
    good: dict[str, Any] = {"content": media} if media and one.method != "HEAD" else {}
    if one.changes and one.method != "DELETE":
        good["headers"] = {"ETag": HEADERS["ETag"]}
    return {one.status: good} if good else {}


def _problem(status: int, method: str) -> dict[str, Any]:
    problem: dict[str, Any] = {"description": _MEANINGS[status]}
    if method != "HEAD":
        problem["content"] = {http.PROBLEM_TYPE: {"schema": {"$ref": f"{_SCHEMAS}ProblemBody"}}}
    if status in (429, 503):
        problem["headers"] = {"Retry-After": HEADERS["Retry-After"]}
    return problem


def _extra(one: Endpoint) -> dict[str, Any]:
    parameters = []
    if one.creates:
        parameters.append(_header("Idempotency-Key", "^[A-Za-z0-9_-]{16,128}$", "Its repeats have the same."))
    if one.changes:
        parameters.append(_header("If-Match", '^"[0-9]{1,15}"$', "The ETag of what is changed, as last seen."))
    access = {"asks": one.access.asks, "rights": list(one.access.rights), "fresh_code": one.access.fresh}
    session: dict[str, list[str]] = {"session": [], **({} if one.method in ("GET", "HEAD") else {"csrf": []})}
    ways = [] if one.access.asks == "anyone" else [session, *([{"token": []}] if one.access.by_token else [])]
    found: dict[str, Any] = {"parameters": parameters, "security": ways, "x-access": access}
    if one.takes:
        schema = {"type": "string", "format": "binary"}
        found["requestBody"] = {"required": True, "content": {name: {"schema": schema} for name in one.takes}}
    return found


def _header(name: str, pattern: str, words: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": True, "schema": schema, "description": words}
