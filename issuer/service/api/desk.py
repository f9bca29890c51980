"""The office's desk: the queue by legal day, who works on what, and the load of an office."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from issuer.permits import desk
from issuer.permits.desk import DeskLoad, QueueItem
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once

__all__ = ["endpoints"]

endpoints = Endpoints("The office's desk")

_DECIDES_ONE = Access("person", ("filing.decide",), owned="filing")
DeskCursor = Annotated[
    str,
    Query(
        pattern="^([01][0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9a-f]{32})?$",
        description="`next` of the page before; empty for the first page.",
    ),
]
Free = Annotated[bool, Query(description="Only what nobody has taken.")]


class TakenBody(BaseModel):
    """The application that was taken; null: nothing is left to take."""

    filing_id: str | None


@endpoints.at("GET", "/v1/queue", Access("account", ("filing.read",)))
def list_queue(call: CallOf, cursor: DeskCursor = "", limit: Limit = 50, free: Free = False) -> Page[QueueItem]:
    """Applications on which the office has to act, in the order of their legal days."""
    found = desk.queue(call.core, call.who, after=cursor, limit=limit + 1, free=free)
    return page(found, limit, lambda each: each.cursor)


@endpoints.at("POST", "/v1/queue/next", Access("person", ("filing.decide",)), creates=True)
def take_next(call: CallOf) -> TakenBody:
    """Take the first application that nobody has taken."""
    name = once(call, lambda request: desk.take_next(call.core, call.who, request), lambda filing_id: filing_id)
    return TakenBody(filing_id=name)


@endpoints.at("PUT", "/v1/filings/{filing_id}/taken", _DECIDES_ONE, status=204)
def take(call: CallOf, filing_id: Id) -> None:
    """Say that one works on an application."""
    desk.take(call.core, call.who, filing_id)


@endpoints.at("DELETE", "/v1/filings/{filing_id}/taken", _DECIDES_ONE, status=204)
def give_back(call: CallOf, filing_id: Id) -> None:
    """Say that nobody works on an application."""
    desk.give_back(call.core, call.who, filing_id)


@endpoints.at("GET", "/v1/load", Access("person", ("filing.lead",)))
def show_load(call: CallOf) -> DeskLoad:
    """What lies on the desk of one's office: by state, overdue, going on by law, by who has taken it."""
    return desk.office_load(call.core, call.who)
