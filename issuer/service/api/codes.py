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
from issuer.cards import lost
from issuer.service.access import Access
from issuer.service.card_reading import read_code
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints, Id

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
    return Response(read_code(call, card_id, Profile[profile.upper()]), media_type="text/plain", headers=_HEADERS)


@endpoints.at("GET", _PATH + ".png", _READ, types=("image/png",))
def show_code_png(call: CallOf, card_id: Id, profile: ProfileName = "public") -> Response:
    """A code as PNG, 8 pixels a module, with its quiet zone."""
    return Response(
        qr.draw_png(read_code(call, card_id, Profile[profile.upper()])), media_type="image/png", headers=_HEADERS
    )


@endpoints.at("GET", _PATH + ".svg", _READ, types=("image/svg+xml",))
def show_code_svg(call: CallOf, card_id: Id, profile: ProfileName = "public") -> Response:
    """A code as SVG, for print in any size."""
    return Response(
        qr.draw_svg(read_code(call, card_id, Profile[profile.upper()])), media_type="image/svg+xml", headers=_HEADERS
    )


@endpoints.at(
    "POST",
    "/v1/cards/{card_id}/lost",
    Access("person", ("card.report_lost",), owned="card"),
    status=204,
    problems=(409,),
)
def report_lost(call: CallOf, card_id: Id) -> None:
    """End every code of one's own card at once: the telephone is lost. Repeating it changes nothing."""
    lost.report_lost(call.core, call.who, card_id)
