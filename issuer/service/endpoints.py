"""Endpoints as values: method, path, access, what they answer and which problems, in one place for each subject.

Promises:

1. What an endpoint may answer is worked out from what it declares, so the description of the service names every
   status that the guard, the edge and the endpoint itself can give.
2. Ids in paths are 32 hexadecimal digits; nothing else of a person's is ever in a path or a query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, FastAPI, Path, Query
from pydantic import BaseModel, Field

from issuer.db.pages import LONGEST
from verifier.service import edge

from .access import Access, Guard

__all__ = ["Body", "Cursor", "Endpoint", "Endpoints", "HexId", "Id", "Limit", "Page", "ProblemBody", "page"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

#: An id in a body.
HexId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hexadecimal digits.")]
Cursor = Annotated[
    str, Query(pattern="^[0-9a-f]{0,32}$", description="`next` of the page before; empty for the first page.")
]
Limit = Annotated[int, Query(ge=1, le=LONGEST, description="Entries of a page.")]


class Body(BaseModel, extra="forbid"):
    """A request's body: fields that are not known are refused."""


class FieldBody(BaseModel):
    """What is wrong with one field."""

    pointer: str
    code: str
    message: str
    expected: str | None = None


class ProblemBody(BaseModel):
    """A problem (RFC 9457): why a request was refused, or failed."""

    type: str
    title: str
    status: int
    instance: str
    code: str
    hint: str
    path: str | None = None
    offset: int | None = None
    expected: str | None = None
    found: str | None = None
    errors: list[FieldBody] | None = None


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
    """

    method: str
    path: str
    function: Callable[..., Any]
    access: Access
    status: int = 200
    creates: bool = False
    changes: bool = False
    body: bool = False
    problems: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    also: dict[int, str] = field(default_factory=dict)


class Endpoints:
    """The endpoints of one subject, in the order in which they are shown.

    Args:
        subject: the heading that they stand under.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._all: list[Endpoint] = []

    def at(self, method: str, path: str, access: Access, **options: Any) -> Callable[[F], F]:
        """Declare the endpoint that the decorated function is; options as in :class:`Endpoint`."""

        def declared(function: F) -> F:
            body = any(name == "body" for name in function.__annotations__)
            self._all.append(Endpoint(method, path, function, access, body=body, **options))
            return function

        return declared

    def join(self, app: FastAPI) -> None:
        """Make them the application's."""
        for one in self._all:
            media = {name: {"schema": {"type": "string"}} for name in one.types}
            good: dict[str, Any] = {"content": media} if media else {}
            app.add_api_route(
                one.path,
                one.function,
                methods=[one.method],
                status_code=one.status,
                tags=[self._subject],
                dependencies=[Depends(Guard(one.access, keyed=one.creates))],
                responses={
                    **({one.status: good} if good else {}),
                    **{status: {"description": words} for status, words in one.also.items()},
                    **{status: _problem(status) for status in _statuses(one)},
                },
                openapi_extra=_extra(one),
                response_model_exclude_none=False,
            )


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


def _statuses(one: Endpoint) -> list[int]:
    found = {400, 408, 413, 415, 422, 429, 500, 503, *one.problems}
    if one.access.asks != "anyone":
        found |= {401, 403}
    elif one.method not in ("GET", "HEAD"):
        found.add(403)
    if one.access.owned is not None:
        found.add(404)
    if one.creates:
        found.add(409)
    if one.changes:
        found |= {412, 428}
    return sorted(found)


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _MEANINGS[status],
        "model": ProblemBody,
        "content": {edge.PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }


def _extra(one: Endpoint) -> dict[str, Any]:
    parameters = []
    if one.creates:
        parameters.append(_header("Idempotency-Key", "^[A-Za-z0-9_-]{16,128}$", "Of this request and its repeats."))
    if one.changes:
        parameters.append(_header("If-Match", '^"[0-9]{1,15}"$', "The ETag of what is changed."))
    access = {"asks": one.access.asks, "rights": list(one.access.rights), "fresh_code": one.access.fresh}
    ways: dict[str, list[dict[str, list[str]]]] = {"anyone": [], "account": [{"session": []}, {"token": []}]}
    security = ways.get(one.access.asks, [{"session": []}])
    return {"parameters": parameters, "security": security, "x-access": access}


def _header(name: str, pattern: str, words: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": True, "schema": schema, "description": words}
