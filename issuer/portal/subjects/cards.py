"""A card: for its holder, for the employer or agency that looks after it, and for officials.

Promises:

1. What is shown is the record as it is, read through :mod:`issuer.service.card_reading`: an official's look leaves
   a row that the holder sees.
2. A card that has ended shows no code.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import Response
from markupsafe import Markup

from icard_crypto import qr
from icard_crypto.card.card import Profile
from issuer.accounts import sessions
from issuer.cards import lookups, lost
from issuer.cards.parties import own_cards, parties_of, require_card
from issuer.cards.purposes import Purpose, purposes_of
from issuer.cards.views import CardView
from issuer.cards.visibility import disclosed_to
from issuer.portal.card_shown import card_facts, card_rows, card_state, face, schemes
from issuer.portal.catalogue import Words
from issuer.portal.disputes_shown import reportable
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice, Entry, Fact
from issuer.portal.rendering import BASE, pictured
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.card_history import HistoryEntry, card_history
from issuer.service.card_reading import read_card, read_code

from .access import with_right
from .officer import offered_acts

__all__ = ["holder_home", "pages"]

pages = Pages()
_LOSES: Final = Access("person", ("card.report_lost",), owned="card")
_READ: Final = Access("person", ("card.read", "card.read_own"), owned="card")
#: CSS pixels for a code on a telephone 390 wide: within the card, and on the whole screen.
_CARD_ROOM: Final = 324
_WHOLE_ROOM: Final = 390
_NAMES: Final = {Profile.PUBLIC: "public", Profile.WORK: "work", Profile.AUTHORITY: "office"}


@pages.get("cards", with_right("card.read_own"))
def list_cards(visit: Visit) -> Response:
    """One's own cards."""
    names = own_cards(visit.core, visit.call.who, **asked_page(visit))
    shown = shown_page(visit, names, lambda name: name)
    views = [read_card(visit.call, name) for name in shown["items"]]
    return visit.page(
        "cards/list.html", **{**shown, "items": [(view, card_state(view, visit.words, visit.now)) for view in views]}
    )


def holder_home(visit: Visit) -> Response:
    """A holder's first page: the card, or what to do where there is none or more than one."""
    names = own_cards(visit.core, visit.call.who, limit=2)
    if len(names) == 1:
        return _shown(visit, names[0])
    return list_cards(visit) if names else visit.page("cards/none.html")


@pages.get("cards/{card_id}", _READ)
def show_card(visit: Visit, card_id: str) -> Response:
    """A card; what one can do with it follows from one's role."""
    return _shown(visit, card_id)


def _shown(visit: Visit, card_id: str) -> Response:
    purpose = named_purpose(visit)
    view = read_card(visit.call, card_id, purpose.name if purpose else None)
    t, now = visit.words, visit.now
    values = {
        "view_card": view,
        "state": card_state(view, t, now),
        "rows": card_rows(view, t, now),
        "facts": reportable(visit, "card", parties_of(visit.core, card_id)[0], card_facts(view, t, visit.frame)),
        "schemes": schemes(view, t),
        "address": f"{BASE}cards/{card_id}",
    }
    if visit.call.who.role.official:
        return visit.page(
            "cards/official.html",
            **values,
            history=view.entries,
            profile_word=_NAMES,
            acts=offered_acts(visit, view),
            purpose=purpose,
        )
    profile = _profile(visit)
    code = _code(visit, view, profile, _CARD_ROOM)
    return visit.page(
        "cards/card.html",
        **values,
        face=face(view, t, now, visit.frame.authority(t.language), t(f"card.{_NAMES[profile]}"), code),
        profile=profile.name.lower(),
        profiles=_profiles(visit),
        own=visit.call.who.role.organisation is None,
        may_lose=visit.call.who.may("card.report_lost") and view.status != "revoked" and not view.lost,
    )


def named_purpose(visit: Visit) -> Purpose | None:
    """For what an official looks: what the address names, else the usual purpose of their role; None: of a holder."""
    found = purposes_of(visit.core, visit.call.who.role.name) if visit.call.who.role.official else []
    return next((one for one in found if one.name == visit.query("purpose")), found[0] if found else None)


@pages.get("cards/{card_id}/history", Access("person", ("card.read",), owned="card"))
def show_history(visit: Visit, card_id: str) -> Response:
    """What happened to a card, its permit and its applications, as one list."""
    t, purpose = visit.words, named_purpose(visit)
    found = card_history(visit.call, card_id, purpose.name if purpose else None)
    items = [Entry(t.moment(one.at), *_told(t, one)) for one in found]
    return visit.page("cards/history.html", items=items, back=f"{BASE}cards/{card_id}")


