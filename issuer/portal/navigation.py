"""The way around: what each role finds at the head of every page.

Promises:

1. An item is shown to whoever has the right that its page asks for, and to nobody else.
2. The first page of a role is the one that answers what it comes for most often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from issuer.notices import inbox

from .rendering import BASE

if TYPE_CHECKING:
    from .visits import Visit

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
    ("nav.cards", "staff", ("organisation.read_own",)),
    ("nav.organisation", "organisation", ("organisation.read_own",)),
    ("nav.mandates", "mandates", ("mandate.read_own", "mandate.manage")),
    ("nav.search", "search", ("card.find",)),
    ("nav.approvals", "confirmations", ("card.revoke", "account.official")),
    ("nav.accounts", "accounts", ("account.manage",)),
    ("nav.organisations", "organisations", ("organisation.manage",)),
    ("nav.audit", "audit", ("audit.read",)),
    ("nav.service", "service", ("service.watch",)),
    ("nav.outbox", "outbox", ("notice.watch",)),
    ("nav.notices", "notices", ("notice.own",)),
)


def navigation(visit: Visit) -> list[NavItem]:
    """The items for whoever is logged in; none for others."""
    who = visit.call.who_or_none
    if who is None or not who.full:
        return []
    path = visit.request.url.path.removeprefix(BASE)
    unread = inbox.unread(visit.core, who.account_id) if who.may("notice.own") else 0
    found = []
    for word, address, rights in _ITEMS:
        if rights and not any(who.may(right) for right in rights):
            continue
        current = path == address or (address != "" and path.startswith(f"{address}/"))
        found.append(NavItem(visit.words(word), BASE + address, current, unread if address == "notices" else 0))
    return found
