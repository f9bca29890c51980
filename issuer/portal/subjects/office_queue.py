"""An office's queue by legal day, what an officer has taken, the head's view of the load, and activation at the window.

Promises:

1. The queue is in the order of legal days. What somebody has taken is named, not hidden.
2. What is given back lies in the queue again, in its place.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from urllib.parse import urljoin

from fastapi import Response

from issuer.enquiries import threads
from issuer.permits import activation, desk
from issuer.permits.activation import NewHolder
from issuer.permits.desk import QueueItem
from issuer.permits.names import PassportName
from issuer.permits.person_checks import WindowOfficer
from issuer.portal.catalogue import LANGUAGES
from issuer.portal.filing_shown import filing_state
from issuer.portal.lists import SIZE
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Choice, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_SEES: Final = with_right("filing.read")
_DECIDES: Final = with_right("filing.decide")
_DECIDES_ONE: Final = Access("person", ("filing.decide",), owned="filing")


@pages.get("queue", _SEES)
def show_queue(visit: Visit) -> Response:
    """What lies on the desk, the nearest legal day first."""
    who, after = visit.call.who, visit.query("after")
    free = visit.query("show") == "free"
    found = desk.queue(visit.core, who, after=after if _is_cursor(after) else "", limit=SIZE + 1, free=free)
    t, kept = visit.words, found[:SIZE]
    filters = [
        Choice("all", t("desk.show_all"), href=f"{BASE}queue"),
        Choice("free", t("desk.show_free"), href=f"{BASE}queue?show=free"),
    ]
    more = f"{BASE}queue?after={kept[-1].cursor}" if len(found) > SIZE else None
    return visit.page(
        "office/queue.html",
        items=_rows(visit, kept),
        filters=filters,
        show="free" if free else "all",
        first=f"{BASE}queue" if after else None,
        next=f"{more}&show=free" if more and free else more,
        decides=who.may("filing.decide"),
        leads=who.may("filing.lead"),
        messages=_waiting(visit) if who.may("filing.decide") else [],
    )


def _waiting(visit: Visit) -> list[list[Cell]]:
    """Messages that wait for the office, the longest first."""
    t = visit.words
    return [
        [
            Cell(one.name, f"{BASE}filings/{one.filing_id}#messages", more=t(f"messages.side_{one.side}")),
            Cell(t.moment(one.since)),
            Cell(t.day(one.due, short=True)),
        ]
        for one in threads.list_waiting(visit.core, visit.call.who)
    ]


def _is_cursor(text: str) -> bool:
    return len(text) == 44 and text[11] == "_" and text.replace("-", "").replace("_", "").isalnum()


def _rows(visit: Visit, found: list[QueueItem]) -> list[list[Cell]]:
    """The queue as a table: due, person, kind, employer, documents checked, taken by."""
    t, today = visit.words, ShownRules(visit).today
    rows = []
    for one in found:
        day = date.fromisoformat(one.due)
        left = (day - today).days
        tag = Tag(t("desk.late"), "bad") if left < 0 else Tag(t("desk.soon"), "warn") if left <= 5 else None
        notes = [t("desk.by_law")] if one.by_law else []
        notes += [t("desk.returned", n=one.returns)] if one.returns else []
        rows.append(
            [
                Cell(one.name, f"{BASE}filings/{one.filing_id}", more=one.employer),
                Cell(t.day(day, short=True), tag=tag, more=" · ".join(notes)),
                Cell(t(f"filing.process_{one.process}")),
                Cell("", tag=filing_state(t, one.state)),
                Cell(t("desk.checked", done=one.verified, total=one.papers)),
                Cell(t("desk.you") if one.own else one.taken_by or "–"),
            ]
        )
    return rows


@pages.post("queue/next", _DECIDES)
def take_next(visit: Visit) -> Response:
    """Take the first application that nobody has taken, and open it."""
    name = once(visit.call, lambda request: desk.take_next(visit.core, visit.call.who, request), lambda made: made)
    return visit.go(f"filings/{name}", done="taken") if name else visit.go("queue", done="nothing_to_take")


@pages.post("filings/{filing_id}/take", _DECIDES_ONE)
def take(visit: Visit, filing_id: str) -> Response:
    """Take an application."""
    desk.take(visit.core, visit.call.who, filing_id)
    return visit.go(f"filings/{filing_id}", done="taken")


@pages.post("filings/{filing_id}/give-back", _DECIDES_ONE)
def give_back(visit: Visit, filing_id: str) -> Response:
    """Give an application back to the queue."""
    desk.give_back(visit.core, visit.call.who, filing_id)
    return visit.go("queue", done="given_back")


@pages.get("load", with_right("filing.lead"))
def show_load(visit: Visit) -> Response:
    """The head's view: how much lies on the desk, what is overdue, what goes on by law unless it is decided."""
    found, t = desk.office_load(visit.core, visit.call.who), visit.words
    states = [
        Fact(t(f"filing.state_{state}"), t.number(found.states.get(state, 0)))
        for state in ("SUBMITTED", "PRE_REVIEWED", "ACCEPTED", "RETURNED")
    ]
    taken = [
        [Cell(name or t("desk.nobody")), Cell(t.number(number), number=True)]
        for name, number in sorted(found.taken.items())
    ]
    return visit.page(
        "office/load.html",
        states=states,
        overdue=_rows(visit, found.overdue),
        by_law=_rows(visit, found.by_law),
        soon=found.soon,
        second=found.second_returns,
        taken=taken,
    )


@pages.get("activate", _DECIDES)
def activate_page(visit: Visit) -> Response:
    """The form by which a permit is activated after entry."""
    return visit.page("office/activate.html")


@pages.post("activate", _DECIDES, form=activate_page, fields={
    "notification.unknown": "notification", "notification.over": "notification", "notification.unchecked": "checked",
    "notification.person": "surname", "number": "number", "surname": "surname", "given": "given",
    "account.conflict": "login", "login": "login", "email": "email",
})  # fmt: skip
def activate(visit: Visit) -> Response:
    """Activate a permit by its notification, for the person who was checked, with the account that they want."""
    visit.require("notification", "surname", "number")
    call, name = visit.call, PassportName(visit.text("surname"), visit.text("given"))
    check = WindowOfficer(visit.text("checked") == "yes")
    login, email = visit.text("login"), visit.text("email") or None
    if email and not login:
        raise visit.refuse("login", "forms.missing")
    language = next((one for one in LANGUAGES if one == visit.text("language")), visit.view.language)
    holder = NewHolder(login, email, language) if login else None
    token, number = visit.text("notification"), visit.text("number")
    made = once(
        call,
        lambda request: activation.activate(
            call.core, call.who, token, name, number, check, holder=holder, request=request
        ),
        lambda permit_id: activation.activated_by(call.core, permit_id),
    )
    address = f"permits/{made.permit_id}"
    if made.invitation is not None and made.invitation.token is not None:
        service = visit.core.settings.public_url or str(visit.request.base_url)
        t = visit.words
        facts = [
            Fact(t("desk.slip_where"), urljoin(service, f"{BASE}invitations/")),
            Fact(t("login.name"), login),
            Fact(t("desk.slip_code"), made.invitation.token, code=True),
        ]
        return visit.page("office/activated.html", facts=facts, back=BASE + address)
    return visit.go(address, done="permit_activated")
