"""Online look-ups: an official looks a card up by a code that was shown, and its holder sees who looked and why.

Promises:

1. The row that the holder sees is there before the card is shown.
2. A cti is looked for in a body, never in an address: it would be in logs.
3. A person's log is theirs alone; it names roles, purposes and powers, no persons. What an inquiry defers is in it from
   its day on. How much is deferred is counted for the whole service, never for a person.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Response
from pydantic import Field

from issuer.cards import deferrals, lookups, views
from issuer.cards.deferrals import DeferralView, DeferredMonth
from issuer.cards.lookups import LookupView
from issuer.service.access import Access
from issuer.service.card_reading import PurposeWord
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Cursor, Endpoints, Id, Limit, Page, page

from .cards import CardBody, card_body

__all__ = ["endpoints"]

endpoints = Endpoints("Look-ups")

_OWN: Final = Access("account", ("lookup.read_own",))
_DEFERS: Final = Access("person", ("lookup.defer",))


class ShownCode(Body):
    """The code that was shown, by its `cti` as a verifier gives it. ``purpose``: for what, where it is not the usual
    one of the caller's role.
    """

    cti: Annotated[str, Field(pattern="^[0-9a-f]{16}$", examples=["5f1c9a3e7b20d846"])]
    purpose: PurposeWord | None = None


@endpoints.at("POST", "/v1/cards/by-code", Access("account", ("card.read",)), problems=(404,))
def look_up_code(call: CallOf, body: ShownCode, response: Response) -> CardBody:
    """The card that a code belongs to, as it is now. Its holder sees that an official looked, and for what."""
    card_id = lookups.card_of_code(call.core, body.cti)
    lookups.note_lookup(call.core, call.who, card_id, "code", body.purpose)
    view = views.show(call.core, card_id)
    response.headers["ETag"] = etag(view.revision)
    return card_body(view)


@endpoints.at("GET", "/v1/cards/{card_id}/lookups", Access("account", ("lookup.read_own",), owned="card"))
def list_lookups(call: CallOf, card_id: Id, cursor: Cursor = "", limit: Limit = 50) -> Page[LookupView]:
    """Who in office looked at one's card online, the newest first. Offline checks leave no trace."""
    found = lookups.list_lookups(call.core, card_id, after=cursor, limit=limit + 1)
    return page(found, limit, lambda look: look.lookup_id)


@endpoints.at("GET", "/v1/lookups", _OWN)
def list_own_lookups(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[LookupView]:
    """Who in office looked at one's record online, by a card or without one, for what and under which power."""
    found = lookups.list_own_lookups(call.core, call.who.person_id, after=cursor, limit=limit + 1)
    return page(found, limit, lambda look: look.lookup_id)


@endpoints.at("GET", "/v1/lookups/deferrals", _DEFERS)
def list_deferrals(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[DeferralView]:
    """The deferrals that have not come to their day. One is made by two officials: act `lookup.defer`."""
    found = deferrals.list_deferrals(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda one: one.deferral_id)


@endpoints.at("POST", "/v1/lookups/deferrals/{deferral_id}/end", Access("person", ("lookup.defer",), owned="deferral"),
              status=204)  # fmt: skip
def end_deferral(call: CallOf, deferral_id: Id) -> None:
    """End a deferral before its day; one official suffices, for the person sees the look-ups now."""
    deferrals.end_deferral(call.core, call.who, deferral_id)


@endpoints.at("GET", "/v1/lookups/deferred", Access("account", ("audit.read", "service.watch")))
def count_deferred(call: CallOf) -> list[DeferredMonth]:
    """How many look-ups were deferred in the whole service, by month; the running month is left out."""
    return deferrals.deferred_by_month(call.core)
