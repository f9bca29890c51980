"""What carries over to another region: paid months by scheme, each with its rule, and where they were paid.

Promises:

1. Nothing has to be asked for here, and the page says so: the next registration goes on with the record.
2. The person reads their own; an official's look leaves a row that the person sees.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from fastapi import Response

from issuer.insurance import views
from issuer.insurance.carrying import Carried, Place, moving_of
from issuer.portal.catalogue import Words
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import region_words, rule_part
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.api.insurance import noted

__all__ = ["pages"]

pages = Pages()
_SEES: Final = Access("person", ("insurance.read", "benefit.own"), owned="insured")


@pages.get("insurance/{person_id}/moving", _SEES)
def moving_page(visit: Visit, person_id: str) -> Response:
    """What somebody keeps who goes on working in another region."""
    core, who, t = visit.core, visit.call.who, visit.words
    found = moving_of(core, who, person_id)
    noted(visit.call, person_id)
    return visit.page(
        "insurance/moving.html",
        name=views.show_insurance(core, who, person_id).name,
        own=person_id == who.person_id,
        schemes=[_months(t, one) for one in found.schemes],
        answers=[_answer(t, one) for one in found.schemes],
        places=[_place(t, one) for one in found.places],
        address=f"{BASE}insurance" if person_id == who.person_id else f"{BASE}insurance/{person_id}",
    )


def _months(t: Words, one: Carried) -> list[Cell]:
    here, there = ("–" if months is None else t.number(months) for months in (one.here, one.there))
    return [
        Cell(t(f"card.scheme_{one.scheme}")),
        Cell(t.number(one.paid), number=True),
        Cell(here, number=True),
        Cell(there, number=True),
    ]


def _answer(t: Words, one: Carried) -> dict[str, object]:
    """What the law says of a scheme; its row, in the words of the answer."""
    text = one.answer.text(t.language)
    rules = [replace(rule_part(row, t), text=text) for row in one.answer.rules]
    return {"title": t(f"card.scheme_{one.scheme}"), "text": text, "rules": rules}


def _place(t: Words, one: Place) -> list[Cell]:
    first = t.day(date.fromisoformat(one.began), short=True)
    period = t("insurance.v_since", day=first)
    if one.ended is not None:
        period = t("insurance.v_period", begin=first, end=t.day(date.fromisoformat(one.ended), short=True))
    return [
        Cell(region_words(one.region, t)),
        Cell(one.employer),
        Cell(period),
        Cell(t.number(one.months), number=True),
    ]
