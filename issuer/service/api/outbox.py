"""Pending and dead deliveries of notices, for administrators. Contents are never shown."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from issuer.delivery import outbox_admin
from issuer.delivery.outbox_admin import Figures, OutboxView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Cursor, Endpoints, Id, Limit, Page, page
from issuer.service.objects import LETTER

from .cards import ReasonBody

__all__ = ["endpoints"]

endpoints = Endpoints("Outbox")

_WATCH = Access("person", ("notice.watch",))
_ONE = Access("person", ("notice.watch",), owned="letter")


@endpoints.at("GET", "/v1/outbox", _WATCH)
def list_outbox(
    call: CallOf,
    state: Annotated[
        Literal["open", "waiting", "dead", "sent", "dropped"], Query(description="`open`: what waits and what is dead.")
    ] = "open",
    channel: Literal["email", "webhook"] | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[OutboxView]:
    """Letters, oldest first: of each notice one for every channel and webhook."""
    states = outbox_admin.OPEN if state == "open" else (state,)
    found = outbox_admin.listed(call.core, states, channel=channel, after=cursor, most=limit + 1)
    return page(found, limit, lambda letter: letter.id)


@endpoints.at("GET", "/v1/outbox/figures", _WATCH)
def show_figures(call: CallOf) -> dict[str, Figures]:
    """How many wait and are dead on each channel, and the age of the oldest that waits, in seconds."""
    return outbox_admin.figures(call.core)


@endpoints.at("GET", "/v1/outbox/{letter_id}", _ONE)
def show_letter(call: CallOf, letter_id: Id) -> OutboxView:
    """How often a letter was tried, and what its last fault was."""
    return call.loaded(LETTER)


@endpoints.at("POST", "/v1/outbox/{letter_id}/retry", _ONE, status=204, problems=(409,))
def retry_letter(call: CallOf, letter_id: Id, body: ReasonBody) -> None:
    """Send a dead or dropped letter again, with its full delivery time."""
    outbox_admin.retry(call.core, [letter_id], call.who.by(body.reason))


@endpoints.at("POST", "/v1/outbox/{letter_id}/drop", _ONE, status=204, problems=(409,))
def drop_letter(call: CallOf, letter_id: Id, body: ReasonBody) -> None:
    """Give up a letter that waits or is dead; its account's inbox keeps the notice."""
    outbox_admin.drop(call.core, [letter_id], call.who.by(body.reason))
