"""Pending and dead deliveries: listing, metrics, retry, drop and retention.

Promises:

1. Every row that is not delivered can be seen, with the code of its last fault; nothing of its contents is shown.
2. A dead letter stays until somebody retries or drops it, or its time in the settings is over.
3. What was sent or dropped is deleted after ``notice_days``, inboxes and dead letters after ``inbox_days``; what still
   waits is never deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from sqlalchemy import CursorResult, delete, func, select, tuple_
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, NotFound
from icard_crypto.moments import DAY, HOUR
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.kinds import CHANNELS
from issuer.notices.models import NoticeRow, Outbox

__all__ = ["OPEN", "Figures", "OutboxView", "State", "drop", "figures", "listed", "purge", "retry", "show"]

State = Literal["waiting", "sent", "dead", "dropped"]
#: What somebody may have to look at.
OPEN: Final[tuple[State, ...]] = ("waiting", "dead")
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class OutboxView:
    """A row of the outbox without its contents. Times are Unix times."""

    id: str
    notice: str
    account: str
    kind: str
    channel: str
    webhook: str | None
    state: str
    attempts: int
    fault: str | None
    answer: int | None
    created_at: int
    due_at: int
    give_up_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How many rows of a channel wait and are dead, and how old the oldest that waits is, in seconds."""

    waiting: int = 0
    dead: int = 0
    oldest: int = 0


def figures(core: Core) -> dict[str, Figures]:
    """The figures of every channel, for metrics."""

    def look(session: Session) -> dict[str, Figures]:
        now = core.clock.now(session)
        query = (
            select(Outbox.channel, Outbox.state, func.count(), func.min(Outbox.created_at))
            .where(Outbox.state.in_(OPEN))
            .group_by(Outbox.channel, Outbox.state)
        )
        found = {(channel, state): (count, first) for channel, state, count, first in session.execute(query)}
        made: dict[str, Figures] = {}
        for channel in CHANNELS:
            waiting, first = found.get((channel, "waiting"), (0, now))
            made[channel] = Figures(waiting, found.get((channel, "dead"), (0, now))[0], max(0, now - first))
        return made

    return core.database.read(look)


def listed(
    core: Core, states: Sequence[State] = OPEN, *, channel: str | None = None, after: str = "", most: int = 100
) -> list[OutboxView]:
    """A page of the rows in these states, oldest first.

    Args:
        after: the id of the last row of the page before; one that is not there starts again.
    """

    def look(session: Session) -> list[OutboxView]:
        query = select(Outbox).where(Outbox.state.in_(states))
        if channel is not None:
            query = query.where(Outbox.channel == channel)
        last = session.get(Outbox, after) if after else None
        if last is not None:
            query = query.where(tuple_(Outbox.created_at, Outbox.id) > (last.created_at, last.id))
        return [_view(row) for row in session.scalars(query.order_by(Outbox.created_at, Outbox.id).limit(most))]

    return core.database.read(look)


def show(core: Core, name: str) -> OutboxView:
    """One row.

    Raises:
        NotFound: ``notice.none``.
    """

    def look(session: Session) -> OutboxView:
        row = session.get(Outbox, name)
        if row is None:
            raise NotFound("notice.none")
        return _view(row)

    return core.database.read(look)


def retry(core: Core, names: Sequence[str], by: Actor) -> int:
    """Try dead or dropped rows again, from the start; how many.

    Raises:
        NotFound: ``notice.none``.
        Conflict: ``notice.state``; then none is changed.
    """

    def edit(row: Outbox, now: int) -> None:
        row.state, row.attempts, row.ended_at = "waiting", 0, None
        row.due_at, row.give_up_at = now, now + core.settings.notice_hours * HOUR

    return _change(core, names, by, "notice.retry", ("dead", "dropped"), edit)


def drop(core: Core, names: Sequence[str], by: Actor) -> int:
    """Give up rows that wait or are dead; the inbox keeps the notices. How many.

    Raises:
        NotFound: ``notice.none``.
        Conflict: ``notice.state``; then none is changed.
    """

    def edit(row: Outbox, now: int) -> None:
        row.state, row.ended_at = "dropped", now

    return _change(core, names, by, "notice.drop", OPEN, edit)


def purge(core: Core) -> int:
    """Delete what promise 3 does not keep; how many rows. In small transactions, so that nobody waits long."""
    count = 0
    while True:
        done = core.database.transact(lambda session: _purge(core, session), settled=lambda session: None)
        count += done
        if done < _CHUNK:
            return count


def _purge(core: Core, session: Session) -> int:
    now = core.clock.now(session)
    over = (Outbox.state.in_(("sent", "dropped")), Outbox.ended_at < now - core.settings.notice_days * DAY)
    dead = (Outbox.state == "dead", Outbox.ended_at < now - core.settings.inbox_days * DAY)
    count = 0
    for condition in (over, dead):
        names = select(Outbox.id).where(*condition).limit(_CHUNK)
        done = session.execute(delete(Outbox).where(Outbox.id.in_(names)), execution_options=_UNSYNCHRONISED)
        count += cast("CursorResult[Any]", done).rowcount
    old = select(NoticeRow.id).where(
        NoticeRow.created_at < now - core.settings.inbox_days * DAY,
        ~select(Outbox.id).where(Outbox.notice_id == NoticeRow.id).exists(),
    )
    done = session.execute(
        delete(NoticeRow).where(NoticeRow.id.in_(old.limit(_CHUNK))), execution_options=_UNSYNCHRONISED
    )
    return max(count, cast("CursorResult[Any]", done).rowcount)


_UNSYNCHRONISED: Final = {"synchronize_session": False}


def _change(core: Core, names: Sequence[str], by: Actor, action: str, states: Sequence[str], edit: Any) -> int:
    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        for name in sorted(set(names)):
            row = session.get(Outbox, name, with_for_update=True)
            if row is None:
                raise NotFound("notice.none", found=name[:40])
            if row.state not in states:
                raise Conflict("notice.state", path=name, expected=" or ".join(states), found=row.state)
            edit(row, now)
        for name in sorted(set(names)):
            unit.audit(action, name, by.details())
        return len(set(names))

    return core.transact(by, work)


def _view(row: Outbox) -> OutboxView:
    return OutboxView(
        row.id,
        row.notice_id,
        row.account_id,
        row.kind,
        row.channel,
        row.webhook_id,
        row.state,
        row.attempts,
        row.last_fault,
        row.last_answer,
        row.created_at,
        row.due_at,
        row.give_up_at,
        row.ended_at,
    )
