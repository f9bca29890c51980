"""The merger of an employer into another one: asked for by one officer, confirmed by another.

Promises:

1. The other employer is named by its unified social credit code, as its licence has it; the page says what follows.
2. Whoever confirms reads the names and codes of both.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.permits import offices
from issuer.portal.pages import Pages
from issuer.portal.parts import Fact
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .asking import ask_for

__all__ = ["pages"]

pages = Pages()
_MERGES: Final = Access("person", ("employer.verify",), owned="employer")


@pages.get("employers/{organisation_id}/merge", _MERGES)
def merge_page(visit: Visit, organisation_id: str) -> Response:
    """The form by which an officer asks for the merger."""
    t, named = visit.words, offices.name_employer(visit.core, visit.call.who, organisation_id)
    return visit.page(
        "officer/merge_employer.html",
        facts=[Fact(t("card.employer"), named.name), Fact(t("organisation.code"), named.code, code=True)],
        effects=[t("approvals.employer.merge_effect")],
        needs_code=not visit.fresh(),
        address=f"{BASE}employers/{organisation_id}",
    )


@pages.post(
    "employers/{organisation_id}/merge",
    _MERGES,
    form=merge_page,
    fields={"organisation": "into", "filing": "into", "process": "into", "office": "into", "access.fresh_code": "code"},
)
def ask_merger(visit: Visit, organisation_id: str) -> Response:
    """Ask for the merger; a second officer of the region confirms it."""
    visit.require("into", "reason")
    visit.give_code()
    into_id = offices.employer_with_code(visit.core, visit.call.who, visit.text("into"))
    return ask_for(visit, "employer.merge", {"employer_id": organisation_id, "into_id": into_id})
