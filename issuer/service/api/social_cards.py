"""The physical social security card that a bank makes: ordered, made, handed out, lost, replaced, ended.

The electronic card never needs it. Its holder and the officers of the region see it; employers do not.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import Field

from issuer.permits import social_cards
from issuer.permits.social_cards import SocialCardView
from issuer.service.access import Access
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Endpoints, Id
from issuer.service.idempotent import once

__all__ = ["endpoints"]

endpoints = Endpoints("Social security cards")

_RIGHTS: Final = ("filing.decide", "permit.own")
_OF_PERMIT: Final = Access("person", _RIGHTS, owned="permit")
_OWNED: Final = Access("person", _RIGHTS, owned="social_card")


class OrderBody(Body):
    """Where the card is ordered. ``bank``: the bank that makes it."""

    bank: Annotated[str, Field(min_length=1, max_length=100, examples=["Bank of Shanghai, Pudong branch"])]


class SocialCardMoveBody(Body):
    """What happened to the card. ``last4``: of its number, for ``make``; ``reason``: for a loss that is confirmed in
    writing, ``freeze`` and ``cancel``.
    """

    move: Literal[
        "make",
        "withdraw",
        "hand_out",
        "activate",
        "report_loss",
        "confirm_loss",
        "find",
        "freeze",
        "unfreeze",
        "cancel",
    ]
    last4: Annotated[str | None, Field(pattern="^[0-9]{4}$", examples=["4711"])] = None
    reason: Annotated[str, Field(max_length=500, examples=["A signed statement was handed in."])] = ""


@endpoints.at(
    "POST",
    "/v1/permits/{permit_id}/social-cards",
    _OF_PERMIT,
    status=201,
    creates=True,
    problems=(409,),
)
def order_social_card(call: CallOf, permit_id: Id, body: OrderBody, response: Response) -> SocialCardView:
    """Record that a physical social security card was ordered; one that is lost or worn out is replaced by it."""
    made = once(
        call,
        lambda request: social_cards.order_social_card(call.core, call.who, permit_id, body.bank, request),
        lambda social_card_id: social_card_id,
    )
    response.headers["Location"] = f"/v1/social-cards/{made}"
    return _shown(call, made, response)


@endpoints.at("GET", "/v1/permits/{permit_id}/social-cards", _OF_PERMIT)
def list_social_cards(call: CallOf, permit_id: Id) -> list[SocialCardView]:
    """The physical social security cards of a permit's holder, newest first."""
    return social_cards.list_social_cards(call.core, call.who, permit_id)


@endpoints.at("GET", "/v1/social-cards/{social_card_id}", _OWNED)
def show_social_card(call: CallOf, social_card_id: Id, response: Response) -> SocialCardView:
    """A physical social security card, and by when the bank makes it."""
    return _shown(call, social_card_id, response)


@endpoints.at("POST", "/v1/social-cards/{social_card_id}/state", _OWNED, changes=True, problems=(409,))
def move_social_card(call: CallOf, social_card_id: Id, body: SocialCardMoveBody, response: Response) -> SocialCardView:
    """Record what happened to the card; the electronic card stays as it is."""
    social_cards.move_social_card(
        call.core, call.who, social_card_id, body.move, call.version, last4=body.last4, reason=body.reason
    )
    return _shown(call, social_card_id, response)


def _shown(call: CallOf, social_card_id: str, response: Response) -> SocialCardView:
    found = social_cards.show_social_card(call.core, call.who, social_card_id)
    response.headers["ETag"] = etag(found.revision)
    return found
