"""The outbox as a queue: what is due is taken, its outcome recorded, and nothing is lost between.

Promises:

1. Taking and recording are transactions of their own: none is open while somebody talks to a network.
2. What is taken is due again after ``lease`` seconds: a taker that was killed loses nothing, at worst it is sent twice.
   Of two takers the earlier one's outcome is not recorded over the later one's.
3. Several processes take different rows (PostgreSQL: SKIP LOCKED; SQLite: one writer at a time).
4. What failed for now waits longer each time, up to an hour, with jitter; after the time in the settings it is a dead
   letter that stays visible. None dies untried.
5. Rows record a fault's code and the server's numeric reply, never its text, which may repeat an address.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from issuer.core import Core
from issuer.db.base import literal_sql
from issuer.db.bound import AlteredRow
from issuer.notices.models import Outbox
from issuer.vault.at_rest import Place

__all__ = ["Letter", "Outcome", "drop_waiting", "dropped", "later", "record", "refused", "sent", "take", "untried"]

#: Seconds.
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of the outbox in the hands of whoever delivers it. ``attempt`` counts from 1."""

    id: str
    notice: str
    account: str
    kind: str
    channel: str
    webhook: str | None
    attempt: int
    created_at: int
    facts: Mapping[str, str]
    secret: str | None = field(repr=False)
    to: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter. ``answer`` is the server's number; ``untried``: it was never begun."""

    state: Literal["sent", "waiting", "dead", "dropped"]
    fault: str | None = None
    answer: int | None = None
    untried: bool = False


def sent() -> Outcome:
    """The other side has taken it."""
    return Outcome("sent")


def later(fault: str, answer: int | None = None) -> Outcome:
    """It failed for now."""
    return Outcome("waiting", fault, answer)


def refused(fault: str, answer: int | None = None) -> Outcome:
    """It was refused for good: a dead letter."""
    return Outcome("dead", fault, answer)


def dropped(fault: str) -> Outcome:
    """Nobody wants it any more."""
    return Outcome("dropped", fault)


def untried() -> Outcome:
    """There was no time for it; it is due at once."""
    return Outcome("waiting", untried=True)


def take(core: Core, channel: str, most: int, lease: float, busy: Iterable[str] = ()) -> list[Letter]:
    """Take what is due on a channel; webhooks: of one webhook, none of ``busy``.

    Args:
        lease: seconds within which the outcomes will be recorded.
    """
    while True:
        try:
            return _take(core, channel, most, lease, sorted(busy))
        except AlteredRow as fault:
            if fault.table != "outbox":
                raise
            # One that somebody changed outside the service must not be in the way of the others either.
            _give_up(core, fault)


def _give_up(core: Core, fault: AlteredRow) -> None:
    def work(session: Session) -> None:
        query = update(Outbox).where(Outbox.id == fault.row)
        session.execute(query.values(state="dead", last_fault=fault.code, ended_at=core.clock.now(session)))

    core.database.transact(work, settled=lambda session: None)


def _take(core: Core, channel: str, most: int, lease: float, avoid: Sequence[str]) -> list[Letter]:
    # Looking first: on SQLite a transaction that may write stops every other writer.
    if not core.database.read(lambda session: session.scalars(_due(session, core, channel, 1, avoid)).all()):
        return []

    def work(session: Session) -> list[tuple[Outbox, int]]:
        now = core.clock.now(session)
        rows = session.scalars(_due(session, core, channel, most, avoid).with_for_update(skip_locked=True)).all()
        for row in rows:
            row.attempts += 1
            row.due_at = now + max(1, int(lease))
        return [(row, row.attempts) for row in rows]

    letters = []
    for row, attempt in core.database.transact(work, settled=lambda session: None):
        try:
            letters.append(_letter(core, row, attempt))
        except IcardError as fault:
            # One that cannot be opened must not be in the way of the others.
            _record(core, row.id, attempt, refused(fault.code))
    return letters


def record(core: Core, letter: Letter, outcome: Outcome) -> None:
    """Note what became of a letter that was taken."""
    _record(core, letter.id, letter.attempt, outcome)


def _record(core: Core, name: str, attempt: int, outcome: Outcome) -> None:
    def work(session: Session) -> bool:
        row = session.get(Outbox, name, with_for_update=True)
        if row is None or row.attempts != attempt or row.state != "waiting":
            return True
        now = core.clock.now(session)
        if outcome.untried:
            row.attempts, row.due_at = attempt - 1, now
            return True
        state: str = outcome.state
        if state == "waiting" and now >= row.give_up_at:
            state = "dead"
        row.last_fault, row.last_answer = outcome.fault, outcome.answer
        row.state = state
        if state == "waiting":
            row.due_at = min(now + _pause(attempt), row.give_up_at)
        else:
            row.ended_at = now
        return True

    core.database.transact(work, settled=lambda session: None)


def drop_waiting(session: Session, webhook: str, fault: str, now: int) -> int:
    """Drop what waits for a webhook that is there no more; how many."""
    query = update(Outbox).where(Outbox.webhook_id == webhook, Outbox.state == "waiting")
    done = session.execute(query.values(state="dropped", last_fault=fault, ended_at=now))
    return cast("CursorResult[Any]", done).rowcount


def _due(session: Session, core: Core, channel: str, most: int, busy: Sequence[str]) -> Select[Outbox]:
    """What to take: the oldest that is due, and with webhooks what is due for the same one."""
    now = core.clock.now(session)
    query = select(Outbox).where(
        Outbox.state == literal_sql("waiting"), Outbox.channel == channel, Outbox.due_at <= now
    )
    order = Outbox.due_at, Outbox.created_at, Outbox.id
    if channel == "webhook":
        free = query.with_only_columns(Outbox.webhook_id).where(Outbox.webhook_id.not_in(busy))
        query = query.where(Outbox.webhook_id == session.scalars(free.order_by(*order).limit(1)).first())
    return query.order_by(*order).limit(most)


def _pause(attempt: int) -> int:
    """Seconds to the next attempt: doubled each time, and never the same for two letters."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 20))
    # Not for secrets: the spread only keeps a thousand letters from coming back in one second.
    return max(1, round(pause * (0.5 + random.random())))  # noqa: S311


def _letter(core: Core, row: Outbox, attempt: int) -> Letter:
    body = json.loads(core.at_rest.open(Place("outbox", "body", row.id), row.body))
    return Letter(
        row.id,
        row.notice_id,
        row.account_id,
        row.kind,
        row.channel,
        row.webhook_id,
        attempt,
        row.created_at,
        body["facts"],
        body.get("secret"),
        body.get("to"),
    )
