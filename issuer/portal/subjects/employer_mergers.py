"""The merger of an employer into another one, and its new name: asked for by one officer, confirmed by another.

Promises:

1. The other employer is named by its unified social credit code, as its licence has it; of one that it had before the
   next page says that it changed. The page says what follows.
2. Whoever confirms reads the names and codes of both; of a new name, the one that it has now too.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.accounts.credit_codes import normal_code
from issuer.permits import offices
from issuer.portal.pages import Pages
from issuer.portal.parts import Fact
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .asking import ask_for

__all__ = ["pages"]

pages = Pages()
_CHANGES: Final = Access("person", ("employer.verify",), owned="employer")


@pages.get("employers/{organisation_id}/merge", _CHANGES)
def merge_page(visit: Visit, organisation_id: str) -> Response:
    """The form by which an officer asks for the merger."""
    return _form(visit, organisation_id, "officer/merge_employer.html", "approvals.employer.merge_effect")


@pages.post(
    "employers/{organisation_id}/merge",
    _CHANGES,
    form=merge_page,
    fields={"organisation": "into", "filing": "into", "process": "into", "office": "into", "access.fresh_code": "code"},
)
def ask_merger(visit: Visit, organisation_id: str) -> Response:
    """Ask for the merger; a second officer confirms it, one of the other employer's region where that is another."""
    visit.require("into", "reason")
    visit.give_code()
    into = offices.employer_with_code(visit.core, visit.call.who, visit.text("into"))
    arguments = {"employer_id": organisation_id, "into_id": into.organisation_id}
    former = normal_code(visit.text("into")) != into.code
    return ask_for(visit, "employer.merge", arguments, "asked_former_code" if former else "asked")


@pages.get("employers/{organisation_id}/name", _CHANGES)
def name_page(visit: Visit, organisation_id: str) -> Response:
    """The form by which an officer asks for another name."""
    return _form(visit, organisation_id, "officer/rename_employer.html", "approvals.employer.name_effect")


@pages.post(
    "employers/{organisation_id}/name",
    _CHANGES,
    form=name_page,
    fields={"filing": "name", "organisation": "name", "office": "name", "access.fresh_code": "code"},
)
def ask_name(visit: Visit, organisation_id: str) -> Response:
    """Ask for it; a second officer of the region confirms it."""
    visit.require("name", "reason")
    visit.give_code()
    return ask_for(visit, "employer.name", {"organisation_id": organisation_id, "name": visit.text("name")})


def _form(visit: Visit, organisation_id: str, template: str, effect: str) -> Response:
    t, named = visit.words, offices.name_employer(visit.core, visit.call.who, organisation_id)
    return visit.page(
        template,
        facts=[Fact(t("card.employer"), named.name), Fact(t("organisation.code"), named.code, code=True)],
        effects=[t(effect), t("acts.notified")],
        needs_code=not visit.fresh(),
        address=f"{BASE}employers/{organisation_id}",
    )
