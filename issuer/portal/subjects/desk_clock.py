"""Moves of an application at the desk beside its decision: its time stopped and going on, its transfer, the delivery.

Promises:

1. The grounds on which the time stops are the rules' own, each with its source; the applicant reads ground and reason.
2. Ways of redress count from a delivery that an officer has recorded with what proves it.
3. A head hands an application to the office of another region, chosen by its name; the page says what that does before
   it is done, and region and reason stand in the history.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.permits import case_moves, views
from issuer.permits.offices import office_regions
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice
from issuer.portal.places import region_code, regions_named
from issuer.portal.rule_shown import ShownRules, region_words, rule_part, rule_title
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .desk import decision_page

__all__ = ["pages"]

pages = Pages()
_DECIDES_ONE: Final = Access("person", ("filing.decide",), owned="filing")
_LEADS_ONE: Final = Access("person", ("filing.lead",), owned="filing")


@pages.get("filings/{filing_id}/pause", _DECIDES_ONE)
def pause_page(visit: Visit, filing_id: str) -> Response:
    """The form by which the time for a decision is stopped."""
    t, rules = visit.words, ShownRules(visit)
    region = views.show_filing(visit.core, visit.call.who, filing_id).region
    rows = rules.book.effective("pauses", region, rules.today)
    return decision_page(
        visit,
        filing_id,
        "pause",
        [t("desk.pause_effect")],
        fields="pause",
        grounds=[Choice(row.id, rule_title(row, t)) for row in rows],
        rules=[rule_part(row, t) for row in rows],
    )


@pages.post("filings/{filing_id}/pause", _DECIDES_ONE, form=pause_page, fields={"account.field": "reason"})
def pause(visit: Visit, filing_id: str) -> Response:
    """Stop the time for a decision."""
    visit.require("ground", "reason")
    ground, reason = visit.text("ground"), visit.text("reason")
    case_moves.pause_filing(visit.core, visit.call.who, filing_id, ground, reason, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_paused")


@pages.get("filings/{filing_id}/resume", _DECIDES_ONE)
def resume_page(visit: Visit, filing_id: str) -> Response:
    """What it does that the time goes on."""
    return decision_page(visit, filing_id, "resume", [visit.words("desk.resume_effect")])


@pages.post("filings/{filing_id}/resume", _DECIDES_ONE, form=resume_page)
def resume(visit: Visit, filing_id: str) -> Response:
    """Let the time for a decision go on."""
    case_moves.resume_filing(visit.core, visit.call.who, filing_id, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_resumed")


@pages.get("filings/{filing_id}/deliver", _DECIDES_ONE)
def deliver_page(visit: Visit, filing_id: str) -> Response:
    """The form by which a delivery is recorded."""
    t = visit.words
    return decision_page(
        visit,
        filing_id,
        "deliver",
        [t("desk.deliver_effect")],
        fields="deliver",
        ways=[Choice(way, t(f"desk.way_{way}")) for way in case_moves.WAYS],
        today=ShownRules(visit).today.isoformat(),
    )


@pages.post("filings/{filing_id}/deliver", _DECIDES_ONE, form=deliver_page, fields={"account.field": "evidence"})
def deliver(visit: Visit, filing_id: str) -> Response:
    """Record how and when a decision was delivered."""
    visit.require("way", "day", "evidence")
    way, day, evidence = visit.text("way"), visit.day("day"), visit.text("evidence")
    case_moves.record_delivery(visit.core, visit.call.who, filing_id, way, day, evidence, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_delivered")


@pages.get("filings/{filing_id}/transfer", _LEADS_ONE)
def transfer_page(visit: Visit, filing_id: str) -> Response:
    """The form by which a head hands an application to the office of another region."""
    t = visit.words
    here = views.show_filing(visit.core, visit.call.who, filing_id).region
    return decision_page(
        visit,
        filing_id,
        "transfer",
        [t("desk.transfer_effect")],
        fields="transfer",
        hint=t("desk.transfer_hint", region=region_words(here, t)),
        regions=regions_named(t, (region for region in office_regions(visit.core) if region != here)),
    )


@pages.post(
    "filings/{filing_id}/transfer",
    _LEADS_ONE,
    form=transfer_page,
    fields={"account.field": "reason", "filing.field": "region", "office.none": "region"},
)
def transfer(visit: Visit, filing_id: str) -> Response:
    """Hand it over; it is the other office's from then on, so the queue comes next."""
    visit.require("region", "reason")
    region, reason = region_code(visit.text("region")), visit.text("reason")
    case_moves.transfer_filing(visit.core, visit.call.who, filing_id, region, reason, visit.call.version)
    return visit.go("queue", done="filing_transferred")
