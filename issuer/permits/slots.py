"""Appointments at an office's windows: offered and cancelled by officials, booked, moved and cancelled by the parties.

Promises:

1. A slot never has more bookings than places: the slot's row is locked while they are counted. When the last place is
   gone the next one is refused by name, and nobody loses the booking that they have.
2. An entry has one booking at a time; moving it gives the old place back in the same transaction.
3. A slot that is cancelled cancels its bookings, with a notice to everyone concerned.
4. Each booking is a notice to everyone on the permit: an entry has a bounded number of them within a day.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound, Unavailable
from icard_crypto.moments import DAY
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.regions import ancestors

from .entries import load_entry
from .models import Booking, Entry, Office, OfficeMember, Permit, Slot
from .parties import notify_permit
from .processes import ENTRY

__all__ = ["LONGEST_DAY", "BookingView", "SlotView", "book_slot", "cancel_booking", "cancel_slot", "free_slots",
           "list_slots", "make_slot", "show_booking", "show_slot", "slots_between"]  # fmt: skip

_WINDOW: Final = re.compile(r"[A-Za-z0-9一-鿿._-]{1,20}")
#: Minutes of a time at a window, at most.
LONGEST_DAY: Final = 480
_MOST_PLACES: Final = 100
_AHEAD: Final = 400 * DAY
#: Bookings of an entry within a day; to give one up is always possible.
_MOST_BOOKED: Final = 10
#: Free slots that are listed.
_LISTED: Final = 200
#: Slots of a span that are listed.
_MOST_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class SlotView:
    """A time at a window. ``free``: places that are left; times are Unix times."""

    slot_id: str
    office_id: str
    window: str
    starts_at: int
    minutes: int
    places: int
    free: int
    state: str


@dataclass(frozen=True, slots=True)
class BookingView:
    """The booking of an entry; ``slot`` None: there is none."""

    entry_id: str
    slot: SlotView | None


def make_slot(
    core: Core,
    who: Principal,
    window: str,
    starts_at: int,
    minutes: int,
    places: int,
    request: Request | None = None,
) -> str:
    """Make a slot at one's own office; its id.

    Args:
        window: such as 3 or A; starts_at: Unix time; minutes: 5 to 480; places: 1 to 100.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``office.none``.
        Conflict: ``slot.exists``.
        Invalid: ``slot.field``.
    """
    _require_office(who)
    if not _WINDOW.fullmatch(window):
        raise Invalid("slot.field", path="window", expected="1 to 20 letters and digits")
    if not 5 <= minutes <= LONGEST_DAY:
        raise Invalid("slot.field", path="minutes", expected=f"5 to {LONGEST_DAY}")
    if not 1 <= places <= _MOST_PLACES:
        raise Invalid("slot.field", path="places", expected=f"1 to {_MOST_PLACES}")
    slot_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        if not now < starts_at <= now + _AHEAD:
            raise Invalid("slot.field", path="starts_at", expected="a time within the next 400 days")
        row = Slot(
            id=slot_id,
            office_id=_office_of(session, who),
            window=window,
            starts_at=starts_at,
            minutes=minutes,
            places=places,
            state="open",
            created_at=now,
        )
        session.add(row)
        session.flush()
        unit.audit("slot.make", row.id, {"window": window, "starts_at": starts_at})
        unit.made(row.id)
        return row.id

    try:
        return core.transact(who.by(), work, request=request)
    except IntegrityError as fault:
        if "slots" in str(fault.orig):
            raise Conflict("slot.exists", path="starts_at") from None
        raise


def cancel_slot(core: Core, who: Principal, slot_id: str) -> None:
    """Cancel a slot of one's own office, and its bookings.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``slot.none``.
    """
    _require_office(who)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = session.get(Slot, slot_id, with_for_update=True)
        if row is None or row.office_id != _office_of(session, who):
            raise NotFound("slot.none")
        row.state = "cancelled"
        live = select(Booking).where(Booking.slot_id == row.id, Booking.state == "booked").order_by(Booking.id)
        bookings = session.scalars(live.with_for_update()).all()
        for booking in bookings:
            booking.state, booking.changed_at = "cancelled", now
            notify_permit(core, session, now, "booking.cancelled", _permit_of(session, booking.entry_id))
        unit.audit("slot.cancel", row.id, {"bookings": len(bookings)})

    core.transact(who.by(), work)


def show_slot(core: Core, who: Principal, slot_id: str) -> SlotView:
    """A slot of one's own office.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``slot.none``.
    """
    _require_office(who)

    def look(session: Session) -> SlotView:
        row = session.get(Slot, slot_id)
        if row is None or row.office_id != _office_of(session, who):
            raise NotFound("slot.none")
        return _view(session, row)

    return core.database.read(look)


def list_slots(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[SlotView]:
    """A page of the slots of one's own office that have not begun, by their ids.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``office.none``.
    """
    _require_office(who)

    def look(session: Session) -> list[SlotView]:
        now = core.clock.now(session)
        mine = select(Slot).where(Slot.office_id == _office_of(session, who), Slot.starts_at > now, Slot.id > after)
        return [_view(session, row) for row in session.scalars(mine.order_by(Slot.id).limit(limit))]

    return core.database.read(look)


def slots_between(core: Core, who: Principal, begin: int, end: int) -> list[SlotView]:
    """The slots of one's own office that begin from one time on and before another, soonest first, at most 500.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``office.none``.
    """
    _require_office(who)

    def look(session: Session) -> list[SlotView]:
        taken = _count_taken().where(Booking.slot_id == Slot.id).correlate(Slot).scalar_subquery()
        query = select(Slot, taken).where(
            Slot.office_id == _office_of(session, who), Slot.starts_at >= begin, Slot.starts_at < end
        )
        rows = session.execute(query.order_by(Slot.starts_at, Slot.window, Slot.id).limit(_MOST_SHOWN)).all()
        return [_view_of(slot, count) for slot, count in rows]

    return core.database.read(look)


def free_slots(core: Core, who: Principal, entry_id: str) -> list[SlotView]:
    """The slots with places left, soonest first, at the offices that serve the permit's region: the nearest that has
    any.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``entry.none``.
    """

    def look(session: Session) -> list[SlotView]:
        now = core.clock.now(session)
        entry = load_entry(core, session, who, entry_id)
        taken = _count_taken().where(Booking.slot_id == Slot.id).correlate(Slot).scalar_subquery()
        for office_id in _offices(session, entry):
            query = select(Slot, taken).where(
                Slot.office_id == office_id, Slot.state == "open", Slot.starts_at > now, Slot.places > taken
            )
            rows = session.execute(query.order_by(Slot.starts_at, Slot.id).limit(_LISTED)).all()
            if rows:
                return [_view_of(slot, count) for slot, count in rows]
        return []

    return core.database.read(look)


def show_booking(core: Core, who: Principal, entry_id: str) -> BookingView:
    """The booking of an entry.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``entry.none``.
    """

    def look(session: Session) -> BookingView:
        entry = load_entry(core, session, who, entry_id)
        booking = _live(session, entry.id)
        slot = None if booking is None else _view(session, session.get_one(Slot, booking.slot_id))
        return BookingView(entry.id, slot)

    return core.database.read(look)


def book_slot(core: Core, who: Principal, entry_id: str, slot_id: str) -> None:
    """Book a slot for an entry, or move its booking there (promises 1 and 2).

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``entry.none``, ``slot.none``.
        Conflict: ``process.move``, ``slot.full``, ``slot.over``.
        Unavailable: ``slot.too_often``.
    """
    _require_booker(who)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        # The entry, then slots in the order of their ids: two who swap their places don't wait for each other.
        entry = _locked_entry(core, session, who, entry_id)
        before = _live(session, entry.id)
        ids = sorted({slot_id, *([before.slot_id] if before else [])})
        locked = select(Slot).where(Slot.id.in_(ids)).order_by(Slot.id).with_for_update()
        slots = {row.id: row for row in session.scalars(locked)}
        slot = slots.get(slot_id)
        if slot is None or slot.state != "open" or slot.office_id not in _offices(session, entry):
            raise NotFound("slot.none")
        if slot.starts_at <= now:
            raise Conflict("slot.over")
        if before is not None and before.slot_id == slot.id:
            return
        if _taken(session, slot.id) >= slot.places:
            raise Conflict("slot.full")
        lately = select(Booking.id).where(Booking.entry_id == entry.id, Booking.created_at > now - DAY)
        if len(session.scalars(lately.limit(_MOST_BOOKED)).all()) >= _MOST_BOOKED:
            raise Unavailable("slot.too_often", expected=f"at most {_MOST_BOOKED} bookings within a day")
        if before is not None:
            before.state, before.changed_at = "cancelled", now
            session.flush()
        booking = Booking(
            id=secrets.token_hex(16),
            slot_id=slot.id,
            entry_id=entry.id,
            state="booked",
            account_id=who.account_id,
            created_at=now,
            changed_at=now,
        )
        session.add(booking)
        session.flush()
        kind = "booking.made" if before is None else "booking.moved"
        notify_permit(core, session, now, kind, session.get_one(Permit, entry.permit_id))
        unit.audit(kind, entry.id, {"slot": slot.id})

    core.transact(who.by(), work)


def cancel_booking(core: Core, who: Principal, entry_id: str) -> None:
    """Give the booking of an entry up.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``entry.none``.
        Conflict: ``slot.no_booking``.
    """
    _require_booker(who)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        entry = _locked_entry(core, session, who, entry_id)
        booking = _live(session, entry.id)
        if booking is None:
            raise Conflict("slot.no_booking")
        booking.state, booking.changed_at = "cancelled", now
        notify_permit(core, session, now, "booking.cancelled", session.get_one(Permit, entry.permit_id))
        unit.audit("booking.cancel", entry.id)

    core.transact(who.by(), work)


def _require_office(who: Principal) -> None:
    if not who.may("filing.lead"):
        who.require("filing.decide")


def _require_booker(who: Principal) -> None:
    if not who.may("filing.decide"):
        who.require("filing.read_own")


def _office_of(session: Session, who: Principal) -> str:
    found = session.scalar(select(OfficeMember.office_id).where(OfficeMember.account_id == who.account_id))
    if found is None:
        raise NotFound("office.none")
    return found


def _offices(session: Session, entry: Entry) -> list[str]:
    """The offices that serve an entry's region, the nearest first."""
    places = ancestors(_permit_of(session, entry.id).region)
    found = {office.region: office.id for office in session.scalars(select(Office).where(Office.region.in_(places)))}
    return [found[place] for place in places if place in found]


def _permit_of(session: Session, entry_id: str) -> Permit:
    return session.get_one(Permit, session.get_one(Entry, entry_id).permit_id)


def _locked_entry(core: Core, session: Session, who: Principal, entry_id: str) -> Entry:
    entry = load_entry(core, session, who, entry_id)
    session.refresh(entry, with_for_update=True)
    # Showing is what a booking is for: where it is not possible, neither is this.
    ENTRY.move("show", entry.originals, "officer")
    return entry


def _live(session: Session, entry_id: str) -> Booking | None:
    return session.scalar(select(Booking).where(Booking.entry_id == entry_id, Booking.state == "booked"))


def _taken(session: Session, slot_id: str) -> int:
    return session.scalar(_count_taken().where(Booking.slot_id == slot_id)) or 0


def _count_taken() -> Select[int]:
    return select(func.count()).select_from(Booking).where(Booking.state.in_(("booked", "kept")))


def _view(session: Session, row: Slot) -> SlotView:
    return _view_of(row, _taken(session, row.id))


def _view_of(row: Slot, taken: int) -> SlotView:
    free = 0 if row.state != "open" else max(0, row.places - taken)
    return SlotView(row.id, row.office_id, row.window, row.starts_at, row.minutes, row.places, free, row.state)
