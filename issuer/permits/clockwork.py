"""Time-driven changes of applications, notifications and permits; run by the worker.

Promises:

1. Each thing is moved in a transaction of its own, by its state then: a turn that is killed leaves nothing half done,
   and two workers move nothing twice.
2. An extension that was filed in time and is undecided carries the permit on by law, where the region's switch is on:
   interim codes are ready days before the old ones end, and are renewed while it is undecided. Such a permit never
   expires by the clock.
3. When the calendar of working days grows, the days of open applications are computed again; whose moved are notified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from icard_crypto.card.card import Card
from issuer import cards
from issuer.acts import Actor
from issuer.cards import Decision
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of, days_after, days_before
from issuer.rules.store import book_of

from . import hearings, mergers, objections, urgent
from .clocks import set_days
from .ending import End, end_permit
from .machines import UNDECIDED
from .models import Entry, Filing, Hearing, Notification, Permit
from .moves import move
from .parties import notify_filings, notify_permit
from .processes import ENTRY, NOTIFICATION, PERMIT
from .records import read_filing
from .remedy_models import Objection
from .terms import NoLongerWanted, card_of

__all__ = ["Turned", "goes_on", "recompute", "turn", "undecided"]

_BY: Final = Actor("worker")
#: Things of each kind that one turn moves.
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Turned:
    """How many of what a turn moved."""

    accepted: int = 0
    lapsed: int = 0
    notifications: int = 0
    overdue: int = 0
    interim: int = 0
    extended: int = 0
    expired: int = 0
    hearings: int = 0
    objections: int = 0
    first: int = 0
    merged: int = 0

    @property
    def anything(self) -> bool:
        """Whether it moved anything."""
        return any(astuple(self))

    @property
    def full(self) -> bool:
        """Whether it moved as many of something as a turn does: more may be waiting."""
        return max(astuple(self)) >= _MOST or self.extended + self.expired >= _MOST


def turn(core: Core) -> Turned:
    """Move what is due now.

    Raises:
        Unavailable: ``clock.*``; the signer's errors.
        StateError: ``database.*``.
    """
    today = core.database.read(lambda session: day_of(core.clock.now(session))).isoformat()
    silent = Filing.state.in_(("SUBMITTED", "PRE_REVIEWED")), Filing.defects_due < today
    unanswered = Filing.state == "RETURNED", Filing.answer_due < today
    over = Notification.state == "ISSUED", Notification.until < today
    unexamined = Objection.state == "LODGED", Objection.examined_due < today
    unheard = Hearing.state == "OPEN", Hearing.until < today
    in_force = select(Permit.id).where(Permit.state.in_(("ACTIVE", "EXTENDED_BY_LAW")))
    late = Entry.originals == "DUE", Entry.originals_due < today, Entry.permit_id.in_(in_force)
    return Turned(
        _each(core, Filing.id, silent, _accept),
        _each(core, Filing.id, unanswered, _lapse),
        _each(core, Notification.id, over, _expire_notification),
        _each(core, Entry.id, late, _overdue),
        _interim(core),
        *_ends(core, today),
        _each(core, Hearing.id, unheard, hearings.run_out),
        _each(core, Objection.id, unexamined, objections.admit_by_silence),
        _first(core),
        mergers.renew_merged(core, _MOST),
    )


def undecided(session: Session, permit_id: str) -> Filing | None:
    """The extension of a permit that was filed and is not decided."""
    query = select(Filing).where(
        Filing.permit_id == permit_id, Filing.process == "extension", Filing.state.in_(UNDECIDED)
    )
    return session.scalar(query)


def recompute(core: Core) -> int:
    """Compute the days of all open applications again; how many moved (promise 3)."""
    query = select(Filing.id).where(Filing.state.in_(UNDECIDED)).order_by(Filing.id)
    moved = 0
    for start in range(0, len(ids := core.database.read(lambda session: session.scalars(query).all())), _MOST):
        moved += _recompute(core, ids[start : start + _MOST])
    return moved


def _recompute(core: Core, ids: Sequence[str]) -> int:
    def work(unit: UnitOfWork) -> int:
        session = unit.session
        book, now = book_of(session), unit.now
        rows = session.scalars(select(Filing).where(Filing.id.in_(ids)).order_by(Filing.id).with_for_update()).all()
        moved = [row for row in rows if set_days(book, row, read_filing(core, row).category)]
        for row in moved:
            row.revision += 1
        session.flush()
        notify_filings(core, session, now, "filing.recomputed", moved)
        for row in moved:
            unit.audit("filing.recompute", row.id)
        return len(moved)

    return core.transact(_BY, work)


def _each(
    core: Core,
    name: InstrumentedAttribute[str],
    where: Sequence[ColumnElement[bool]],
    act: Callable[[Core, UnitOfWork, str], bool],
) -> int:
    """Do something to each that is due, each in its own transaction; how many."""
    query = select(name).where(*where).order_by(name).limit(_MOST)
    ids = core.database.read(lambda session: session.scalars(query).all())
    done = 0
    for one in ids:

        def work(unit: UnitOfWork, one: str = one) -> bool:
            return act(core, unit, one)

        done += core.transact(_BY, work)
    return done


def _first(core: Core) -> int:
    """Put the extensions first whose permits end soon; how many."""
    ids = core.database.read(lambda session: urgent.first_due(session, day_of(core.clock.now(session)), _MOST))
    done = 0
    for one in ids:

        def work(unit: UnitOfWork, one: str = one) -> bool:
            return urgent.put_first(core, unit, one)

        done += core.transact(_BY, work)
    return done


def _accept(core: Core, unit: UnitOfWork, filing_id: str) -> bool:
    session, now = unit.session, unit.now
    row = session.get_one(Filing, filing_id, with_for_update=True)
    today = day_of(now).isoformat()
    if row.state not in ("SUBMITTED", "PRE_REVIEWED") or row.defects_due is None or row.defects_due >= today:
        return False
    move(core, session, now, row, "accept_by_silence", "clock", None, {"rule": "D02"})
    row.accepted_on = row.submitted_on
    set_days(book_of(session), row, read_filing(core, row).category)
    unit.audit("filing.accept_by_silence", row.id)
    return True


def _lapse(core: Core, unit: UnitOfWork, filing_id: str) -> bool:
    session, now = unit.session, unit.now
    row = session.get_one(Filing, filing_id, with_for_update=True)
    if row.state != "RETURNED" or row.answer_due is None or row.answer_due >= day_of(now).isoformat():
        return False
    move(core, session, now, row, "lapse", "clock", None, {"rule": "returned"})
    unit.audit("filing.lapse", row.id)
    permit = session.get(Permit, row.permit_id) if row.process == "extension" and row.permit_id else None
    if permit is not None and permit.state == "EXTENDED_BY_LAW":
        _expire(core, unit, permit, "extension_lapsed", row.id)
    return True


def _expire_notification(core: Core, unit: UnitOfWork, name: str) -> bool:
    session, now = unit.session, unit.now
    row = session.get_one(Notification, name, with_for_update=True)
    if row.state != "ISSUED" or row.until >= day_of(now).isoformat():
        return False
    row.state = NOTIFICATION.move("expire", row.state, "clock").target
    permit = session.get_one(Permit, row.permit_id, with_for_update=True)
    unit.audit("notification.expire", row.id)
    if permit.state == "GRANTED":
        _expire(core, unit, permit, "notification_unused")
    return True


def _overdue(core: Core, unit: UnitOfWork, entry_id: str) -> bool:
    session, now = unit.session, unit.now
    row = session.get_one(Entry, entry_id, with_for_update=True)
    if row.originals != "DUE" or row.originals_due is None or row.originals_due >= day_of(now).isoformat():
        return False
    row.originals = ENTRY.move("overdue", row.originals, "clock").target
    row.revision += 1
    row.changed_at = now
    session.flush()
    notify_permit(core, session, now, "entry.overdue", session.get_one(Permit, row.permit_id))
    unit.audit("entry.overdue", row.id)
    return True


def _interim(core: Core) -> int:
    """Make interim codes for permits whose end is near and whose extension is undecided; how many."""

    def look(session: Session) -> list[tuple[str, str]]:
        book, today = book_of(session), day_of(core.clock.now(session))
        longest = max(rule.value["number"] for rule in book.all("deadlines", "interim-ready"))
        query = (
            select(Permit)
            .join(Filing, Filing.permit_id == Permit.id)
            .where(
                Filing.process == "extension",
                Filing.state.in_(UNDECIDED),
                Permit.state.in_(("ACTIVE", "EXTENDED_BY_LAW")),
                Permit.card_id.is_not(None),
                func.coalesce(Permit.interim_until, Permit.until) <= days_after(today, longest).isoformat(),
            )
            .limit(_MOST)
        )
        rows = [row for row in session.scalars(query) if _wants_interim(book, session, row, today)]
        return [(row.id, row.card_id) for row in rows if row.card_id is not None]

    return sum(_make_interim(core, *one) for one in core.database.read(look))


def _make_interim(core: Core, permit_id: str, card_id: str) -> bool:
    def make(unit: UnitOfWork) -> Card:
        session = unit.session
        permit = session.get_one(Permit, permit_id, with_for_update=True)
        book, today = book_of(session), day_of(unit.now)
        if not _wants_interim(book, session, permit, today):
            raise NoLongerWanted
        life = book.require("deadlines", "interim-code", permit.region, today)
        permit.interim_until = max(days_after(today, life.value["number"]).isoformat(), permit.until)
        permit.revision += 1
        session.flush()
        return card_of(core, session, permit)

    def then(unit: UnitOfWork, _card_id: str) -> None:
        permit = unit.session.get_one(Permit, permit_id)
        notify_permit(core, unit.session, unit.now, "permit.extended_by_law", permit)
        unit.audit("permit.interim_code", permit_id)

    try:
        cards.reissue_decided(core, card_id, Decision(make, then), _BY, old_end=False)
    except NoLongerWanted:
        return False
    return True


def _wants_interim(book: RuleBook, session: Session, permit: Permit, today: date) -> bool:
    if permit.state not in ("ACTIVE", "EXTENDED_BY_LAW") or undecided(session, permit.id) is None:
        return False
    if not goes_on(book, permit.region, today):
        return False
    ready = book.require("deadlines", "interim-ready", permit.region, today).value["number"]
    return today >= days_before(date.fromisoformat(permit.interim_until or permit.until), ready)


def goes_on(book: RuleBook, region: str, today: date) -> bool:
    """Whether an undecided extension carries a permit on in a region."""
    rule = book.find("switches", "extension_by_law", region, today)
    return rule is not None and rule.value["on"] is True


def _ends(core: Core, today: str) -> tuple[int, int]:
    """Extend by law or expire the permits whose last day is over; how many of each."""
    extended: list[str] = []

    def end(core: Core, unit: UnitOfWork, permit_id: str) -> bool:
        session, now = unit.session, unit.now
        permit = session.get_one(Permit, permit_id, with_for_update=True)
        if permit.state != "ACTIVE" or permit.until >= day_of(now).isoformat():
            return False
        filing = undecided(session, permit.id)
        if filing is not None and goes_on(book_of(session), permit.region, day_of(now)):
            permit.state = PERMIT.move("extend_by_law", permit.state, "clock").target
            permit.revision += 1
            permit.changed_at = now
            notify_permit(core, session, now, "permit.extended_by_law", permit)
            unit.audit("permit.extend_by_law", permit.id)
            extended.append(permit.id)
            return True
        _expire(core, unit, permit, "not_extended", move="expire")
        return True

    done = _each(core, Permit.id, (Permit.state == "ACTIVE", Permit.until < today), end)
    return len(set(extended)), done - len(set(extended))


def _expire(
    core: Core, unit: UnitOfWork, permit: Permit, ground: str, filing_id: str | None = None, move: str = "lapse"
) -> None:
    end = End(f"expired.{ground}", day_of(unit.now), "clock", move=move, filing_id=filing_id)
    end_permit(core, unit.session, unit.now, permit, end)
    unit.audit("permit.expire", permit.id)
