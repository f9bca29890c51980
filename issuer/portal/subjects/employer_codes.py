"""An employer's unified social credit code: a new one is asked for by one officer and confirmed by another.

Promises:

1. The page says what follows, and which codes the employer had before.
2. Whoever confirms reads the employer's name and present code beside the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fastapi import Response

from issuer.accounts.organisations import ReplacedCode
from issuer.permits import offices
from issuer.portal.catalogue import Words
from issuer.portal.pages import Pages
from issuer.portal.parts import Fact
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .asking import ask_for

__all__ = ["former_codes", "pages"]

pages = Pages()
_CHANGES: Final = Access("person", ("employer.verify",), owned="employer")


@pages.get("employers/{organisation_id}/code", _CHANGES)
def code_page(visit: Visit, organisation_id: str) -> Response:
    """The form by which an officer asks for another code."""
    t, found = visit.words, offices.employer_codes(visit.core, visit.call.who, organisation_id)
    return visit.page(
        "officer/employer_code.html",
        facts=[
            Fact(t("card.employer"), found.name),
            Fact(t("organisation.code"), found.code, code=True),
            *former_codes(t, found.former),
        ],
        effects=[t("approvals.employer.code_effect")],
        needs_code=not visit.fresh(),
        address=f"{BASE}employers/{organisation_id}",
    )


@pages.post(
    "employers/{organisation_id}/code",
    _CHANGES,
    form=code_page,
    fields={
        "access.fresh_code": "code",
        "organisation": "credit_code",
        "filing": "credit_code",
        "office": "credit_code",
        "code": "credit_code",
    },
)
def ask_code(visit: Visit, organisation_id: str) -> Response:
    """Ask for the code; a second officer of the region confirms it."""
    visit.require("credit_code", "reason")
    visit.give_code()
    arguments = {"organisation_id": organisation_id, "code": visit.text("credit_code").upper()}
    return ask_for(visit, "employer.code", arguments)


def former_codes(t: Words, codes: Iterable[ReplacedCode]) -> list[Fact]:
    """The codes that an employer had before, each with the day until which it had it."""
    return [
        Fact(
            t("organisation.former_code", day=t.day(one.replaced_at)),
            one.code or t("organisation.code_unknown"),
            code=one.code is not None,
        )
        for one in codes
    ]
