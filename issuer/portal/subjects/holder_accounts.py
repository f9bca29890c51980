"""The account of a permit's holder who came by no notification: asked for by one officer, confirmed by another.

Promises:

1. Each officer has the person and the passport before them, and hands over one of the two slips; neither opens the
   account alone.
2. The form is offered where the person has no account.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.approvals import engine
from issuer.permits import views
from issuer.portal.pages import Pages
from issuer.portal.parts import Fact
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .filings import refusals_shown

__all__ = ["pages", "slip_page"]

pages = Pages()
_OPENS: Final = Access("person", ("filing.decide",), owned="permit")


@pages.get("permits/{permit_id}/account", _OPENS)
def account_page(visit: Visit, permit_id: str) -> Response:
    """The form by which an officer asks for a holder's account."""
    view, t = views.show_permit(visit.core, visit.call.who, permit_id), visit.words
    return visit.page(
        "permits/account.html",
        facts=[Fact(t("card.name"), view.name), Fact(t("card.number"), view.number, code=True)],
        effects=[t("endings.account_check"), t("endings.account_effect")],
        needs_code=not visit.fresh(),
        address=f"{BASE}permits/{permit_id}",
    )


@pages.post(
    "permits/{permit_id}/account",
    _OPENS,
    form=account_page,
    fields={"account": "login", "permit": "login", "access.fresh_code": "code"},
)
def ask_account(visit: Visit, permit_id: str) -> Response:
    """Ask for it; this officer's slip is shown once."""
    visit.require("login", "reason")
    visit.give_code()
    call = visit.call
    arguments = {
        "permit_id": permit_id,
        "login": visit.text("login"),
        "email": visit.text("email") or None,
        "language": visit.text("language") or "zh",
    }
    with refusals_shown(visit, place="login"):
        asked = once(
            call,
            lambda request: engine.ask(call.core, call.who, "account.open", arguments, visit.text("reason"), request),
            lambda name: engine.show_confirmation(call.core, call.who, name),
        )
    return slip_page(visit, asked.invitation_part, "endings.slip_first")


def slip_page(visit: Visit, slip: str | None, lead: str) -> Response:
    """An officer's slip, for the person alone. None: it was shown before."""
    return visit.page("permits/slip.html", slip=slip, lead=lead, back=f"{BASE}confirmations")
