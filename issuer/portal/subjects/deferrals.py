"""Deferred look-ups: made by two officials for an inquiry, counted by month for the auditor, ended before their day.

Promises:

1. A deferral names the record, the official, the law and the day, and waits for a second person; no page shows one to
   the person before its day, and on its day nothing has to be done.
2. How much is deferred is counted for the whole service by month, never for a person.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from fastapi import Response

from issuer.accounts import directory
from issuer.approvals import engine
from issuer.cards import deferrals
from issuer.cards.deferrals import DeferralView
from issuer.portal.insurance_shown import month_words
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Fact
from issuer.portal.people_shown import person_facts
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_DEFERS: Final = with_right("lookup.defer")
_ONE: Final = Access("person", ("lookup.defer",), owned="deferral")
_ID: Final = re.compile("[0-9a-f]{32}")
_WATCHES: Final = with_right("audit.read", "service.watch")


@pages.get("lookups/deferred", _WATCHES)
def count_deferred(visit: Visit) -> Response:
    """How many look-ups were deferred, by month, for the whole service."""
    t = visit.words
    rows = [
        [Cell(month_words(t, one.month)), Cell(t.number(one.lookups), number=True)]
        for one in deferrals.deferred_by_month(visit.core)
    ]
    return visit.page("lookups/deferred.html", rows=rows)


@pages.get("lookups/deferrals", _DEFERS)
def list_deferrals(visit: Visit) -> Response:
    """The deferrals that have not come to their day."""
    found = deferrals.list_deferrals(visit.core, visit.call.who, **asked_page(visit))
    shown = shown_page(visit, found, lambda one: one.deferral_id)
    items = [(_facts(visit, one), _end(one)) for one in shown["items"]]
    return visit.page("lookups/deferrals.html", **{**shown, "items": items})


def _facts(visit: Visit, one: DeferralView) -> list[Fact]:
    t, official = visit.words, deferrals.official_name(visit.core, visit.call.who, one.account_id)
    return [
        Fact(t("lookups.law"), one.law),
        Fact(t("lookups.shown_on"), t.day(date.fromisoformat(one.shown_on))),
        Fact(t("lookups.since"), t.moment(one.begins_at)),
        *person_facts(visit, one.person_id),
        Fact(t("lookups.official"), official or one.account_id),
    ]


def _end(one: DeferralView) -> str:
    return f"{BASE}lookups/deferrals/{one.deferral_id}/end"


@pages.post("lookups/deferrals/{deferral_id}/end", _ONE)
def end_deferral(visit: Visit, deferral_id: str) -> Response:
    """End a deferral before its day."""
    deferrals.end_deferral(visit.core, visit.call.who, deferral_id)
    return visit.go("lookups/deferrals", done="deferral_ended")


@pages.get("lookups/deferrals/new", _DEFERS)
def new_page(visit: Visit) -> Response:
    """The form by which a deferral is asked for; about the card or the person from whose page it was opened, or about
    the holder of a permit."""
    own = directory.own_account(visit.core, visit.call.who).login
    return visit.page(
        "lookups/new_deferral.html",
        official=own,
        about=_about(visit),
        days=visit.core.settings.deferral_days,
        needs_code=not visit.fresh(),
    )


def _about(visit: Visit) -> dict[str, str]:
    """Whom the page that led here is about: a card's or a person's id, which nobody types."""
    found = {"card_id": visit.text("card_id") or visit.query("card")}
    found |= {"person_id": visit.text("person_id") or visit.query("person")}
    return next(({name: value} for name, value in found.items() if _ID.fullmatch(value)), {})


@pages.post("lookups/deferrals/new", _DEFERS, form=new_page, fields={
    "access.fresh_code": "code", "totp": "code", "lookup.deferral": "shown_on", "lookup.law": "law",
    "account.none": "official", "account.person": "number", "account.self": "number", "issue.no_card": "number",
})  # fmt: skip
def ask(visit: Visit) -> Response:
    """Ask for a deferral; a second official confirms it."""
    about = _about(visit)
    visit.require(*([] if about else ["number"]), "official", "shown_on", "law", "reason")
    visit.day("shown_on")
    call, reason = visit.call, visit.reason()
    about = about or {"card_id": deferrals.card_of_permit(call.core, call.who, visit.text("number"))}
    account_id = deferrals.official_of_login(call.core, call.who, visit.text("official"))
    visit.give_code()
    call = visit.call
    wanted = {**about, "account_id": account_id, **{name: visit.text(name) for name in ("shown_on", "law")}}
    once(
        call,
        lambda request: engine.ask(call.core, call.who, "lookup.defer", wanted, reason, request),
        lambda name: engine.show_confirmation(call.core, call.who, name),
    )
    return visit.go("confirmations", done="asked")