def _told(t: Words, one: HistoryEntry) -> tuple[str, str, str]:
    """What happened, to what, and its detail."""
    if one.kind == "act":
        return t(f"history.{one.name.replace('.', '_')}"), "", ""
    if one.kind == "term":
        days = t("permit.days", first=t.day(date.fromisoformat(one.first)), until=t.day(date.fromisoformat(one.until)))
        return t("history.term"), one.employer, days
    if one.kind == "end":
        return t("history.end"), "", t(f"endings.kind_{one.name}")
    return t(f"filing.move_{one.name}"), t(f"filing.process_{one.process}"), ""


@pages.get("cards/{card_id}/whole", _READ)
def whole_screen(visit: Visit, card_id: str) -> Response:
    """A code on the whole screen, white in both themes."""
    view, profile, t = read_card(visit.call, card_id), _profile(visit), visit.words
    code = _code(visit, view, profile, _WHOLE_ROOM)
    shown = face(view, t, visit.now, visit.frame.authority(t.language), t(f"card.{_NAMES[profile]}"), code)
    kept, address = visit.query("kept") == "1", f"{BASE}cards/{card_id}"
    others = [Choice(one.value, one.text, href=f"{address}/whole{one.href}&kept=1") for one in _profiles(visit)]
    return visit.page(
        "cards/whole.html",
        face=shown,
        back=f"{address}?code={profile.name.lower()}",
        kept=kept,
        others=[one for one in others if one.value != profile.name.lower()],
    )


@pages.get("cards/{card_id}/lookups", Access("person", ("lookup.read_own",), owned="card"))
def list_lookups(visit: Visit, card_id: str) -> Response:
    """Which officials opened one's record online, the newest first."""
    require_card(visit.core, visit.call.who, card_id)
    found = lookups.list_own_lookups(visit.core, visit.call.who.person_id, **asked_page(visit))
    return visit.page(
        "cards/lookups.html", **shown_page(visit, found, lambda one: one.lookup_id), back=f"{BASE}cards/{card_id}"
    )


@pages.get("cards/{card_id}/lost", _LOSES)
def lost_page(visit: Visit, card_id: str) -> Response:
    """What ending the codes does, before it is done."""
    view, t = read_card(visit.call, card_id), visit.words
    holder = view.card.holder
    return visit.page(
        "cards/lost.html",
        facts=[
            Fact(t("card.name"), (holder.name if holder else None) or "–"),
            Fact(t("card.state"), "", tag=card_state(view, t, visit.now)),
        ],
        effects=[t("card.lost_effect"), t("card.lost_sessions"), t("card.lost_new")],
        address=f"{BASE}cards/{card_id}",
    )


@pages.post("cards/{card_id}/lost", _LOSES, form=lost_page)
def report_lost(visit: Visit, card_id: str) -> Response:
    """End the codes at once, and every other session: the lost telephone may have one."""
    lost.report_lost(visit.core, visit.call.who, card_id)
    sessions.end_others(visit.core, visit.call.who)
    return visit.go(f"cards/{card_id}", done="card_lost")


@pages.get("lookups", with_right("lookup.read_own"))
def list_own_lookups(visit: Visit) -> Response:
    """Which officials looked at one's record online, by a card or without one, the newest first."""
    found = lookups.list_own_lookups(visit.core, visit.call.who.person_id, **asked_page(visit))
    return visit.page("cards/lookups.html", **shown_page(visit, found, lambda one: one.lookup_id), back=BASE)


def _profiles(visit: Visit) -> list[Choice]:
    """The codes that the person may show, by who scans them."""
    t = visit.words
    return [
        Choice(one.name.lower(), t(f"card.{name}"), t(f"card.{name}_shows"), f"?code={one.name.lower()}")
        for one, name in _NAMES.items()
        if one <= disclosed_to(visit.call.who)
    ]


def _profile(visit: Visit) -> Profile:
    asked = next((one for one in Profile if one.name.lower() == visit.query("code")), Profile.PUBLIC)
    return asked if asked <= disclosed_to(visit.call.who) else Profile.PUBLIC


def _code(visit: Visit, view: CardView, profile: Profile, room: int) -> Markup | None:
    if view.status == "revoked" or view.lost:
        return None
    return pictured(qr.draw(read_code(visit.call, view.card_id, profile), module_size=1), room)
