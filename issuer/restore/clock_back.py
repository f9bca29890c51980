"""The way back after the clock was ahead for a while: what was dated in the future is put back to now.

Promises:

1. No state of a card, no revocation and no index that was given is undone. Only times that have not come yet are put
   back, in one transaction, with an act in the audit that says how many of what.
2. A verifier with a right clock refuses what is more than 300 s ahead of it; publishing goes on above the newest
   publication that it may have taken, and so waits five minutes at most.
3. Codes that begin in the future serve nobody until then: their cards are named, and :func:`renew_early` gives them new
   codes.
4. Sessions, invitations, tokens and requests that were made meanwhile end: they would hold for too long.
5. Status lists that seemed over are published again. What rules did because of the wrong time (applications and permits
   whose days seemed over) is counted by act, for people to look at.

Every process of the service has to be stopped meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from icard_crypto.card.issuing import HOUR
from icard_crypto.errors import IcardError, Unavailable
from icard_crypto.lists.list_maps import CLOCK_TOLERANCE
from icard_crypto.moments import moment_text
from issuer import cards
from issuer.accounts.models import Account, ApiToken, Invitation, KnownPlace, LoginAttempts, LoginSession
from issuer.acts import CLOCK_BACK, Actor
from issuer.approvals import engine
from issuer.audit.models import AuditRow
from issuer.cards.models import CardRow, CodeRow
from issuer.core import Core
from issuer.db.base import Base, literal_sql
from issuer.db.meta import Meta, PublishedAt
from issuer.db.unit_of_work import UnitOfWork
from issuer.keys.models import KeyRow
from issuer.notices.models import Outbox
from issuer.published.trust_lists import lock_publisher
from issuer.status.indexes import changed
from issuer.status.models import StatusListRow

__all__ = ["PutBack", "put_back", "renew_early"]

_STEP: Final = 30
_CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was put back.

    Args:
        ahead_until: the latest time at which anything was signed; ``now``: what it was put back to. Unix times.
        keys: thumbprints of keys whose window began in the future: a trust list that has such a window needs another.
        cards: ids of cards whose newest codes begin in the future.
        ended: sessions, invitations, tokens and requests that ended.
        acts: what else was done in that time, by act.
    """

    ahead_until: int
    now: int
    keys: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    ended: int = 0
    acts: dict[str, int] = field(default_factory=dict)


def put_back(core: Core, by: Actor) -> PutBack:
    """Put the service's times back to the clock as it is, once a person has set it right.

    Raises:
        Unavailable: ``clock.not_ahead``: nothing, or so little that waiting is enough; ``clock.apart``.
    """

    def work(unit: UnitOfWork) -> PutBack:
        session = unit.session
        publisher = lock_publisher(session)
        meta = session.get_one(Meta, 1, with_for_update=True, populate_existing=True)
        now = core.clock.agreed(session)
        until = max(meta.newest_iat, publisher.iat)
        if until <= now + CLOCK_TOLERANCE:
            left = _early_cards(session, now)
            if left:
                # An earlier run was ended before all of them had new codes.
                return PutBack(until, now, cards=left)
            raise Unavailable(
                "clock.not_ahead",
                expected=f"more than {CLOCK_TOLERANCE} s after {moment_text(now)}",
                found=moment_text(until),
            )
        taken = select(func.max(PublishedAt.iat)).where(PublishedAt.iat <= now + CLOCK_TOLERANCE)
        meta.newest_iat = now
        publisher.iat = max(now, session.scalar(taken) or 0)
        publisher.version += 1
        _lists(session, publisher.iat, now)
        found = PutBack(until, now, _keys(session, now), _early_cards(session, now), _end(core, session, now))
        _outbox(core, session, now)
        counts = select(AuditRow.action, func.count()).where(AuditRow.at > now).group_by(AuditRow.action)
        found.acts.update(sorted((action, count) for action, count in session.execute(counts)))
        details = {
            "until": until,
            "to": now,
            "keys": found.keys,
            "cards": len(found.cards),
            "ended": found.ended,
            **by.details(),
        }
        unit.audit(CLOCK_BACK, "clock", details)
        return found

    return core.transact(by, work)


