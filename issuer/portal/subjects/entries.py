"""After a first entry: what has to be shown at the window by when, a time there, and the residence permit.

Promises:

1. Each day stands with its rule, whose turn it is and what happens otherwise: nothing ends by itself.
2. A time at a window is booked, moved and given up here; where none is left, the page says so and names the office.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, cast

from fastapi import Response

from issuer.permits import entries, slots, views
from issuer.permits.entries import EntryView
from issuer.permits.slots import SlotView
from issuer.portal.catalogue import Words
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Choice, Deadline, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_LISTS: Final = with_right("filing.read", "filing.read_own")
_SEEN: Final = Access("person", ("filing.read", "filing.read_own"), owned="entry")
_BOOKS: Final = Access("person", ("filing.decide", "filing.read_own"), owned="entry")
_REPORTS: Final = Access("person", ("filing.decide", "permit.own"), owned="entry")
_DECIDES: Final = Access("person", ("filing.decide",), owned="entry")
_TONES: Final = {"DUE": "info", "OVERDUE": "bad", "SHOWN": "neutral", "NOT_SHOWN": "bad"}
_STATES: Final = ("applied", "granted", "refused")
_MOST_SLOTS: Final = 20


@pages.get("entries", _LISTS)
def list_entries(visit: Visit) -> Response:
    """One's own entries, or those of the office's region."""
    found = entries.list_entries(visit.core, visit.call.who, **asked_page(visit))
    shown, t = shown_page(visit, found, lambda one: one.entry_id), visit.words
    rows = [
        [
            Cell(views.show_permit(visit.core, visit.call.who, one.permit_id).name, f"{BASE}entries/{one.entry_id}"),
            Cell(t.day(date.fromisoformat(one.entered_on), short=True)),
            Cell("", tag=_state(t, one)),
            Cell(t.day(date.fromisoformat(one.originals_due), short=True) if one.originals_due else "–"),
        ]
        for one in shown["items"]
    ]
    return visit.page("entries/list.html", **{**shown, "items": rows})


def _state(t: Words, one: EntryView) -> Tag:
    return Tag(t(f"entries.originals_{one.originals}"), _TONES.get(one.originals, "neutral"))  # type: ignore[arg-type]


@pages.get("entries/{entry_id}", _SEEN)
def show_entry(visit: Visit, entry_id: str) -> Response:
    """An entry: what is to be shown, a time for it, and the days of the residence permit."""
    core, who, t = visit.core, visit.call.who, visit.words
    one = entries.show_entry(core, who, entry_id)
    permit, rules = views.show_permit(core, who, one.permit_id), ShownRules(visit)
    booked = slots.show_booking(core, who, entry_id).slot
    open_originals = one.originals in ("DUE", "OVERDUE")
    free = slots.free_slots(core, who, entry_id)[:_MOST_SLOTS] if open_originals else []
    facts = [
        Fact(t("card.name"), permit.name),
        Fact(t("entries.entered"), t.day(date.fromisoformat(one.entered_on))),
        Fact(t("entries.originals"), "", tag=_state(t, one)),
        Fact(t("entries.residence"), t(f"entries.residence_{one.residence}")),
    ]
    return visit.page(
        "entries/entry.html",
        entry=one,
        name=permit.name,
        facts=facts,
        deadlines=_deadlines(rules, one, permit.terms[-1].region),
        booked=_slot(t, booked) if booked else "",
        slots=[Choice(slot.slot_id, _slot(t, slot)) for slot in free],
        open_originals=open_originals,
        states=[Choice(name, t(f"entries.residence_{name}")) for name in _STATES],
        decides=who.may("filing.decide"),
        reports=who.may("filing.decide") or who.may("permit.own"),
        address=f"{BASE}entries/{entry_id}",
    )


def _slot(t: Words, slot: SlotView) -> str:
    return t("entries.slot", moment=t.moment(slot.starts_at), window=slot.window, n=slot.minutes)


def _deadlines(rules: ShownRules, one: EntryView, region: str) -> list[tuple[str, Deadline]]:
    """The days that run: originals at the window, the residence permit and the decision on it."""
    t, found = rules.t, []
    wanted = [
        ("D11", one.originals_due if one.originals in ("DUE", "OVERDUE") else None, "permit.whose_holder"),
        ("D12", one.residence_due if one.residence == "not_applied" else None, "permit.whose_holder"),
        ("D12-decision", one.residence_decision_due if one.residence == "applied" else None, "entries.whose_police"),
    ]
    for name, day, whose in wanted:
        row = rules.of_deadline(name, region)
        if row is not None and day is not None:
            shown = rules.deadline(row, date.fromisoformat(day), region, whose=t(whose))
            found.append((row.value["title"][t.language], shown))
    return found


@pages.post("entries/{entry_id}/book", _BOOKS, form=show_entry, fields={"slot": "slot_id", "entry": "slot_id"})
def book(visit: Visit, entry_id: str) -> Response:
    """Book a time at a window, or move the booking there."""
    visit.require("slot_id")
    slots.book_slot(visit.core, visit.call.who, entry_id, visit.text("slot_id"))
    return visit.go(f"entries/{entry_id}", done="slot_booked")


@pages.post("entries/{entry_id}/give-up", _BOOKS, form=show_entry)
def give_up(visit: Visit, entry_id: str) -> Response:
    """Give the booked time up."""
    slots.cancel_booking(visit.core, visit.call.who, entry_id)
    return visit.go(f"entries/{entry_id}", done="slot_given_up")


@pages.post("entries/{entry_id}/residence", _REPORTS, form=show_entry, fields={"filing": "on", "entry": "on"})
def report_residence(visit: Visit, entry_id: str) -> Response:
    """Report how the residence permit stands."""
    visit.require("state", "on")
    entries.report_residence(
        visit.core, visit.call.who, entry_id, visit.text("state"), visit.day("on"), visit.call.version
    )
    return visit.go(f"entries/{entry_id}", done="residence_reported")


@pages.post("entries/{entry_id}/decide", _DECIDES, form=show_entry, fields={"filing": "until", "entry": "until"})
def decide(visit: Visit, entry_id: str) -> Response:
    """Record that originals were shown, give a later day, or record that they were not shown."""
    core, who, version = visit.core, visit.call.who, visit.call.version
    act = cast("Literal['show', 'prolong', 'not_shown']", visit.text("act"))
    if act == "show":
        entries.show_originals(core, who, entry_id, version)
    elif act == "prolong":
        visit.require("until", "reason")
        entries.prolong_originals(core, who, entry_id, visit.day("until"), visit.text("reason"), version)
    else:
        visit.require("reason")
        entries.record_not_shown(core, who, entry_id, visit.text("reason"), version)
    return visit.go(f"entries/{entry_id}", done="originals_recorded")
