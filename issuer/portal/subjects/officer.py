"""What officials do with a card: find it, suspend and resume it, make new codes, set the state of permit and
insurance, ask for its revocation.

Promises:

1. What is looked for is in the body of a request, never in an address; a picture is read in a process of its own and
   kept nowhere.
2. Each act has a page of its own that says what it does; the reason is kept in the audit.
3. A change names the revision that it was decided on: a card that somebody else changed meanwhile is refused, and shown
   again.
4. A revocation is only asked for here; a second officer confirms it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Response

from issuer import cards
from issuer.approvals import engine
from issuer.cards import lookups
from issuer.cards.purposes import purposes_of
from issuer.cards.views import CardView
from issuer.documents import drawing
from issuer.portal.card_shown import card_state
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Choice, Fact
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.card_reading import find_cards, read_card
from issuer.service.context import Call
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["offered_acts", "pages"]

pages = Pages()
_FINDS = with_right("card.find")
_MOST_FOUND: Final = 20


@pages.get("search", _FINDS)
def search_page(visit: Visit) -> Response:
    """The forms by which a card is found: by number, name or code, by the camera or a picture."""
    visit.camera = True
    return visit.page("officer/search.html", rows=None, kinds=_kinds(visit), purposes=_purposes(visit))


def _purposes(visit: Visit) -> list[Choice]:
    """For what one may look, each with its power; the usual one first."""
    t = visit.words
    return [
        Choice(one.name, one.title(t.language), one.power(t.language))
        for one in purposes_of(visit.core, visit.call.who.role.name)
    ]


def _kinds(visit: Visit) -> list[Choice]:
    t = visit.words
    return [
        Choice("permit", t("search.permit"), t("search.permit_hint")),
        Choice("name", t("search.name"), t("search.name_hint")),
        Choice("code", t("search.code"), t("search.code_hint")),
    ]


@pages.post("search", _FINDS, form=search_page, fields={"lookup.purpose": "purpose", "lookup.code": "value"})
def search(visit: Visit) -> Response:
    """The cards that a number, a name or a code belongs to."""
    visit.require("value")
    kind, value, call, t = visit.text("kind"), visit.text("value"), visit.call, visit.words
    purpose = visit.text("purpose") or None
    after = f"?purpose={purpose}" if purpose else ""
    if kind == "code":
        call.who.require("card.read")
        named = len(value) == 16 and set(value) <= set("0123456789abcdef")
        card_id = lookups.card_of_code(call.core, value) if named else lookups.card_of_text(call.core, value)
        lookups.note_lookup(call.core, call.who, card_id, "code", purpose)
        return visit.go(f"cards/{card_id}{after}")
    visit.camera = True
    found = find_cards(call, "name" if kind == "name" else "permit", value[:200], purpose)
    rows = [
        [Cell(t("search.card", number=number), f"{BASE}cards/{name}{after}"), Cell(t(f"search.{standing}"))]
        for number, (name, standing) in enumerate(sorted(found.items())[:_MOST_FOUND], 1)
    ]
    return visit.page("officer/search.html", rows=rows, kinds=_kinds(visit), purposes=_purposes(visit))


@pages.post(
    "search/picture", _FINDS, form=search_page, fields={"upload": "picture", "lookup.code": "picture"}, costly=True
)
def search_picture(visit: Visit) -> Response:
    """The card whose code is in a picture, or in a frame of the camera, of which only is asked whether it has one."""
    call, chosen = visit.call, visit.upload("picture")
    call.who.require("card.read")
    if chosen is None:
        raise visit.refuse("picture", "forms.missing")
    media_type = drawing.media_type_of(chosen[0])
    if media_type not in ("image/png", "image/jpeg"):
        raise visit.refuse("picture", "search.picture_kind")
    texts = drawing.read_codes(chosen[0], media_type)
    if len(texts) != 1:
        raise visit.refuse("picture", "search.several_codes" if texts else "search.no_code")
    if visit.text("frame"):
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    purpose = visit.text("purpose") or None
    card_id = lookups.card_of_text(call.core, texts[0])
    lookups.note_lookup(call.core, call.who, card_id, "code", purpose)
    return visit.go(f"cards/{card_id}{f'?purpose={purpose}' if purpose else ''}")


@dataclass(frozen=True, slots=True)
class CardAct:
    """An act on a card.

    Attributes:
        right: of who may do it.
        offered: whether it makes sense for a card in its current state.
        do: does it.
        danger: whether its button is red.
    """

    right: str
    offered: Callable[[CardView], bool]
    do: Callable[[Call, CardView, str], object]
    danger: bool = False


def _by(call: Call, reason: str) -> cards.Actor:
    return call.who.by(reason)


def _reissue(call: Call, view: CardView) -> cards.Reissue:
    return cards.Reissue(view.card_id, request=call.request, revision=call.version)


CARD_ACTS: Final[dict[str, CardAct]] = {
    "suspend": CardAct(
        "card.suspend",
        lambda view: view.status == "active",
        lambda call, view, why: cards.suspend(call.core, view.card_id, _by(call, why), call.version),
        danger=True,
    ),
    "resume": CardAct(
        "card.resume",
        lambda view: view.status == "suspended",
        lambda call, view, why: cards.resume(call.core, view.card_id, _by(call, why), call.version),
    ),
    "replace": CardAct(
        "card.replace",
        lambda view: view.status != "revoked",
        lambda call, view, why: cards.replace(call.core, _reissue(call, view), _by(call, why)),
        danger=True,
    ),
    "renew": CardAct(
        "card.renew",
        lambda view: view.status != "revoked",
        lambda call, view, why: cards.renew(call.core, _reissue(call, view), _by(call, why)),
    ),
    "permit-suspended": CardAct(
        "permit.set",
        lambda view: view.status != "revoked" and view.permit == "good",
        lambda call, view, why: cards.set_permit(call.core, view.card_id, "suspended", _by(call, why), call.version),
        danger=True,
    ),
    "permit-good": CardAct(
        "permit.set",
        lambda view: view.status != "revoked" and view.permit != "good",
        lambda call, view, why: cards.set_permit(call.core, view.card_id, "good", _by(call, why), call.version),
    ),
    "insurance-lapsed": CardAct(
        "insurance.set",
        lambda view: view.status != "revoked" and view.insurance == "good",
        lambda call, view, why: cards.set_insurance(call.core, view.card_id, "lapsed", _by(call, why), call.version),
        danger=True,
    ),
    "insurance-good": CardAct(
        "insurance.set",
        lambda view: view.status != "revoked" and view.insurance != "good",
        lambda call, view, why: cards.set_insurance(call.core, view.card_id, "good", _by(call, why), call.version),
    ),
    "revoke": CardAct(
        "card.revoke",
        lambda view: view.status != "revoked",
        lambda call, view, why: once(
            call,
            lambda request: engine.ask(call.core, call.who, "card.revoke", {"card_id": view.card_id}, why, request),
            lambda name: engine.show_confirmation(call.core, call.who, name),
        ),
        danger=True,
    ),
}


def offered_acts(visit: Visit, view: CardView) -> list[Act]:
    """The acts that a person may do to a card in its current state."""
    return [
        Act(visit.words(f"acts.{name}"), f"{BASE}cards/{view.card_id}/{name}")
        for name, act in CARD_ACTS.items()
        if visit.call.who.may(act.right) and act.offered(view)
    ]


def _declare(name: str, act: CardAct) -> None:
    access = Access("person", (act.right,), owned="card")

    def act_page(visit: Visit, card_id: str) -> Response:
        t, view = visit.words, read_card(visit.call, card_id)
        holder, permit = view.card.holder, view.card.permit
        facts = [
            Fact(t("card.name"), (holder.name if holder else None) or "–"),
            Fact(t("card.number"), (permit.number if permit else None) or "–", code=True),
            Fact(t("card.state"), "", tag=card_state(view, t, visit.now)),
        ]
        return visit.page(
            "officer/act.html",
            name=name,
            facts=facts,
            effects=[t(f"acts.{name}_effect"), t("acts.notified")],
            danger=act.danger,
            version=view.revision,
            needs_code=name == "revoke" and not visit.fresh(),
            address=f"{BASE}cards/{card_id}",
        )

    def do_act(visit: Visit, card_id: str) -> Response:
        visit.require("reason")
        if name == "revoke":
            visit.give_code()
        act.do(visit.call, read_card(visit.call, card_id), visit.reason())
        return visit.go("confirmations" if name == "revoke" else f"cards/{card_id}", done=f"act_{name}")

    pages.get(f"cards/{{card_id}}/{name}", access)(act_page)
    pages.post(f"cards/{{card_id}}/{name}", access, form=act_page, fields={"access.fresh_code": "code"})(do_act)


for _name, _act in CARD_ACTS.items():
    _declare(_name, _act)
