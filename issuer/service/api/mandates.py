"""Mandates: an agency acts for an employer, until an end.

A mandate has no version and its change needs no If-Match: the only change is its end, and to end one that has ended
changes nothing.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Response
from pydantic import BaseModel, Field

from issuer.accounts import mandate_handlers, mandates
from issuer.accounts.mandate_handlers import HandlerView
from issuer.accounts.mandates import MandateView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once
from issuer.service.objects import MANDATE

__all__ = ["endpoints"]

endpoints = Endpoints("Mandates")

_SEES: Final = ("mandate.manage", "mandate.read_own")
_HANDLERS: Final = "/v1/mandates/{mandate_id}/handlers"

#: Unix time, up to the end of the year 9999.
Time = Annotated[int, Field(ge=0, le=253_402_300_799, strict=True, examples=[1_795_593_600])]


class NewMandateBody(Body):
    """A mandate from ``begins_at`` until before ``ends_at``, at most 5 years later. An employer gives its own."""

    agency_id: HexId
    employer_id: HexId
    begins_at: Time
    ends_at: Time


@endpoints.at(
    "POST",
    "/v1/mandates",
    Access("person", ("mandate.give",)),
    status=201,
    creates=True,
    problems=(404, 409),
)
def give_mandate(call: CallOf, body: NewMandateBody, response: Response) -> MandateView:
    """Let an agency act for one's own organisation, an employer."""
    made = once(
        call,
        lambda request: mandates.give_mandate(
            call.core, call.who, body.agency_id, body.employer_id, body.begins_at, body.ends_at, request
        ),
        lambda mandate_id: mandates.show_mandate(call.core, call.who, mandate_id),
    )
    response.headers["Location"] = f"/v1/mandates/{made.mandate_id}"
    return made


@endpoints.at("GET", "/v1/mandates", Access("account", _SEES))
def list_mandates(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[MandateView]:
    """One's own organisation's mandates, ended ones too, or all for who manages them."""
    found = mandates.list_mandates(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.mandate_id)


@endpoints.at("GET", "/v1/mandates/{mandate_id}", Access("account", _SEES, owned="mandate"))
def show_mandate(call: CallOf, mandate_id: Id) -> MandateView:
    """A mandate."""
    return call.loaded(MANDATE)


@endpoints.at("POST", "/v1/mandates/{mandate_id}/end", Access("person", _SEES, owned="mandate"), status=204)
def end_mandate(call: CallOf, mandate_id: Id) -> None:
    """End a mandate now, by either side; one that has ended is no error."""
    mandates.end_mandate(call.core, call.who, mandate_id)


class NewHandlerBody(Body):
    """Somebody of the agency, by the account."""

    account_id: HexId


class HandlersBody(BaseModel):
    """The handlers of a mandate, those who act now first."""

    handlers: list[HandlerView]


@endpoints.at("GET", _HANDLERS, Access("account", _SEES, owned="mandate"))
def list_handlers(call: CallOf, mandate_id: Id) -> HandlersBody:
    """Who of the agency acts under a mandate; nobody was named: everyone of the agency."""
    return HandlersBody(handlers=mandate_handlers.list_handlers(call.core, call.who, mandate_id))


@endpoints.at("POST", _HANDLERS, Access("person", _SEES, owned="mandate"), status=201, creates=True)
def name_handler(call: CallOf, mandate_id: Id, body: NewHandlerBody) -> HandlersBody:
    """Name somebody of the agency, by the agency. From the first one on, only those who are named act."""
    once(
        call,
        lambda request: (
            mandate_handlers.name_handler(call.core, call.who, mandate_id, body.account_id, request).handler_id
        ),
        lambda handler_id: handler_id,
    )
    return HandlersBody(handlers=mandate_handlers.list_handlers(call.core, call.who, mandate_id))


@endpoints.at("POST", f"{_HANDLERS}/{{handler}}/end", Access("person", _SEES, owned="mandate"), status=204)
def end_handler(call: CallOf, mandate_id: Id, handler: Id) -> None:
    """End a handler now, by either side; one who has ended is no error."""
    mandate_handlers.end_handler(call.core, call.who, mandate_id, handler)
