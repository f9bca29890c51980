"""All-in-one services: what is offered where, what a person's card grants, and places that refused it.

Promises:

1. What is offered comes from the registry of items, with its source and certainty.
2. A service that is granted or withdrawn is so in the card's codes as soon as they are signed,
   most often when the answer comes.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Path, Response
from pydantic import BaseModel, Field

from issuer.insurance import service_grants
from issuer.insurance.answers import rule_brief
from issuer.insurance.service_grants import GrantView, ReportView
from issuer.insurance.service_items import items_in
from issuer.rules.days import day_of
from issuer.rules.store import book_of
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once

from .insurance import PERSON, noted, noted_page

__all__ = ["endpoints"]

endpoints = Endpoints("All-in-one services")

_REPORTS: Final = Access("account", ("insurance.read", "benefit.own"))
ServiceName = Annotated[str, Field(pattern="^[a-z_]{1,40}$", examples=["transit"])]
Region = Annotated[str, Path(pattern="^[0-9]{6}$", description="A code of GB/T 2260.", examples=["330400"])]


class ItemBody(BaseModel):
    """A service that is offered. ``must_take``: a place that refuses the card can be reported; ``consent``: the person
    agrees first.
    """

    service: str
    field: str
    scenario: str
    forms: list[str]
    places: int | None
    must_take: bool
    consent: bool
    text: dict[str, str]
    since: str
    until: str | None
    rule: dict[str, Any]


class GrantBody(Body):
    """The service."""

    service: ServiceName


class WithdrawBody(Body):
    """Why; an officer has to say it."""

    reason: Annotated[str, Field(max_length=1000)] | None = None


class RefusalBody(Body):
    """A place that refused the card."""

    service: ServiceName
    day: Annotated[Day, Field(examples=["2026-11-28"])]
    place: Annotated[str, Field(min_length=1, max_length=1000, examples=["West Gate of the Summer Palace"])]
    words: Annotated[str, Field(min_length=1, max_length=1000, examples=["They asked for a passport."])]


class ReportedBody(BaseModel):
    """The report."""

    report_id: str


class AnswerBody(Body):
    """What became of a report."""

    outcome: Literal["upheld", "dismissed"]
    answer: Annotated[str, Field(min_length=1, max_length=1000, examples=["The gate was told to take the card."])]


@endpoints.at("GET", "/v1/services/regions/{region}", Access("anyone"))
def list_items(call: CallOf, region: Region) -> list[ItemBody]:
    """The services of the card that are offered in a region today: field, scenario, places, forms of the card."""
    today = day_of(int(call.core.clock.local()))
    found = call.core.database.read(lambda session: items_in(book_of(session), region, today))
    return [
        ItemBody(
            service=item.name,
            field=item.field,
            scenario=item.scenario,
            forms=list(item.forms),
            places=item.rule.value.get("places"),
            must_take=item.must_take,
            consent=bool(item.rule.value.get("consent")),
            text={"en": item.title("en"), "zh": item.title("zh")},
            since=item.rule.valid_from.isoformat(),
            until=None if item.rule.valid_to is None else item.rule.valid_to.isoformat(),
            rule=rule_brief(item.rule),
        )
        for item in found
    ]


@endpoints.at("GET", f"{PERSON}/services", Access("account", ("insurance.read", "benefit.own"), owned="insured"))
def list_grants(call: CallOf, person_id: Id) -> list[GrantView]:
    """The services that a person's card grants, and those that were withdrawn."""
    found = service_grants.list_grants(call.core, call.who, person_id)
    noted(call, person_id)
    return found


@endpoints.at(
    "POST",
    f"{PERSON}/services",
    Access("account", ("insurance.book",), owned="insured"),
    status=201,
    problems=(409,),
)
def grant(call: CallOf, person_id: Id, body: GrantBody) -> GrantView:
    """Grant a service: the card gets new codes that say so; the earlier ones run to their own end."""
    return service_grants.grant_service(call.core, call.who, person_id, body.service)


@endpoints.at(
    "POST",
    "/v1/services/grants/{grant_id}/withdraw",
    Access("person", ("insurance.book", "privacy.own"), owned="grant"),
    status=204,
)
def withdraw(call: CallOf, grant_id: Id, body: WithdrawBody) -> None:
    """Withdraw a service: the card's earlier codes read replaced at once. The person needs no reason."""
    service_grants.withdraw_service(call.core, call.who, grant_id, body.reason)


@endpoints.at(
    "POST", "/v1/services/refusals", Access("account", ("benefit.own",)), status=201, creates=True, problems=(404, 409)
)
def report(call: CallOf, body: RefusalBody, response: Response) -> ReportedBody:
    """Report a place that must take the card and refused it."""
    made = once(
        call,
        lambda request: service_grants.report_refusal(call.core, call.who, **body.model_dump(), request=request),
        lambda name: name,
    )
    response.headers["Location"] = "/v1/services/refusals"
    return ReportedBody(report_id=made)


@endpoints.at("GET", "/v1/services/refusals", _REPORTS)
def list_reports(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[ReportView]:
    """One's own reports of refusals; for officials all."""
    found = service_grants.list_reports(call.core, call.who, after=cursor, limit=limit + 1)
    return noted_page(call, page(found, limit, lambda one: one.report_id), lambda one: one.person_id)


@endpoints.at(
    "POST",
    "/v1/services/refusals/{report_id}/answer",
    Access("account", ("insurance.book",), owned="refusal"),
    status=204,
    problems=(403, 409),
)
def answer(call: CallOf, report_id: Id, body: AnswerBody) -> None:
    """Answer a report: the place has to put it right, or it was no refusal."""
    service_grants.answer_report(call.core, call.who, report_id, body.outcome, body.answer)
