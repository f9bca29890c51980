"""An account's inbox, and its preferences for other channels.

Promises:

1. An account sees its own notices and no other; another's is as if it were not there.
2. Pages are newest first and stay in order while notices come in: the cursor is the last one seen.
3. What a kind fixes always comes; turning off the rest is :mod:`issuer.accounts.preferences`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, tuple_, update
from sqlalchemy.orm import Session

from icard_crypto.errors import Language, NotFound
from issuer.core import Core
from issuer.vault.at_rest import Place

from .kinds import Channel, groups, kind_of
from .models import NoticeMute, NoticeRow

__all__ = ["InboxNotice", "Preference", "inbox", "mark_read", "preferences", "unread"]


@dataclass(frozen=True, slots=True)
class InboxNotice:
    """A notice as its account sees it. Times are Unix times."""

    id: str
    kind: str
    facts: Mapping[str, str]
    created_at: int
    read_at: int | None

    def words(self, language: Language) -> tuple[str, str]:
        """Subject and text."""
        words = kind_of(self.kind).words[language]
        return words.subject, words.text


@dataclass(frozen=True, slots=True)
class Preference:
    """Whether a kind comes over a channel; ``fixed``: that it cannot be changed."""

    kind: str
    channel: Channel
    on: bool
    fixed: bool


def inbox(
    core: Core, account: str, *, after: str | None = None, most: int = 50, unread_only: bool = False
) -> list[InboxNotice]:
    """A page of an account's notices, newest first.

    Args:
        after: the id of the last notice of the page before.

    Raises:
        NotFound: ``notice.none``: ``after`` is no notice of this account.
    """

    def look(session: Session) -> list[InboxNotice]:
        query = select(NoticeRow).where(NoticeRow.account_id == account)
        if after is not None:
            last = session.get(NoticeRow, after)
            if last is None or last.account_id != account:
                raise NotFound("notice.none")
            query = query.where(tuple_(NoticeRow.created_at, NoticeRow.id) < (last.created_at, last.id))
        if unread_only:
            query = query.where(NoticeRow.read_at.is_(None))
        rows = session.scalars(query.order_by(NoticeRow.created_at.desc(), NoticeRow.id.desc()).limit(most))
        return [_opened(core, row) for row in rows]

    return core.database.read(look)


def unread(core: Core, account: str) -> int:
    """How many notices were not read yet."""
    query = select(func.count()).select_from(NoticeRow)
    query = query.where(NoticeRow.account_id == account, NoticeRow.read_at.is_(None))
    return core.database.read(lambda session: session.scalar(query) or 0)


def mark_read(core: Core, account: str, ids: Iterable[str]) -> int:
    """Mark notices as read; how many became so. Ids of others' notices change nothing."""
    wanted = sorted(set(ids))

    def work(session: Session) -> int:
        own = NoticeRow.id.in_(wanted), NoticeRow.account_id == account, NoticeRow.read_at.is_(None)
        done = session.execute(update(NoticeRow).where(*own).values(read_at=core.clock.now(session)))
        return cast("CursorResult[Any]", done).rowcount

    return core.database.transact(work, settled=lambda session: None)


def preferences(core: Core, account: str, role: str) -> list[Preference]:
    """What comes over which channel, for every kind that can reach an account's role anywhere but in the inbox, in
    the order of the groups."""
    query = select(NoticeMute.kind, NoticeMute.channel).where(NoticeMute.account_id == account)
    muted = core.database.read(lambda session: {(*row,) for row in session.execute(query)})
    return [
        Preference(
            kind.name, channel, channel in kind.fixed or (kind.name, channel) not in muted, channel in kind.fixed
        )
        for group in groups()
        for kind in group.kinds
        if role in kind.roles
        for channel in kind.channels
    ]


def _opened(core: Core, row: NoticeRow) -> InboxNotice:
    facts = json.loads(core.at_rest.open(Place("notices", "facts", row.id), row.facts))
    return InboxNotice(row.id, row.kind, facts, row.created_at, row.read_at)
