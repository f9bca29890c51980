"""Write notices within the transaction that causes them.

Promises:

1. A notice and all that is to be sent of it are rows of the causing transaction: no cause without its notice, no notice
   without its cause.
2. Only accounts get notices; whom an act on a card concerns, :mod:`issuer.cards.parties` knows.
3. What an account turned off is not written for that channel; the inbox always has it. Nothing is written for e-mail
   while the service has no mail server.
4. A one-time secret goes into the e-mail's sealed row alone: neither into the inbox nor to a webhook.
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.moments import HOUR
from issuer.core import Core
from issuer.vault.at_rest import Place

from .kinds import Kind, kind_of
from .models import NoticeMute, NoticeRow, Outbox, Webhook

__all__ = ["Notice", "notify"]

#: Keys of one question to the database; SQLite takes 32,766 values a statement.
_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Notice:
    """What an account is notified of. ``facts``: ids by name; ``secret``: for the link in the e-mail, used once.

    ``to``: an address in the place of the account's own, for the e-mail alone.
    """

    kind: str
    account: str
    facts: Mapping[str, str]
    secret: str | None = field(default=None, repr=False)
    to: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Wishes:
    """Of the accounts that are notified: what they turned off, and their webhooks."""

    muted: frozenset[tuple[str, str, str]]
    webhooks: Mapping[str, Sequence[str]]


def notify(core: Core, session: Session, now: int, notices: Iterable[Notice]) -> None:
    """Tell accounts something (promise 1). ``now``: Unix time.

    Raises:
        Invalid: ``notice.kind``; ``notice.facts``; faults of the program that calls this.
    """
    told = [(notice, kind_of(notice.kind)) for notice in notices]
    if not told:
        return
    for notice, kind in told:
        kind.check(notice.facts)
    wishes = _wishes(session, sorted({notice.account for notice, _ in told}))
    inbox: list[NoticeRow] = []
    outbox: list[Outbox] = []
    for notice, kind in told:
        row = NoticeRow(id=secrets.token_hex(16), account_id=notice.account, kind=notice.kind, created_at=now)
        row.facts = core.at_rest.seal(Place("notices", "facts", row.id), _json(notice.facts))
        inbox.append(row)
        outbox += _to_send(core, row, notice, kind, wishes)
    session.flush()
    session.add_all(inbox)
    session.flush()
    session.add_all(outbox)
    session.flush()


def _wishes(session: Session, accounts: Sequence[str]) -> _Wishes:
    muted: set[tuple[str, str, str]] = set()
    webhooks: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(accounts), _CHUNK):
        chunk = accounts[start : start + _CHUNK]
        mutes = select(NoticeMute.account_id, NoticeMute.kind, NoticeMute.channel)
        muted.update((*row,) for row in session.execute(mutes.where(NoticeMute.account_id.in_(chunk))))
        active = select(Webhook.account_id, Webhook.id).where(Webhook.account_id.in_(chunk), Webhook.state == "active")
        # Held until the commit: a webhook that is removed meanwhile would break this transaction's rows.
        active = active.order_by(Webhook.id).with_for_update(read=True, key_share=True)
        for account, webhook in session.execute(active):
            webhooks[account].append(webhook)
    return _Wishes(frozenset(muted), webhooks)


def _to_send(core: Core, row: NoticeRow, notice: Notice, kind: Kind, wishes: _Wishes) -> Iterable[Outbox]:
    for channel in kind.channels:
        if (notice.account, notice.kind, channel) in wishes.muted and channel not in kind.fixed:
            continue
        if channel == "email":
            if core.settings.smtp_host:
                yield _row(
                    core, row, channel, None, {"facts": dict(notice.facts), "secret": notice.secret, "to": notice.to}
                )
        else:
            for webhook in wishes.webhooks.get(notice.account, ()):
                yield _row(core, row, channel, webhook, {"facts": dict(notice.facts)})


def _row(core: Core, row: NoticeRow, channel: str, webhook: str | None, body: Mapping[str, Any]) -> Outbox:
    made = Outbox(
        id=secrets.token_hex(16),
        notice_id=row.id,
        account_id=row.account_id,
        kind=row.kind,
        channel=channel,
        webhook_id=webhook,
        state="waiting",
        attempts=0,
        created_at=row.created_at,
        due_at=row.created_at,
        give_up_at=row.created_at + core.settings.notice_hours * HOUR,
    )
    made.body = core.at_rest.seal(Place("outbox", "body", made.id), _json(body))
    return made


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
