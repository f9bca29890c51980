"""Deferred look-ups: made by two officials for an inquiry, counted by month for the auditor, ended before their day.

Promises:

1. A deferral names the record, the official, the law and the day, and waits for a second person; no page shows one to
   the person before its day, and on its day nothing has to be done.
2. How much is deferred is counted for the whole service by month, never for a person.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import Response

from issuer.accounts import directory
from issuer.approvals import engine
from issuer.cards import deferrals
from issuer.cards.deferrals import DeferralView
from issuer.portal.catalogue import Words
from issuer.portal.insurance_shown import month_words
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Fact
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_DEFERS: Final = with_right("lookup.defer")
_ONE: Final = Access("person", ("lookup.defer",), owned="deferral")
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
    shown, t = shown_page(visit, found, lambda one: one.deferral_id), visit.words
    return visit.page("lookups/deferrals.html", **{**shown, "items": [(_facts(t, one), _end(one)) for one in found]})


def _facts(t: Words, one: DeferralView) -> list[Fact]:
    return [
        Fact(t("lookups.law"), one.law),
        Fact(t("lookups.shown_on"), t.day(date.fromisoformat(one.shown_on))),
        Fact(t("lookups.since"), t.moment(one.begins_at)),
        Fact(t("lookups.person"), one.person_id, code=True),
        Fact(t("lookups.official"), one.account_id, code=True),
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
    """The form by which a deferral is asked for."""
    own = directory.own_account(visit.core, visit.call.who).account_id
    return visit.page(
        "lookups/new_deferral.html",
        own=own,
        card=visit.query("card"),
        days=visit.core.settings.deferral_days,
        needs_code=not visit.fresh(),
    )


@pages.post("lookups/deferrals/new", _DEFERS, form=new_page, fields={
    "access.fresh_code": "code", "totp": "code", "lookup.deferral": "shown_on", "lookup.law": "law",
    "account.none": "account_id", "account.person": "person_id", "account.self": "person_id",
    "issue.no_card": "card_id",
})  # fmt: skip
def ask(visit: Visit) -> Response:
    """Ask for a deferral; a second official confirms it."""
    visit.require("account_id", "shown_on", "law", "reason")
    visit.day("shown_on")
    visit.give_code()
    about = {name: visit.text(name) for name in ("card_id", "person_id") if visit.text(name)}
    wanted = {**about, **{name: visit.text(name) for name in ("account_id", "shown_on", "law")}}
    call, reason = visit.call, visit.reason()
    once(
        call,
        lambda request: engine.ask(call.core, call.who, "lookup.defer", wanted, reason, request),
        lambda name: engine.show_confirmation(call.core, call.who, name),
    )
    return visit.go("confirmations", done="asked")
