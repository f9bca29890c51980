"""Webhooks: where an account's notices are posted, and the secrets that sign them (Standard Webhooks).

Promises:

1. An address is ``https``, without user name, password and fragment; address and secrets are sealed at rest.
2. A secret is shown once, when it is made. A new one signs beside the old one for a day, so that the receiver can
   change over without losing a notice.
3. An account has at most :data:`MOST` webhooks. What waits for one that is removed or switched off is dropped.
4. Given a version, a change is made to that one alone: ``webhook.changed`` says that something was faster.
5. An account sees why its letters do not get through, but not what names inside the operator's network lead to.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from icard_crypto.moments import DAY
from issuer.accounts.models import Account
from issuer.acts import SERVICE, Actor
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.models import Outbox, Webhook
from issuer.notices.outbox import Notice, notify
from issuer.vault.at_rest import Place

from .queue import drop_waiting

__all__ = [
    "MOST",
    "NewSecret",
    "Target",
    "WebhookView",
    "add",
    "enable",
    "gone",
    "listed",
    "remove",
    "rotate",
    "show",
    "switch_off",
    "target",
]

MOST: Final = 5
#: Seconds for which an old secret signs beside the new one.
OVERLAP: Final = DAY
_SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"
_LONGEST_URL: Final = 500
_UNREACHED: Final = "webhook.connection"
#: What would tell an account which names there are inside (promise 5).
_INSIDE: Final = frozenset({"webhook.resolve", "webhook.address"})


@dataclass(frozen=True, slots=True)
class WebhookView:
    """A webhook as its account sees it.

    ``waiting``: letters. ``fault``: why it was switched off, or why the newest of them that was tried did not get
    through; ``answer``: the status that came back. ``rotating_until``: while two secrets sign, Unix time.
    """

    id: str
    url: str
    state: Literal["active", "disabled"]
    fault: str | None
    answer: int | None
    waiting: int
    version: int
    created_at: int
    rotating_until: int | None


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that is shown this once."""

    webhook: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and with which secrets, newest first."""

    url: str = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)


def add(core: Core, account: str, url: str, actor: str, request: Request | None = None) -> NewSecret:
    """A new webhook for an account.

    Raises:
        Conflict: ``webhook.too_many``.
        Invalid: ``webhook.url``.
    """
    _check_url(url)
    name, secret = secrets.token_hex(16), _new_secret()

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        # The account's row is locked so that two at once do not both find room.
        session.get_one(Account, account, with_for_update=True)
        query = select(func.count()).select_from(Webhook).where(Webhook.account_id == account)
        if (session.scalar(query) or 0) >= MOST:
            raise Conflict("webhook.too_many", expected=f"at most {MOST}")
        row = Webhook(id=name, account_id=account, state="active", version=1, created_at=now, changed_at=now)
        row.url = core.at_rest.seal(Place("webhooks", "url", name), url.encode())
        _seal_secrets(core, row, {"newest": secret})
        session.add(row)
        unit.audit("webhook.add", name, {"account": account})
        unit.made(name)
        return True

    def settled(session: Session) -> bool | None:
        return True if session.get(Webhook, name) is not None else None

    core.transact(Actor(actor), work, request=request, settled=settled)
    return NewSecret(name, secret)


def rotate(core: Core, account: str, webhook: str, actor: str, version: int | None = None) -> NewSecret:
    """A new secret; the one before signs beside it for a day.

    Args:
        version: the only one of the webhook that this is meant for.

    Raises:
        NotFound: ``webhook.none``.
        Conflict: ``webhook.changed``.
    """
    secret = _new_secret()

    def edit(session: Session, row: Webhook, now: int) -> None:
        before = _secrets(core, row)["newest"]
        _seal_secrets(core, row, {"newest": secret, "before": before, "until": now + OVERLAP})

    _edit(core, account, webhook, actor, "webhook.rotate", edit, version)
    return NewSecret(webhook, secret)


def enable(core: Core, account: str, webhook: str, actor: str, version: int | None = None) -> None:
    """Switch a webhook on again.

    Raises:
        NotFound: ``webhook.none``.
        Conflict: ``webhook.changed``.
    """

    def edit(session: Session, row: Webhook, now: int) -> None:
        row.state, row.fault = "active", None

    _edit(core, account, webhook, actor, "webhook.enable", edit, version)


def switch_off(core: Core, account: str, webhook: str, actor: str, version: int | None = None) -> None:
    """Switch a webhook off; what waits for it is dropped.

    Raises:
        NotFound: ``webhook.none``.
        Conflict: ``webhook.changed``.
    """

    def edit(session: Session, row: Webhook, now: int) -> None:
        row.state, row.fault = "disabled", None
        drop_waiting(session, row.id, "webhook.disabled", now)

    _edit(core, account, webhook, actor, "webhook.disable", edit, version)


def remove(core: Core, account: str, webhook: str, actor: str, version: int | None = None) -> None:
    """Remove a webhook with all that was to be sent there; the inbox keeps the notices.

    Raises:
        NotFound: ``webhook.none``.
        Conflict: ``webhook.changed``.
    """

    def edit(session: Session, row: Webhook, now: int) -> None:
        session.execute(delete(Outbox).where(Outbox.webhook_id == row.id))
        session.delete(row)

    _edit(core, account, webhook, actor, "webhook.remove", edit, version)


def listed(core: Core, account: str) -> list[WebhookView]:
    """An account's webhooks, oldest first."""

    def look(session: Session) -> list[WebhookView]:
        now = core.clock.now(session)
        rows = session.scalars(
            select(Webhook).where(Webhook.account_id == account).order_by(Webhook.created_at, Webhook.id)
        )
        return [_view(core, session, row, now) for row in rows]

    return core.database.read(look)


