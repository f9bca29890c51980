"""Times at the windows of an office: a week at a glance, made in a row, cancelled with a notice to whoever had booked.

Promises:

1. Times are typed and shown as Beijing time. A row of times is made as a whole day's part; one that is there already
   stays as it is, so that a form that is sent again makes nothing twice.
2. Before a time is cancelled the page says how many bookings go with it.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from fastapi import Response

from icard_crypto.errors import Conflict
from icard_crypto.moments import ONE_DAY
from issuer.permits import slots
from issuer.permits.slots import SlotView
from issuer.portal.catalogue import BEIJING, Words, beijing_day
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.rules.days import parse_day
from issuer.service.access import Access

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_OFFICE: Final = with_right("filing.decide", "filing.lead")
_ONE: Final = Access("person", ("filing.decide", "filing.lead"), owned="slot")
_DAYS: Final = 7
_MOST_AT_ONCE: Final = 48


@pages.get("slots", _OFFICE)
def list_slots(visit: Visit) -> Response:
    """A week of one's own office, from today on or from the day in the address."""
    t, first = visit.words, _first_day(visit)
    after = first + timedelta(days=_DAYS)
    found = slots.slots_between(visit.core, visit.call.who, _begin(first), _begin(after))
    today = beijing_day(visit.now)
    before = first - timedelta(days=_DAYS)
    return visit.page(
        "office/slots.html",
        rows=[_row(t, one, visit.now) for one in found],
        span=t("windows.span", first=t.day(first), last=t.day(after - ONE_DAY)),
        earlier=f"{BASE}slots?from={max(before, today).isoformat()}" if first > today else None,
        later=f"{BASE}slots?from={after.isoformat()}",
        day=(today + ONE_DAY).isoformat(),
    )


def _first_day(visit: Visit) -> date:
    try:
        return parse_day(visit.query("from"))
    except ValueError:
        return beijing_day(visit.now)


def _begin(day: date) -> int:
    return int(datetime.combine(day, time(), BEIJING).timestamp())


def _row(t: Words, one: SlotView, now: int) -> list[Cell]:
    open_, taken = one.state == "open", one.places - one.free
    tag = Tag(t("windows.open"), "info") if open_ else Tag(t("windows.cancelled"), "neutral")
    href = f"{BASE}slots/{one.slot_id}" if open_ and one.starts_at > now else None
    return [
        Cell(t.moment(one.starts_at), href),
        Cell(one.window),
        Cell(t("windows.minutes", n=one.minutes)),
        Cell(t("windows.taken", n=taken, places=one.places), tag=tag),
    ]


@pages.post("slots", _OFFICE, form=list_slots, fields={"starts_at": "time", "slot.exists": "time"})
def make_slots(visit: Visit) -> Response:
    """Make times one after the other at a window."""
    visit.require("window", "day", "time", "minutes", "count", "places")
    minutes, count, places = (visit.number(name) for name in ("minutes", "count", "places"))
    if not 1 <= count <= _MOST_AT_ONCE:
        raise visit.refuse("count", "windows.count_span", most=_MOST_AT_ONCE)
    if minutes > slots.LONGEST_DAY:
        raise visit.refuse("minutes", "windows.minutes_span", most=slots.LONGEST_DAY)
    day = visit.day("day")
    try:
        begin = datetime.combine(day, time.fromisoformat(visit.text("time")), BEIJING)
    except ValueError:
        raise visit.refuse("time", "windows.time_form") from None
    if (begin + timedelta(minutes=minutes * count)).date() != day and count > 1:
        raise visit.refuse("count", "windows.one_day")
    for number in range(count):
        starts_at = int((begin + timedelta(minutes=minutes * number)).timestamp())
        try:
            slots.make_slot(visit.core, visit.call.who, visit.text("window"), starts_at, minutes, places)
        except Conflict as fault:
            if fault.code != "slot.exists":
                raise
    return visit.go(f"slots?from={day.isoformat()}", done="slots_made")


@pages.get("slots/{slot_id}", _ONE)
def cancel_page(visit: Visit, slot_id: str) -> Response:
    """A time, and what cancelling it does."""
    one, t = slots.show_slot(visit.core, visit.call.who, slot_id), visit.words
    taken = one.places - one.free
    return visit.page(
        "office/slot.html",
        facts=[
            Fact(t("windows.begins"), t.moment(one.starts_at)),
            Fact(t("windows.window"), one.window),
            Fact(t("windows.booked"), t("windows.taken", n=taken, places=one.places)),
        ],
        effects=[t("windows.cancel_effect", n=taken)],
        live=one.state == "open",
        address=f"{BASE}slots/{slot_id}",
        back=f"{BASE}slots?from={beijing_day(one.starts_at).isoformat()}",
    )


@pages.post("slots/{slot_id}/cancel", _ONE, form=cancel_page)
def cancel(visit: Visit, slot_id: str) -> Response:
    """Cancel a time and its bookings."""
    one = slots.show_slot(visit.core, visit.call.who, slot_id)
    slots.cancel_slot(visit.core, visit.call.who, slot_id)
    return visit.go(f"slots?from={beijing_day(one.starts_at).isoformat()}", done="slot_cancelled")
