"""Read a card or one of its codes for a caller: the steps that the API and the portal share.

Promises:

1. Whose card it is and who may see it is :func:`issuer.cards.parties.require_card`; what of it is
   :mod:`issuer.cards.visibility`.
2. An official who looks leaves a row that the holder sees, before anything is shown.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from icard_crypto.card.card import Profile
from issuer.approvals.engine import ConfirmationView
from issuer.cards import views
from issuer.cards.lookups import note_lookup, note_search
from issuer.cards.parties import SeenCard, require_card
from issuer.cards.views import CardView, newest_code
from issuer.cards.visibility import require_profile, visible
from issuer.permits.views import PermitView, show_permit
from verifier.runtime import http

from .context import Call

__all__ = ["PurposeWord", "find_cards", "note_requested", "read_card", "read_code", "read_permit"]

#: For what an official looks, by the name of a purpose.
PurposeWord = Annotated[str, Field(pattern="^[a-z0-9_.:-]{1,80}$", examples=["inspection"])]


def read_card(call: Call, card_id: str, purpose: str | None = None) -> CardView:
    """A card in its current state, as far as the caller may see it.

    Args:
        purpose: for what an official looks; None: the usual one of their role.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``issue.no_card``.
        Invalid: ``lookup.purpose``.
    """
    _require_card(call, card_id)
    if call.who.may("card.read"):
        note_lookup(call.core, call.who, card_id, "card", purpose)
    return visible(views.show(call.core, card_id), call.who)


def find_cards(call: Call, kind: Literal["permit", "name"], value: str, purpose: str | None = None) -> dict[str, str]:
    """The cards with a permit number or a holder's name: id to status. Who looks for one leaves a row, and one that
    the holder sees at each that is found.

    Args:
        purpose: as for :func:`read_card`.

    Raises:
        NotAllowed: ``access.*``.
        Invalid: ``lookup.purpose``.
    """
    call.who.require("card.find")
    found = views.statuses(call.core, kind, value)
    note_search(call.core, call.who, sorted(found), purpose)
    return found


def read_permit(call: Call, permit_id: str) -> PermitView:
    """A permit, as far as the caller may see it. An official who looks leaves a row at its card, which the holder sees.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """
    found = show_permit(call.core, call.who, permit_id)
    if call.who.role.official and found.card_id is not None:
        note_lookup(call.core, call.who, found.card_id, "card")
    return found


def note_requested(call: Call, *requests: ConfirmationView) -> None:
    """Leave a row, which the holder sees, at each card whose new record stands in one of these requests.

    Raises:
        StateError: ``database.*``.
    """
    named = {str(one.arguments["card_id"]) for one in requests if {"card", "card_id"} <= one.arguments.keys()}
    for card_id in sorted(named):
        note_lookup(call.core, call.who, card_id, "card")


def read_code(call: Call, card_id: str, profile: Profile) -> str:
    """The text of a card's newest code for one profile.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``issue.no_card``.
        Problem: ``http.not_ready``.
    """
    _require_card(call, card_id)
    require_profile(call.who, profile)
    if call.who.may("card.read"):
        note_lookup(call.core, call.who, card_id, "card")
    code = newest_code(call.core, card_id, profile)
    if code is None:
        # Whoever issued it has not signed it yet, or was killed; the worker finishes it.
        raise http.Problem("http.not_ready", headers={"Retry-After": "5"})
    return code.text


def _require_card(call: Call, card_id: str) -> None:
    """Refuse whoever may not see the card. The guard has looked for the one that the path names."""
    if not call.who.may("card.read"):
        call.who.require("card.read_own")
    if not (isinstance(call.found, SeenCard) and call.found.card_id == card_id):
        require_card(call.core, call.who, card_id)