def show(core: Core, account: str, webhook: str) -> WebhookView:
    """One of an account's webhooks.

    Raises:
        NotFound: ``webhook.none``.
    """

    def look(session: Session) -> WebhookView:
        return _view(core, session, _own(session, account, webhook), core.clock.now(session))

    return core.database.read(look)


def target(core: Core, webhook: str) -> Target | None:
    """Where to post now, and with which keys; None: switched off or removed."""

    def look(session: Session) -> Target | None:
        row = session.get(Webhook, webhook)
        if row is None or row.state != "active":
            return None
        kept = _secrets(core, row)
        texts = [kept["newest"]]
        if kept.get("until", 0) > core.clock.now(session):
            texts.append(kept["before"])
        keys = tuple(base64.b64decode(text.removeprefix(_PREFIX)) for text in texts)
        return Target(core.at_rest.open(Place("webhooks", "url", row.id), row.url).decode(), keys)

    return core.database.read(look)


def gone(core: Core, webhook: str) -> None:
    """Its server said 410: switch it off, drop what waits, and tell the account."""

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = session.get(Webhook, webhook, with_for_update=True)
        if row is None or row.state != "active":
            return
        row.version += 1
        row.state, row.fault, row.changed_at = "disabled", "webhook.gone", now
        drop_waiting(session, webhook, "webhook.gone", now)
        notify(core, session, now, [Notice("webhook.disabled", row.account_id, {"webhook": webhook})])
        unit.audit("webhook.gone", webhook)

    core.transact(SERVICE, work, settled=lambda session: None)


def _edit(
    core: Core,
    account: str,
    webhook: str,
    actor: str,
    action: str,
    edit: Callable[[Session, Webhook, int], None],
    version: int | None,
) -> None:
    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = _own(session, account, webhook, lock=True)
        if version is not None and row.version != version:
            raise Conflict("webhook.changed", expected=str(version), found=str(row.version))
        row.version += 1
        row.changed_at = now
        edit(session, row, now)
        unit.audit(action, webhook, {"account": account})

    core.transact(Actor(actor), work)


def _own(session: Session, account: str, webhook: str, *, lock: bool = False) -> Webhook:
    row = session.get(Webhook, webhook, with_for_update=lock or None)
    # Another account's is as if it were not there.
    if row is None or row.account_id != account:
        raise NotFound("webhook.none")
    return row


def _view(core: Core, session: Session, row: Webhook, now: int) -> WebhookView:
    here = (Outbox.webhook_id == row.id, Outbox.state == "waiting")
    waiting = session.scalar(select(func.count()).select_from(Outbox).where(*here)) or 0
    tried = select(Outbox.last_fault, Outbox.last_answer).where(*here, Outbox.last_fault.is_not(None))
    newest = tried.order_by(Outbox.created_at.desc(), Outbox.id.desc()).limit(1)
    fault, answer = session.execute(newest).one_or_none() or (None, None)
    until = _secrets(core, row).get("until", 0)
    url = core.at_rest.open(Place("webhooks", "url", row.id), row.url).decode()
    state: Literal["active", "disabled"] = "active" if row.state == "active" else "disabled"
    return WebhookView(
        row.id,
        url,
        state,
        row.fault or (_UNREACHED if fault in _INSIDE else fault),
        answer,
        waiting,
        row.version,
        row.created_at,
        until if until > now else None,
    )


def _secrets(core: Core, row: Webhook) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(core.at_rest.open(Place("webhooks", "secrets", row.id), row.secrets))
    return kept


def _seal_secrets(core: Core, row: Webhook, kept: dict[str, Any]) -> None:
    row.secrets = core.at_rest.seal(Place("webhooks", "secrets", row.id), json.dumps(kept).encode())


def _new_secret() -> str:
    """Standard Webhooks 1.0, "Signature scheme": 24 to 64 random bytes in base64 behind ``whsec_``."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _check_url(url: str) -> None:
    wrong = Invalid("webhook.url", path="url", expected="https://host/path")
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise wrong
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        raise wrong from None
    if not good or parts.username is not None or parts.password is not None or "#" in url:
        raise wrong
