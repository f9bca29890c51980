"""The physical social security card on the portal: ordered, reported lost, and what an officer records of it.

Promises:

1. The page says first that the electronic card works without it, also while it is lost.
2. It offers the moves that are possible now, to whoever may make them.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import Response

from issuer.permits import social_cards, views
from issuer.permits.social_cards import MOVES, SocialCardView
from issuer.portal.catalogue import Words
from issuer.portal.pages import Pages
from issuer.portal.parts import Deadline, Entry, Fact, Tag, Tone
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules
from issuer.portal.situations import situation
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

__all__ = ["pages"]

pages = Pages()
_RIGHTS: Final = ("filing.decide", "permit.own")
_OF_PERMIT: Final = Access("person", _RIGHTS, owned="permit")
_OWNED: Final = Access("person", _RIGHTS, owned="social_card")
_TONES: Final[dict[str, Tone]] = {
    "NORMAL": "ok",
    "ORDERED": "info",
    "MADE": "info",
    "NOT_ACTIVATED": "info",
    "ORAL_LOSS": "warn",
    "WRITTEN_LOSS": "bad",
    "FROZEN": "bad",
}
#: Moves that a form of their own asks more for.
_WITH_REASON: Final = ("confirm_loss", "freeze", "cancel")
_ENDED: Final = ("REPLACED", "CANCELLED", "WITHDRAWN")
_ORDERS: Final = ("ACTIVE", "EXTENDED_BY_LAW")


@pages.get("permits/{permit_id}/social-card", _OF_PERMIT)
def social_card_page(visit: Visit, permit_id: str) -> Response:
    """The card that is ordered or in use, the earlier ones, and what can be done."""
    core, who, t = visit.core, visit.call.who, visit.words
    permit = views.show_permit(core, who, permit_id)
    found = social_cards.list_social_cards(core, who, permit_id)
    live = next((one for one in found if one.state not in _ENDED), None)
    moves = [] if live is None else live.moves
    replaces = live is not None and (live.state == "WRITTEN_LOSS" or (live.state == "NORMAL" and who.role.official))
    return visit.page(
        "permits/social_card.html",
        name=permit.name,
        own=who.role.name == "holder",
        live=live,
        facts=_facts(t, live) if live else [],
        deadline=_deadline(ShownRules(visit), live, permit.terms[-1].region) if live else None,
        plain=[name for name in moves if name not in (*_WITH_REASON, "make")],
        reasoned=[name for name in moves if name in _WITH_REASON],
        makes="make" in moves,
        # A form that was refused comes back with what was typed, also where a card has been ordered meanwhile.
        orders=permit.state in _ORDERS
        and (live is None or replaces or any(one.field == "bank" for one in visit.errors)),
        earlier=[_entry(t, one) for one in found if one.state in _ENDED],
        address=f"{BASE}permits/{permit_id}",
    )


def _facts(t: Words, one: SocialCardView) -> list[Fact]:
    facts = [
        Fact(t("card.state"), "", tag=Tag(t(f"social.state_{one.state}"), _TONES.get(one.state, "neutral"))),
        Fact(t("social.bank"), one.bank),
        Fact(t("social.ordered"), t.day(date.fromisoformat(one.ordered_on))),
    ]
    if one.last4:
        facts.append(Fact(t("social.last4"), one.last4, code=True))
    if one.reason:
        facts.append(Fact(t("common.reason"), one.reason))
    return facts


def _deadline(rules: ShownRules, one: SocialCardView, region: str) -> Deadline | None:
    row = rules.of_deadline("social-card", region)
    if row is None or one.due is None:
        return None
    return rules.deadline(row, date.fromisoformat(one.due), region, whose=rules.t("social.whose_bank"))


def _entry(t: Words, one: SocialCardView) -> Entry:
    said = situation(t, "social_card", one.state)
    return Entry(t.day(date.fromisoformat(one.ordered_on)), t(f"social.state_{one.state}"), one.bank, said)


@pages.post(
    "permits/{permit_id}/social-card/order", _OF_PERMIT, form=social_card_page, fields={"account.field": "bank"}
)
def order(visit: Visit, permit_id: str) -> Response:
    """Order a card, or one in the place of a lost one."""
    visit.require("bank")
    call = visit.call
    once(
        call,
        lambda request: social_cards.order_social_card(call.core, call.who, permit_id, visit.text("bank"), request),
        lambda made: made,
    )
    return visit.go(f"permits/{permit_id}/social-card", done="social_card_ordered")


def _form(visit: Visit, social_card_id: str) -> Response:
    found = social_cards.show_social_card(visit.core, visit.call.who, social_card_id)
    return social_card_page(visit, found.permit_id)


@pages.post("social-cards/{social_card_id}/move", _OWNED, form=_form, fields={"filing": "last4", "account": "reason"})
def move(visit: Visit, social_card_id: str) -> Response:
    """Record what happened to the card."""
    name = visit.text("move")
    if name in _WITH_REASON:
        visit.require("reason")
    if name == "make":
        visit.require("last4")
    permit_id = social_cards.show_social_card(visit.core, visit.call.who, social_card_id).permit_id
    social_cards.move_social_card(
        visit.core,
        visit.call.who,
        social_card_id,
        name if name in MOVES else "",
        visit.call.version,
        last4=visit.text("last4") or None,
        reason=visit.text("reason"),
    )
    return visit.go(f"permits/{permit_id}/social-card", done="social_card_moved")
