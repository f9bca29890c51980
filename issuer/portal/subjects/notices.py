"""The inbox: one's own notices."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Response

from issuer.notices import inbox
from issuer.notices.inbox import InboxNotice
from issuer.notices.kinds import kind_of
from issuer.portal.lists import SIZE, cursor, shown_page
from issuer.portal.pages import Pages
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_OWN = with_right("notice.own")
_ID: Final = re.compile(r"[0-9a-f]{32}")
#: Links of these kinds need a secret that only the e-mail has.
_MAIL_ONLY: Final = frozenset({"account.invited"})


@pages.get("notices", _OWN)
def list_notices(visit: Visit) -> Response:
    """One's own notices, the newest first."""
    unread = visit.query("show") == "unread"
    account = visit.call.who.account_id
    after = cursor(visit)
    found = inbox.inbox(
        visit.core, account, after=after if _ID.fullmatch(after) else None, most=SIZE + 1, unread_only=unread
    )
    return visit.page(
        "notices.html",
        **shown_page(visit, found, lambda one: one.id),
        unread=unread,
        link=_link,
    )


@pages.post("notices/read", _OWN)
def mark_read(visit: Visit) -> Response:
    """Mark notices as read."""
    wanted = [one for one in visit.every("notice") if _ID.fullmatch(one)]
    inbox.mark_read(visit.core, visit.call.who.account_id, wanted[:200])
    return visit.go("notices", done="read")


def _link(notice: InboxNotice) -> str | None:
    return None if notice.kind in _MAIL_ONLY else BASE + kind_of(notice.kind).path(dict(notice.facts), None)
