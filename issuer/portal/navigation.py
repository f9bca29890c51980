"""The way around: what each role finds at the head of every page.

Promises:

1. An item is shown to whoever has the right that its page asks for, and to nobody else.
2. The first page of a role is the one that answers what it comes for most often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.notices import inbox

from .catalogue import Words
from .rendering import BASE

__all__ = ["NavItem", "navigation"]


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry. ``count``: of what is new behind it."""

    text: str
    href: str
    current: bool
    count: int = 0


#: Word, path below the base, rights of which one is needed.
_ITEMS: Final = (
    ("nav.home", "", ()),
    ("nav.queue", "queue", ("filing.read",)),
    ("nav.cards", "staff", ("organisation.read_own",)),
    ("nav.permits", "permits", ("filing.read_own", "filing.read")),
    ("nav.filings", "filings", ("filing.file",)),
    ("nav.lists", "lists", ("filing.file", "insurance.register")),
    ("nav.insurance", "insurance", ("insurance.read_own", "insurance.read")),
    ("nav.benefits", "benefits", ("benefit.own", "insurance.read")),
    ("nav.own_data", "privacy", ("privacy.own",)),
    ("nav.requests", "privacy/requests", ("account.manage", "card.issue", "filing.decide", "insurance.book")),
    ("nav.slots", "slots", ("filing.decide", "filing.lead")),
    ("nav.objections", "objections", ("objection.decide",)),
    ("nav.what_if", "what-if", ("filing.file",)),
    ("nav.organisation", "organisation", ("organisation.read_own",)),
    ("nav.mandates", "mandates", ("mandate.read_own", "mandate.manage")),
    ("nav.search", "search", ("card.find",)),
    ("nav.approvals", "confirmations", ("card.revoke", "account.give", "lookup.defer")),
    ("nav.accounts", "accounts", ("account.manage",)),
    ("nav.organisations", "organisations", ("organisation.manage",)),
    ("nav.offices", "offices", ("office.manage",)),
    ("nav.rules", "rules", ("rule.manage",)),
    ("nav.audit", "audit", ("audit.read",)),
    ("nav.deferrals", "lookups/deferrals", ("lookup.defer",)),
    ("nav.deferred", "lookups/deferred", ("audit.read",)),
    ("nav.service", "service", ("service.watch",)),
    ("nav.outbox", "outbox", ("notice.watch",)),
    ("nav.notices", "notices", ("notice.own",)),
    ("nav.account", "account", ()),
)


def navigation(core: Core, who: Principal | None, path: str, words: Words) -> list[NavItem]:
    """The items for whoever is logged in; none for others.

    Args:
        path: of the page that is shown.
    """
    if who is None or not who.full:
        return []
    below = path.removeprefix(BASE)
    unread = inbox.unread(core, who.account_id) if who.may("notice.own") else 0
    found = []
    for word, address, rights in _ITEMS:
        if rights and not any(who.may(right) for right in rights):
            continue
        current = below == address or (address != "" and below.startswith(f"{address}/"))
        found.append(NavItem(words(word), BASE + address, current, unread if address == "notices" else 0))
    return found
