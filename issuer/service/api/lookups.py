"""Online look-ups: an official looks a card up by a code that was shown, and its holder sees who looked.

Promises:

1. The row that the holder sees is there before the card is shown.
2. A cti is looked for in a body, never in an address: it would stand in logs.
3. A card's log is its holder's alone; it names roles, no persons.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from issuer.cards import lookups, views
from issuer.cards.lookups import LookupView
from issuer.cards.parties import require_card
from issuer.service.access import Access
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Cursor, Endpoints, Id, Limit, Page, page

from .cards import CardBody, card_body

__all__ = ["endpoints"]

endpoints = Endpoints("Look-ups")


class ShownCode(Body):
    """The code that was shown, by its `cti` as a verifier tells it."""

    cti: Annotated[str, Field(pattern="^[0-9a-f]{16}$", examples=["5f1c9a3e7b20d846"])]


@endpoints.at("POST", "/v1/cards/by-code", Access("account", ("card.read",)), problems=(404,))
def look_up_code(call: CallOf, body: ShownCode, response: Response) -> CardBody:
    """The card that a code belongs to, as it stands now. Its holder sees that an official looked."""
    card_id = lookups.card_of_code(call.core, body.cti)
    lookups.note_lookup(call.core, call.who, card_id, "code")
    view = views.show(call.core, card_id)
    response.headers["ETag"] = etag(view.revision)
    return card_body(view)


@endpoints.at("GET", "/v1/cards/{card_id}/lookups", Access("account", ("lookup.read_own",), owned="card"))
def list_lookups(call: CallOf, card_id: Id, cursor: Cursor = "", limit: Limit = 50) -> Page[LookupView]:
    """Who in office looked at one's card online, the newest first. Offline checks leave no trace."""
    require_card(call.core, call.who, card_id)
    found = lookups.list_lookups(call.core, card_id, after=cursor, limit=limit + 1)
    return page(found, limit, lambda look: look.lookup_id)
