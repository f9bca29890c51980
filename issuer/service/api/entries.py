"""After a first entry: originals at the window, times there, and what is reported of the residence permit.

Who has a permit of category B or C shows originals at the window within the days of rule D11. Nothing ends by itself
when they come late: an officer decides.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import Field

from issuer.permits import entries, packages, slots
from issuer.permits.entries import EntryView
from issuer.permits.slots import BookingView, SlotView
from issuer.service.access import Access
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once

__all__ = ["endpoints"]

endpoints = Endpoints("Entries")

_ALL: Final = Access("account", ("filing.read", "filing.read_own"))
_SEEN: Final = Access("account", ("filing.read", "filing.read_own"), owned="entry")
_BOOKS: Final = Access("account", ("filing.decide", "filing.read_own"), owned="entry")
_REPORTS: Final = Access("person", ("filing.decide", "permit.own"), owned="entry")
_DECIDES: Final = Access("person", ("filing.decide",), owned="entry")
_OFFICE: Final = Access("person", ("filing.decide", "filing.lead"))
_OF_OFFICE: Final = Access("person", ("filing.decide", "filing.lead"), owned="slot")


class ProlongedBody(Body):
    """``until``: the later day; ``reason``: for the applicant."""

    until: Annotated[Day, Field(examples=["2026-12-18"])]
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["The hospital's report is late."])]


class NotShownBody(Body):
    """Why no later day is given."""

    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Nobody came, nor asked for a later day."])]


class ResidenceBody(Body):
    """How the residence permit stands since ``on``."""

    state: Literal["not_applied", "applied", "granted", "refused"]
    on: Annotated[Day, Field(examples=["2026-11-20"])]


class SlotBody(Body):
    """A time at a window of one's own office. ``starts_at``: Unix time."""

    window: Annotated[str, Field(min_length=1, max_length=20, examples=["3"])]
    starts_at: Annotated[int, Field(examples=[1772416800])]
    minutes: Annotated[int, Field(ge=5, le=480, examples=[20])]
    places: Annotated[int, Field(ge=1, le=100, examples=[1])]


class BookingBody(Body):
    """The slot to book, or to move to."""

    slot_id: HexId


@endpoints.at("GET", "/v1/entries", _ALL)
def list_entries(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[EntryView]:
    """One's own entries, or those of the office's region, in the order of their ids."""
    found = entries.list_entries(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.entry_id)


@endpoints.at("GET", "/v1/entries/{entry_id}", _SEEN)
def show_entry(call: CallOf, entry_id: Id, response: Response) -> EntryView:
    """An entry: what has to be shown by when, and the residence permit's days."""
    return _shown(call, entry_id, response)


@endpoints.at("POST", "/v1/entries/{entry_id}/show", _DECIDES, changes=True, problems=(409,))
def show_originals(call: CallOf, entry_id: Id, response: Response) -> EntryView:
    """Record that originals, visa and domestic medical report were shown, and the decision was handed out."""
    entries.show_originals(call.core, call.who, entry_id, call.version)
    return _shown(call, entry_id, response)


@endpoints.at("POST", "/v1/entries/{entry_id}/prolong", _DECIDES, changes=True, problems=(409,))
def prolong_originals(call: CallOf, entry_id: Id, body: ProlongedBody, response: Response) -> EntryView:
    """Give a later day for the originals, with a reason."""
    entries.prolong_originals(call.core, call.who, entry_id, body.until, body.reason, call.version)
    return _shown(call, entry_id, response)


@endpoints.at("POST", "/v1/entries/{entry_id}/not-shown", _DECIDES, changes=True, problems=(409,))
def record_not_shown(call: CallOf, entry_id: Id, body: NotShownBody, response: Response) -> EntryView:
    """Record that the originals were not shown in time, and no later day is given."""
    entries.record_not_shown(call.core, call.who, entry_id, body.reason, call.version)
    return _shown(call, entry_id, response)


@endpoints.at("PUT", "/v1/entries/{entry_id}/residence", _REPORTS, changes=True)
def report_residence(call: CallOf, entry_id: Id, body: ResidenceBody, response: Response) -> EntryView:
    """Report how the residence permit stands, as its holder or as an officer."""
    entries.report_residence(call.core, call.who, entry_id, body.state, body.on, call.version)
    return _shown(call, entry_id, response)


@endpoints.at("GET", "/v1/entries/{entry_id}/package", _SEEN, types=("application/zip",))
def fetch_package(call: CallOf, entry_id: Id) -> Response:
    """What the application for the residence permit needs, as a ZIP: the permit, its days, and the photo."""
    data = packages.residence_package(call.core, call.who, entry_id)
    headers = {"Cache-Control": "no-store", "Content-Disposition": "attachment"}
    return Response(data, media_type="application/zip", headers=headers)


@endpoints.at("GET", "/v1/entries/{entry_id}/slots", _SEEN)
def free_slots(call: CallOf, entry_id: Id) -> list[SlotView]:
    """The times that are free, soonest first, at the nearest office that has any; empty: none is left."""
    return slots.free_slots(call.core, call.who, entry_id)


@endpoints.at("GET", "/v1/entries/{entry_id}/booking", _SEEN)
def show_booking(call: CallOf, entry_id: Id) -> BookingView:
    """The time that is booked."""
    return slots.show_booking(call.core, call.who, entry_id)


@endpoints.at("PUT", "/v1/entries/{entry_id}/booking", _BOOKS, problems=(409,))
def book_slot(call: CallOf, entry_id: Id, body: BookingBody) -> BookingView:
    """Book a time, or move the booking there."""
    slots.book_slot(call.core, call.who, entry_id, body.slot_id)
    return slots.show_booking(call.core, call.who, entry_id)


@endpoints.at("DELETE", "/v1/entries/{entry_id}/booking", _BOOKS, status=204, problems=(409,))
def cancel_booking(call: CallOf, entry_id: Id) -> Response:
    """Give the booking up."""
    slots.cancel_booking(call.core, call.who, entry_id)
    return Response(status_code=204)


@endpoints.at("POST", "/v1/slots", _OFFICE, status=201, creates=True, problems=(404,))
def make_slot(call: CallOf, body: SlotBody, response: Response) -> SlotView:
    """Make a time at a window of one's own office."""
    slot_id = once(
        call,
        lambda request: slots.make_slot(
            call.core, call.who, body.window, body.starts_at, body.minutes, body.places, request
        ),
        lambda made: made,
    )
    response.headers["Location"] = f"/v1/slots/{slot_id}"
    return slots.show_slot(call.core, call.who, slot_id)


@endpoints.at("GET", "/v1/slots", _OFFICE, problems=(404,))
def list_slots(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[SlotView]:
    """The times of one's own office that have not begun, in the order of their ids."""
    found = slots.list_slots(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.slot_id)


@endpoints.at("GET", "/v1/slots/{slot_id}", _OF_OFFICE)
def show_slot(call: CallOf, slot_id: Id) -> SlotView:
    """A time of one's own office."""
    return slots.show_slot(call.core, call.who, slot_id)


@endpoints.at("POST", "/v1/slots/{slot_id}/cancel", _OF_OFFICE)
def cancel_slot(call: CallOf, slot_id: Id) -> SlotView:
    """Cancel a time and its bookings; whoever had booked is notified."""
    slots.cancel_slot(call.core, call.who, slot_id)
    return slots.show_slot(call.core, call.who, slot_id)


def _shown(call: CallOf, entry_id: str, response: Response) -> EntryView:
    found = entries.show_entry(call.core, call.who, entry_id)
    response.headers["ETag"] = etag(found.revision)
    return found
