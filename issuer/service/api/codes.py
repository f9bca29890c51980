"""A card's codes, as text and as pictures.

Promises:

1. What is handed out is the newest code of its profile, verified again; it is drawn from its text and read back before
   anyone gets it. It is never stored on the way.
2. Which profile is for whom: :mod:`issuer.cards.visibility`. An official who fetches a code has seen the card, and its
   holder sees that.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Query, Response

from icard_crypto import qr
from icard_crypto.card.card import Profile
from issuer.cards.lookups import note_lookup
from issuer.cards.parties import require_card
from issuer.cards.views import newest_code
from issuer.cards.visibility import require_profile
from issuer.service.access import Access
from issuer.service.context import Call, CallOf
from issuer.service.endpoints import Endpoints, Id
from verifier.runtime import http

__all__ = ["endpoints"]

endpoints = Endpoints("Codes")

ProfileName = Annotated[
    Literal["public", "work", "authority"],
    Query(description="How much it says, see docs/format.md."),
]

_READ: Final = Access("account", ("card.read", "card.read_own"), owned="card")
_HEADERS: Final = {"Cache-Control": "no-store"}
_PATH: Final = "/v1/cards/{card_id}/code"


@endpoints.at("GET", _PATH + ".txt", _READ, types=("text/plain",))
def show_code(call: CallOf, card_id: Id, profile: ProfileName = "public") -> Response:
    """A code as text, `IC1:` and base45."""
    return Response(_text(call, card_id, profile), media_type="text/plain", headers=_HEADERS)


@endpoints.at("GET", _PATH + ".png", _READ, types=("image/png",))
def show_code_png(call: CallOf, card_id: Id, profile: ProfileName = "public") -> Response:
    """A code as PNG, 8 pixels a module, with its quiet zone."""
    return Response(qr.draw_png(_text(call, card_id, profile)), media_type="image/png", headers=_HEADERS)


@endpoints.at("GET", _PATH + ".svg", _READ, types=("image/svg+xml",))
def show_code_svg(call: CallOf, card_id: Id, profile: ProfileName = "public") -> Response:
    """A code as SVG, for print in any size."""
    return Response(qr.draw_svg(_text(call, card_id, profile)), media_type="image/svg+xml", headers=_HEADERS)


def _text(call: Call, card_id: str, name: str) -> str:
    profile = Profile[name.upper()]
    require_card(call.core, call.who, card_id)
    require_profile(call.who, profile)
    if call.who.may("card.read"):
        note_lookup(call.core, call.who, card_id, "card")
    code = newest_code(call.core, card_id, profile)
    if code is None:
        # Whoever issued it has not signed it yet, or was killed; the worker finishes it.
        raise http.Problem("http.not_ready", headers={"Retry-After": "5"})
    return code.text
