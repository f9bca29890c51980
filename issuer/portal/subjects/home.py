"""The first page, which is another one for each role, and the pages that everybody may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import Response

from issuer.approvals import engine
from issuer.portal.pages import Pages
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit

from .access import ANYONE, PERSON
from .cards import holder_home
from .staff import staff_home

__all__ = ["pages"]

pages = Pages()


#: What a first page offers: word, icon, path, rights of which one is needed.
_TILES: Final = (
    ("queue", "clock", "queue", ("filing.read",)),
    ("slots", "clock", "slots", ("filing.decide", "filing.lead")),
    ("insurance", "tick", "insurance", ("insurance.read",)),
    ("benefits", "download", "benefits", ("insurance.read",)),
    ("search", "search", "search", ("card.find",)),
    ("requests", "flag", "privacy/requests", ("account.manage", "card.issue", "filing.decide", "insurance.book")),
    ("objections", "flag", "objections", ("objection.decide",)),
    ("approvals", "people", "confirmations", ("card.revoke", "account.give", "lookup.defer")),
    ("deferrals", "eye", "lookups/deferrals", ("lookup.defer",)),
    ("accounts", "person", "accounts", ("account.manage",)),
    ("organisations", "card", "organisations", ("organisation.manage",)),
    ("offices", "people", "offices", ("office.manage",)),
    ("rules", "paste", "rules", ("rule.manage",)),
    ("mandates", "link", "mandates", ("mandate.manage",)),
    ("audit", "paste", "audit", ("audit.read",)),
    ("service", "key", "service", ("service.watch",)),
    ("outbox", "upload", "outbox", ("notice.watch",)),
    ("notices", "inbox", "notices", ("notice.own",)),
    ("account", "person", "account", ()),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A way in."""

    sign: str
    text: str
    href: str
    under: str


@pages.get("", PERSON)
def home(visit: Visit) -> Response:
    """What a role comes for most often, and the ways to the rest."""
    who, t = visit.call.who, visit.words
    if who.role.name == "holder":
        return holder_home(visit)
    if who.role.organisation is not None:
        return staff_home(visit)
    decides = any(who.may(right) for right in ("card.revoke", "account.give", "lookup.defer"))
    waiting = [one for one in engine.list_waiting(visit.core, who) if not one.own] if decides else []
    tiles = [
        Tile(sign, t(f"nav.{word}"), BASE + path, t(f"home.{word}"))
        for word, sign, path, rights in _TILES
        if not rights or any(who.may(right) for right in rights)
    ]
    return visit.page("home.html", tiles=tiles, waiting=len(waiting))


@pages.get("help", ANYONE)
def show_help(visit: Visit) -> Response:
    """What to do when one cannot get in, or something is wrong."""
    return visit.page("help.html")


@pages.get("accessibility", ANYONE)
def accessibility(visit: Visit) -> Response:
    """How the portal can be used, and what is known to be missing."""
    return visit.page("accessibility.html")
