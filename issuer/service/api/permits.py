"""Permits: who has one, its activation after entry, and what the rules say without an application."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from issuer.permits import assessments, granting, views
from issuer.permits.assessments import AssessmentView
from issuer.permits.names import LONGEST_NAME, PassportName
from issuer.permits.views import PermitView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once

from .offices import RegionCode

__all__ = ["endpoints"]

endpoints = Endpoints("Permits")

_SEEN = Access("account", ("filing.read", "filing.read_own"))


class ActivationBody(Body):
    """What the notification's code and the person show. ``checked``: the officer has compared person and passport."""

    token: Annotated[str, Field(min_length=16, max_length=100, examples=["q3dJ8xWm2RzT5vKb"])]
    surname: Annotated[str, Field(max_length=LONGEST_NAME, examples=["MUSTERMANN"])]
    given: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    number: Annotated[str, Field(max_length=40, examples=["310115202600000001"])]
    checked: bool


class AssessmentBody(Body):
    """A person as the classification standard sees them. ``on``: the day whose rules apply; null: today."""

    region: RegionCode
    facts: Annotated[dict[str, Any], Field(max_length=40, examples=[{"education": "master", "age": 32}])]
    on: date | None = None


class ActivatedBody(BaseModel):
    """The permit that is active now."""

    permit_id: str


@endpoints.at("GET", "/v1/permits", _SEEN)
def list_permits(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[PermitView]:
    """One's own permits, or those of the office's region, in the order of their ids."""
    found = views.list_permits(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.permit_id)


@endpoints.at("GET", "/v1/permits/{permit_id}", Access("account", ("filing.read", "filing.read_own"), owned="permit"))
def show_permit(call: CallOf, permit_id: Id) -> PermitView:
    """A permit with its terms and ends; `may_work` says whether the person may work now."""
    return views.show_permit(call.core, call.who, permit_id)


@endpoints.at(
    "POST",
    "/v1/permits/activations",
    Access("person", ("filing.decide",)),
    status=201,
    creates=True,
    problems=(404, 409),
)
def activate(call: CallOf, body: ActivationBody) -> ActivatedBody:
    """Activate a permit after entry by its notification: once, in time, for the person whose name and number it has."""
    name = PassportName(body.surname, body.given)
    return once(
        call,
        lambda: ActivatedBody(
            permit_id=granting.activate(call.core, call.who, body.token, name, body.number, checked=body.checked)
        ),
        lambda permit_id: ActivatedBody(permit_id=permit_id),
    )


@endpoints.at("POST", "/v1/permits/assessments", Access("account"))
def assess(call: CallOf, body: AssessmentBody) -> AssessmentView:
    """What category and points a person would have, row by row; nothing is filed and nothing is kept."""
    return assessments.assess_person(call.core, body.region, body.facts, body.on)