def renew_early(core: Core, card_ids: Sequence[str], by: Actor) -> list[str]:
    """Give cards new codes that begin now; the ids of those that could not get any.

    Raises:
        Unavailable: ``clock.*``, ``list.*``.
        StateError: ``database.*``; the signer's errors.
    """
    failed = []
    for card_id in card_ids:
        try:
            cards.renew(core, cards.Reissue(card_id), by)
        except IcardError as fault:
            if fault.layer in ("clock", "epoch", "list", "database", "signer", "keystore"):
                raise
            failed.append(card_id)
    return failed


def _lists(session: Session, published: int, now: int) -> None:
    """Lists that were published, or found to be over, in the future are due again."""
    rows = session.scalars(select(StatusListRow).order_by(StatusListRow.name).with_for_update()).all()
    due = set()
    for row in rows:
        if row.retired_at is not None and row.retired_at > now:
            row.retired_at = None
            due.add(row.name)
        if row.published_iat is not None and row.published_iat > published:
            row.published_iat = None
            due.add(row.name)
        if row.published_at is not None:
            row.published_at = min(row.published_at, now)
    session.flush()
    changed(session, due, now)


def _keys(session: Session, now: int) -> list[str]:
    moved = []
    for row in session.scalars(select(KeyRow).order_by(KeyRow.thumbprint).with_for_update()):
        if row.valid_from is not None and row.valid_from > now:
            row.valid_from = now - now % HOUR
            moved.append(row.thumbprint)
        for name in ("published_at", "activated_at", "retired_at", "revoked_at"):
            at = getattr(row, name)
            if at is not None and at > now:
                setattr(row, name, now)
    return moved


def _early_cards(session: Session, now: int) -> list[str]:
    """Cards that stand and whose newest codes begin in the future."""
    query = (
        select(CodeRow.card_id)
        .join(CardRow, (CardRow.id == CodeRow.card_id) & (CardRow.version == CodeRow.generation))
        .where(CodeRow.issued_at > now, CardRow.status != literal_sql("revoked"))
    )
    return sorted(set(session.scalars(query)))


def _end(core: Core, session: Session, now: int) -> int:
    """Promise 4; accounts and counters of failures are put back."""
    ended = 0
    early: list[tuple[type[Base], ColumnElement[bool]]] = [
        (LoginSession, LoginSession.created_at > now),
        (Invitation, Invitation.created_at > now),
    ]
    for model, made in early:
        done = session.execute(delete(model).where(made), execution_options={"synchronize_session": False})
        ended += max(int(getattr(done, "rowcount", 0)), 0)
    counters = delete(LoginAttempts).where(LoginAttempts.last_at > now)
    session.execute(counters, execution_options={"synchronize_session": False})
    for token in session.scalars(select(ApiToken).where(ApiToken.created_at > now, ApiToken.revoked_at.is_(None))):
        token.revoked_at = now
        ended += 1
    ended += engine.end_since(core, session, now)
    wait = now + core.settings.factor_wait_hours * HOUR
    late = select(Account).where(
        (Account.created_at > now) | (Account.role_at > now) | (Account.confirms_from > wait)
        | (Account.totp_counter > now // _STEP)
    )  # fmt: skip
    for account in session.scalars(late.order_by(Account.id).with_for_update()):
        account.created_at, account.role_at = min(account.created_at, now), min(account.role_at, now)
        account.confirms_from = None if account.confirms_from is None else min(account.confirms_from, wait)
        account.totp_counter = min(account.totp_counter, now // _STEP)
    for place in session.scalars(select(KnownPlace).where(KnownPlace.seen_at > now)):
        place.seen_at = now
    return ended


def _outbox(core: Core, session: Session, now: int) -> None:
    """Letters that wait for a time in the future are due now."""
    waiting = select(Outbox).where(
        Outbox.state == literal_sql("waiting"), (Outbox.due_at > now) | (Outbox.created_at > now)
    )
    for row in session.scalars(waiting.order_by(Outbox.id)):
        row.due_at = now
        row.give_up_at = min(row.give_up_at, now + core.settings.notice_hours * HOUR)
