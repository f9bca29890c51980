"""Calendar feeds: the last days of one's own permits, and the windows for their extension, for a calendar program.

A feed's address is a secret: whoever has it sees days and the last four digits of permit numbers, no names. It is shown
once and can be revoked.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path, Response
from pydantic import BaseModel

from issuer.permits import feeds
from issuer.permits.feeds import FeedView, NewFeed
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints, Id
from issuer.service.idempotent import once

__all__ = ["endpoints"]

endpoints = Endpoints("Calendar feeds")

_OWN: Final = Access("account", ("filing.read_own",))
_FEED: Final = Access("account", ("filing.read_own",), owned="feed")
Token = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{20,100}$", description="The secret of a feed.")]


class NewFeedBody(BaseModel):
    """A feed that was made. ``address``: for the calendar program, below this service's own; null for a repetition."""

    feed_id: str
    address: str | None


@endpoints.at("POST", "/v1/calendar-feeds", _OWN, status=201, creates=True)
def make_feed(call: CallOf) -> NewFeedBody:
    """Make a calendar feed; its address is shown once."""
    made = once(
        call, lambda request: feeds.make_feed(call.core, call.who, request), lambda feed_id: NewFeed(feed_id, None)
    )
    return NewFeedBody(feed_id=made.feed_id, address=made.token and f"/v1/calendars/{made.token}")


@endpoints.at("GET", "/v1/calendar-feeds", _OWN)
def list_feeds(call: CallOf) -> list[FeedView]:
    """One's own calendar feeds, oldest first."""
    return feeds.list_feeds(call.core, call.who)


@endpoints.at("DELETE", "/v1/calendar-feeds/{feed_id}", _FEED, status=204)
def revoke_feed(call: CallOf, feed_id: Id) -> Response:
    """Revoke a calendar feed: its address shows nothing from now on."""
    feeds.revoke_feed(call.core, call.who, feed_id)
    return Response(status_code=204)


@endpoints.at("GET", "/v1/calendars/{token}", Access("anyone"), types=("text/calendar",), problems=(404,))
def fetch_calendar(call: CallOf, token: Token) -> Response:
    """A feed's calendar (RFC 5545), for whoever has its address."""
    made = feeds.calendar_of_feed(call.core, token)
    return Response(made, media_type="text/calendar", headers={"Cache-Control": "private, no-cache"})
