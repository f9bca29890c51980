"""What is done with an application as a whole: it is submitted, withdrawn, written about; its notification is shown.

Promises:

1. Submitting names everything that speaks against it, each with its rule and a link to the place.
2. A message about an application is answered by its due day, and both sides see since when it waits.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from fastapi import Response

from issuer.enquiries import threads
from issuer.permits import activation, applications, views
from issuer.portal.filing_shown import (
    filing_state,
)
from issuer.portal.pages import Pages
from issuer.portal.parts import Fact
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .filings import refusals_shown, show_filing

__all__ = ["pages"]

pages = Pages()
_FILES_ONE: Final = Access("person", ("filing.file",), owned="filing")
_DECIDES_ONE: Final = Access("person", ("filing.decide",), owned="filing")
_ASKS_ONE: Final = Access("person", ("filing.file", "filing.read_own"), owned="filing")


@pages.post(
    "filings/{filing_id}/message", _ASKS_ONE, form=show_filing, fields={"text": "message", "enquiry": "message"}
)
def send_message(visit: Visit, filing_id: str) -> Response:
    """Ask the office about an application."""
    visit.require("message")
    call = visit.call
    once(
        call,
        lambda request: threads.send_message(call.core, call.who, filing_id, visit.text("message"), request),
        lambda made: made,
    )
    return visit.go(f"filings/{filing_id}", done="message_sent")


@pages.post(
    "filings/{filing_id}/answer", _DECIDES_ONE, form=show_filing, fields={"text": "message", "enquiry": "message"}
)
def answer_message(visit: Visit, filing_id: str) -> Response:
    """Answer what waits, or pass it on."""
    visit.require("message")
    call = visit.call
    side: threads.Side = "holder" if visit.text("side") == "holder" else "applicant"
    kind: Literal["answered", "passed_on"] = "passed_on" if visit.text("kind") == "passed_on" else "answered"
    once(
        call,
        lambda request: threads.answer_message(
            call.core, call.who, filing_id, side, kind, visit.text("message"), request
        ),
        lambda made: made,
    )
    return visit.go(f"filings/{filing_id}", done="message_answered")


@pages.post("filings/{filing_id}/submit", _FILES_ONE, form=show_filing)
def submit_filing(visit: Visit, filing_id: str) -> Response:
    """File a draft, or answer a return."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    with refusals_shown(visit, view):
        applications.submit_filing(visit.core, visit.call.who, filing_id, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_submitted")


@pages.get("filings/{filing_id}/withdraw", _FILES_ONE)
def withdraw_page(visit: Visit, filing_id: str) -> Response:
    """What withdrawing does, before it is done."""
    view, t = views.show_filing(visit.core, visit.call.who, filing_id), visit.words
    facts = [
        Fact(t("filing.person"), view.name or t("filing.nobody")),
        Fact(t("filing.process"), t(f"filing.process_{view.process}")),
        Fact(t("filing.state"), "", tag=filing_state(t, view.state)),
    ]
    effects = [t("filing.withdraw_effect")]
    if view.process == "extension":
        effects.append(t("filing.withdraw_extension"))
    return visit.page(
        "filings/withdraw.html",
        facts=facts,
        effects=effects,
        version=view.revision,
        address=f"{BASE}filings/{filing_id}",
    )


@pages.post("filings/{filing_id}/withdraw", _FILES_ONE, form=withdraw_page)
def withdraw_filing(visit: Visit, filing_id: str) -> Response:
    """Withdraw an application that is not decided."""
    applications.withdraw_filing(visit.core, visit.call.who, filing_id, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_withdrawn")


@pages.get("filings/{filing_id}/notification", _FILES_ONE)
def show_notification(visit: Visit, filing_id: str) -> Response:
    """The notification of a first entry: its code for the office, once."""
    found, t = activation.notification_of(visit.core, visit.call.who, filing_id), visit.words
    facts = [
        Fact(t("card.number"), found["number"], code=True),
        Fact(t("filing.notification_until"), t.day(date.fromisoformat(found["until"]))),
        Fact(t("filing.notification_code"), found["token"], code=True),
        Fact(t("filing.account_code"), found["account_code"], code=True),
    ]
    return visit.page("filings/notification.html", facts=facts, address=f"{BASE}filings/{filing_id}")
