"""The time of a decision at the desk: stopped on a ground of the law, going on again; and the delivery of decisions.

Promises:

1. The grounds on which the time stops are the rules' own, each with its source; the applicant reads ground and reason.
2. Ways of redress count from a delivery that an officer has recorded with what proves it.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.permits import case_moves, views
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice
from issuer.portal.rule_shown import ShownRules, rule_part, rule_title
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .desk import decision_page

__all__ = ["pages"]

pages = Pages()
_DECIDES_ONE: Final = Access("person", ("filing.decide",), owned="filing")


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
