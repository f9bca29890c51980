"""Calendar feeds: the days of one's own permits for a calendar program, by an address that can be revoked.

Promises:

1. A feed has no name and no employer: what is near, its day, and the last four digits of the permit's number.
2. The address has 256 random bits and is kept as a keyed hash alone; its owner ends it at any time, and it ends with
   whatever ends the account's tokens (:mod:`issuer.accounts.changes`) and with the account's role: an official's
   permits are never shown to an address. It shows what its owner sees at that moment, and grants nothing else.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Language, NotFound
from icard_crypto.moments import ONE_DAY
from issuer.accounts.models import Account, CalendarFeed
from issuer.accounts.people import read_account
from issuer.accounts.principals import Principal
from issuer.accounts.roles import role_named
from issuer.accounts.secret_text import new_secret, secret_hash
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.deadlines import window
from issuer.rules.store import book_of

from .models import Permit
from .parties import permits_of
from .reminders import extensions_filed
from .terms import number_of

__all__ = ["FeedView", "NewFeed", "calendar_of_feed", "list_feeds", "make_feed", "own_feed", "revoke_feed"]

_MOST_FEEDS: Final = 5
#: Permits of a feed: the ones that end first.
_MOST_PERMITS: Final = 1000
#: Events that a process keeps as they are written, some 200 bytes each.
_KEPT: Final = 32_768
_WORDS: Final[dict[str, dict[Language, str]]] = {
    "opens": {"en": "Work permit …{}: the window for the extension opens", "zh": "工作许可（尾号 {}）延期开始受理"},
    "closes": {"en": "Work permit …{}: last day to file the extension", "zh": "工作许可（尾号 {}）延期申请截止"},
    "until": {"en": "Work permit …{}: last day", "zh": "工作许可（尾号 {}）到期"},
}


@dataclass(frozen=True, slots=True)
class FeedView:
    """A feed. Unix times; ``revoked_at`` None: it works."""

    feed_id: str
    created_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A feed that was made. ``token``: the end of its address, shown once; None for a repeated request."""

    feed_id: str
    token: str | None = field(repr=False)


def make_feed(core: Core, who: Principal, request: Request | None = None) -> NewFeed:
    """Make a feed of one's own account.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``feed.many``.
    """
    who.require("filing.read_own")
    feed_id, token = secrets.token_hex(16), new_secret()

    def work(unit: UnitOfWork) -> NewFeed:
        session, now = unit.session, unit.now
        session.get_one(Account, who.account_id, with_for_update=True)
        live = (
            select(func.count())
            .select_from(CalendarFeed)
            .where(CalendarFeed.account_id == who.account_id, CalendarFeed.revoked_at.is_(None))
        )
        if (session.scalar(live) or 0) >= _MOST_FEEDS:
            raise Conflict("feed.many", expected=f"at most {_MOST_FEEDS}")
        row = CalendarFeed(
            id=feed_id,
            account_id=who.account_id,
            token_hash=secret_hash(core.at_rest, "calendar feed", token),
            created_at=now,
            revoked_at=None,
        )
        session.add(row)
        session.flush()
        unit.audit("feed.make", row.id)
        unit.made(row.id)
        return NewFeed(row.id, token)

    return core.transact(who.by(), work, request=request)


def list_feeds(core: Core, who: Principal) -> list[FeedView]:
    """The feeds of one's own account, oldest first.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("filing.read_own")
    query = select(CalendarFeed).where(CalendarFeed.account_id == who.account_id)
    ordered = query.order_by(CalendarFeed.created_at, CalendarFeed.id)
    return core.database.read(
        lambda session: [FeedView(row.id, row.created_at, row.revoked_at) for row in session.scalars(ordered)]
    )


def own_feed(core: Core, who: Principal, feed_id: str) -> str:
    """The id of a feed of one's own.

    Raises:
        NotFound: ``feed.none``.
    """
    row = core.database.read(lambda session: session.get(CalendarFeed, feed_id))
    if row is None or row.account_id != who.account_id:
        raise NotFound("feed.none")
    return feed_id


def revoke_feed(core: Core, who: Principal, feed_id: str) -> None:
    """End a feed of one's own.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``feed.none``.
    """
    who.require("filing.read_own")

    def work(unit: UnitOfWork) -> None:
        row = unit.session.get(CalendarFeed, feed_id, with_for_update=True)
        if row is None or row.account_id != who.account_id:
            raise NotFound("feed.none")
        if row.revoked_at is None:
            row.revoked_at = unit.now
            unit.audit("feed.revoke", row.id)

    core.transact(who.by(), work)


def calendar_of_feed(core: Core, token: str) -> bytes:
    """A feed's calendar (RFC 5545).

    Raises:
        NotFound: ``feed.none``: the address is not known, was revoked, or its account is closed or locked, or has got
            another role since.
    """
    digest = secret_hash(core.at_rest, "calendar feed", token)

    def look(session: Session) -> bytes:
        row = session.scalars(select(CalendarFeed).where(CalendarFeed.token_hash == digest)).one_or_none()
        account = None if row is None or row.revoked_at is not None else session.get(Account, row.account_id)
        if row is None or account is None or account.state != "active" or account.role_at > row.created_at:
            raise NotFound("feed.none")
        who = Principal(account.id, account.person_id, role_named(account.role), account.organisation_id, full=True)
        if not who.may("filing.read_own"):
            raise NotFound("feed.none")
        record = read_account(core, account)
        language: Language = record.language if record is not None else "en"
        now = core.clock.now(session)
        book, today = book_of(session), day_of(now)
        mine = select(Permit).where(permits_of(core, session, who), Permit.state == "ACTIVE")
        events: list[bytes] = []
        permits = session.scalars(mine.order_by(Permit.until, Permit.id).limit(_MOST_PERMITS)).all()
        filed = extensions_filed(session, [permit.id for permit in permits])
        for permit in permits:
            until = date.fromisoformat(permit.until)
            span = window(book.require("deadlines", "D06", permit.region, today), until)
            days = {"until": until}
            if permit.id not in filed:
                days |= {"opens": span.opens, "closes": span.closes}
            digits = number_of(core, permit)[-4:]
            for kind, first in days.items():
                summary = _WORDS[kind][language].format(digits)
                events.append(_event(f"{permit.id}-{kind}@{core.issuer.iss}", permit.changed_at, first, summary))
        return _calendar(events)

    return core.database.read(look)


def _calendar(events: Sequence[bytes]) -> bytes:
    from icalendar import Calendar

    made = Calendar()
    made.add("prodid", "-//icard//permits//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    head, end, _ = bytes(made.to_ical()).partition(b"END:VCALENDAR")
    return b"".join([head, *events, end, b"\r\n"])


@functools.lru_cache(maxsize=_KEPT)
def _event(uid: str, changed_at: int, first: date, summary: str) -> bytes:
    """An event of a calendar. Programs ask again and again for what has not changed, and making one takes a quarter of
    a millisecond."""
    from icalendar import Event

    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", datetime.fromtimestamp(changed_at, UTC))
    event.add("dtstart", first)
    event.add("dtend", first + ONE_DAY)
    event.add("summary", summary)
    return bytes(event.to_ical())
