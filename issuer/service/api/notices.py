"""One's own notices: the inbox, and what comes over which channel."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from issuer.accounts import preferences as account_preferences
from issuer.notices import inbox as core_inbox
from issuer.notices.inbox import InboxNotice, Preference
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Endpoints, HexId, Limit, Page, page

__all__ = ["endpoints"]

endpoints = Endpoints("Notices")

_OWN = Access("account", ("notice.own",))


class NoticeBody(BaseModel):
    """A notice, in the language of the request. ``facts``: ids. Times are Unix times."""

    notice_id: str
    kind: str
    subject: str
    text: str
    facts: dict[str, str]
    created_at: int
    read_at: int | None


class ReadBody(Body):
    """Notices that were read."""

    notices: Annotated[list[HexId], Field(max_length=200)]


class CountBody(BaseModel):
    """How many."""

    count: int


class PreferenceBody(Body):
    """Whether a kind comes over a channel."""

    kind: Annotated[str, Field(max_length=40, examples=["card.renewed"])]
    channel: Literal["email", "webhook"]
    on: bool


@endpoints.at("GET", "/v1/notices", _OWN, problems=(404,))
def list_notices(
    call: CallOf,
    unread: Annotated[bool, Query(description="Only those that were not read yet.")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[NoticeBody]:
    """One's own notices, the newest first."""
    found = core_inbox.inbox(call.core, call.who.account_id, after=cursor or None, most=limit + 1, unread_only=unread)
    return page([_body(call, one) for one in found], limit, lambda one: one.notice_id)


@endpoints.at("GET", "/v1/notices/unread", _OWN)
def count_unread(call: CallOf) -> CountBody:
    """How many notices were not read yet."""
    return CountBody(count=core_inbox.unread(call.core, call.who.account_id))


@endpoints.at("POST", "/v1/notices/read", _OWN)
def mark_read(call: CallOf, body: ReadBody) -> CountBody:
    """Mark notices as read; how many became so. Others' change nothing."""
    return CountBody(count=core_inbox.mark_read(call.core, call.who.account_id, body.notices))


@endpoints.at("GET", "/v1/notices/preferences", _OWN)
def list_preferences(call: CallOf) -> list[Preference]:
    """Which kinds come over which channel. Listed are those that can reach one's role; the inbox always has all."""
    return core_inbox.preferences(call.core, call.who.account_id, call.who.role.name)


@endpoints.at("PUT", "/v1/notices/preferences", _OWN, status=204)
def set_preference(call: CallOf, body: PreferenceBody) -> None:
    """Turn a kind on or off for a channel; what is fixed cannot be turned off."""
    who = call.who
    account_preferences.set_preference(call.core, who.account_id, body.kind, body.channel, body.on, who.actor)


def _body(call: CallOf, one: InboxNotice) -> NoticeBody:
    subject, text = one.words(call.language)
    return NoticeBody(
        notice_id=one.id,
        kind=one.kind,
        subject=subject,
        text=text,
        facts=dict(one.facts),
        created_at=one.created_at,
        read_at=one.read_at,
    )
