"""Calendar feeds: the last days of one's permits in a calendar program, by an address that is a secret.

Promises:

1. The address is shown once, on the page that answers the form; a form that is sent again shows none.
2. A feed is ended by one button; its address shows nothing from then on.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin

from fastapi import Response

from issuer.permits import feeds
from issuer.permits.feeds import NewFeed
from issuer.portal.pages import Pages
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_OWN: Final = with_right("filing.read_own")
_ONE: Final = Access("person", ("filing.read_own",), owned="feed")


@pages.get("account/calendar", _OWN)
def list_feeds(visit: Visit) -> Response:
    """One's own feeds, the newest first."""
    found = feeds.list_feeds(visit.core, visit.call.who)
    return visit.page("account/calendar.html", items=list(reversed(found)))


@pages.post("account/calendar", _OWN, form=list_feeds)
def make_feed(visit: Visit) -> Response:
    """Make a feed, and show its address."""
    call = visit.call
    made = once(
        call, lambda request: feeds.make_feed(call.core, call.who, request), lambda feed_id: NewFeed(feed_id, None)
    )
    service = visit.core.settings.public_url or str(visit.request.base_url)
    address = urljoin(service, f"/v1/calendars/{made.token}") if made.token else None
    return visit.page("account/calendar_made.html", address=address)


@pages.post("account/calendar/{feed_id}/end", _ONE)
def end_feed(visit: Visit, feed_id: str) -> Response:
    """End a feed."""
    feeds.revoke_feed(visit.core, visit.call.who, feed_id)
    return visit.go("account/calendar", done="feed_ended")
