"""Lists of rows, worked through a part at a time: registrations, extensions, cancellations, submissions.

A list is sent as a whole, looked at (``checking``, then ``ready``), started, and done (``running``, then ``done``).
Each ``advance`` goes on for about a second and answers how far the list is: call it until the state is ``ready`` or
``done``. A row is done once, however often it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Response
from pydantic import BaseModel, FailFast, Field

from icard_crypto.errors import Invalid
from issuer.batches import lists
from issuer.batches.lists import MOST_ROWS, BatchView, RowOutcome
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once
from issuer.service.lists import FILINGS, Handler, advance, begin_filing, made_filings, rows_of_permits, submit
from issuer.service.objects import BATCH

from .insurance import RegistrationBody, RowFault, register_one

__all__ = ["HANDLERS", "endpoints"]

endpoints = Endpoints("Lists")

#: What looking at a row comes to and doing it does, by kind.
HANDLERS: Final[Mapping[str, Handler]] = {
    "registration": register_one,
    "extension": begin_filing("extension"),
    "cancellation": begin_filing("cancellation"),
    "submission": submit,
}
_RIGHTS: Final = ("filing.file", "insurance.register")
_ONE: Final = Access("account", _RIGHTS, owned="batch")
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "registration": tuple(RegistrationBody.model_fields),
    **{kind: ("number", *columns) for kind, columns in FILINGS.items()},
}

Cell = Annotated[str, Field(max_length=200)]


class NewListBody(Body):
    """A list of one kind. ``rows``: by column, all values as text; ``plain``: answer each question of an extension or a
    cancellation that has not to do with the rows (promotion, dependants and so on) with no."""

    kind: Literal["registration", "extension", "cancellation"]
    rows: Annotated[
        list[Annotated[dict[Cell, Cell], Field(max_length=40)]],
        Field(min_length=1, max_length=MOST_ROWS, examples=[[{"number": "310115202600000001", "until": "2027-03-31"}]]),
        # One row that cannot be read is enough: what is wrong with 5,000 would be a million times as much.
        FailFast(),
    ]
    plain: bool = False


class ListRowBody(BaseModel):
    """A row, from 1, with what it made or why it was refused; neither: it was found good, or nothing happened yet.

    ``also``: what else is wrong with it.
    """

    number: int
    made: str | None
    code: str | None
    path: str | None
    message: dict[str, str] | None
    also: list[RowFault] = Field(default_factory=list)


class ListRowsBody(BaseModel):
    """Some rows of a list; ``next``: the number to go on after, or nothing more."""

    rows: list[ListRowBody]
    next: int | None


@endpoints.at("POST", "/v1/lists", Access("account", _RIGHTS), status=201, creates=True, costly=True)
def begin_list(call: CallOf, body: NewListBody, response: Response) -> BatchView:
    """Send a list, of which nothing has been looked at yet."""
    unknown = sorted({name for row in body.rows for name in row} - set(_COLUMNS[body.kind]))
    if unknown:
        raise Invalid("batch.columns", path="rows", expected=", ".join(_COLUMNS[body.kind]))
    rows: list[dict[str, Any]] = [dict(row) for row in body.rows]
    if body.kind in FILINGS:
        rows = rows_of_permits(call.core, call.who, body.kind, rows, plain=body.plain)
    made = once(
        call,
        lambda request: lists.begin(call.core, call.who, body.kind, rows, request),
        lambda batch_id: batch_id,
    )
    response.headers["Location"] = f"/v1/lists/{made}"
    return lists.show(call.core, call.who, made)


@endpoints.at("GET", "/v1/lists", Access("account", _RIGHTS))
def list_lists(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[BatchView]:
    """One's own lists, with how far each is."""
    found = lists.list_batches(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.batch_id)


@endpoints.at("GET", "/v1/lists/{batch_id}", _ONE)
def show_list(call: CallOf, batch_id: Id) -> BatchView:
    """How far a list is."""
    return call.loaded(BATCH)


@endpoints.at("GET", "/v1/lists/{batch_id}/rows", _ONE, costly=True)
def list_rows(
    call: CallOf,
    batch_id: Id,
    refused: Annotated[bool, Query(description="Those alone that were refused.")] = False,
    after: Annotated[int, Query(ge=0, le=MOST_ROWS, description="The number of the last row before.")] = 0,
    limit: Limit = 50,
) -> ListRowsBody:
    """What became of the rows, in their order."""
    found = [row for row in lists.rows_of(call.core, call.who, batch_id, refused=refused) if row.number >= after]
    shown = found[:limit]
    return ListRowsBody(rows=[_row(one) for one in shown], next=shown[-1].number + 1 if len(found) > limit else None)


@endpoints.at("POST", "/v1/lists/{batch_id}/advance", _ONE, costly=True)
def advance_list(call: CallOf, batch_id: Id) -> BatchView:
    """Look at rows, or do them, for about a second; of a list that waits or is done, nothing."""
    kind = lists.show(call.core, call.who, batch_id).kind
    return advance(call, batch_id, HANDLERS[kind])


@endpoints.at("POST", "/v1/lists/{batch_id}/start", _ONE, problems=(409,))
def start_list(call: CallOf, batch_id: Id) -> BatchView:
    """Begin to do the rows that were found good; of a list that has begun already, nothing."""
    lists.start(call.core, call.who, batch_id)
    return lists.show(call.core, call.who, batch_id)


@endpoints.at("POST", "/v1/lists/{batch_id}/submission", _ONE, status=201, creates=True)
def submit_made(call: CallOf, batch_id: Id, response: Response) -> BatchView:
    """Make a list of the applications that a list began, to submit those that are complete."""
    rows = made_filings(call.core, call.who, batch_id)
    made = once(
        call,
        lambda request: lists.begin(call.core, call.who, "submission", rows, request),
        lambda batch_id: batch_id,
    )
    response.headers["Location"] = f"/v1/lists/{made}"
    return lists.show(call.core, call.who, made)


def _row(one: RowOutcome) -> ListRowBody:
    outcome = one.outcome
    if outcome is None:
        return ListRowBody(number=one.number + 1, made=None, code=None, path=None, message=None)
    message = None if outcome.code is None else {"en": outcome.en, "zh": outcome.zh}
    also = [
        RowFault(code=each.code or "", path=each.path, message={"en": each.en, "zh": each.zh}) for each in outcome.also
    ]
    return ListRowBody(
        number=one.number + 1,
        made=outcome.made,
        code=outcome.code,
        path=outcome.path,
        message=message,
        also=also,
    )
