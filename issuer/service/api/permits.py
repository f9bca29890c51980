"""Permits: who has one, what is due, activation after entry, and what the rules say without an application."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from issuer.db.idempotency import Request
from issuer.permits import activation, assessments, corrections, due, person_mergers, plans, views
from issuer.permits.activation import Activated, NewHolder
from issuer.permits.assessments import AssessmentView
from issuer.permits.names import LONGEST_NAME, PassportName
from issuer.permits.person_checks import WindowOfficer
from issuer.permits.person_mergers import MergerView
from issuer.permits.views import PermitFilter, PermitView
from issuer.rules.citations import cite
from issuer.rules.rows import Rule
from issuer.service.access import Access
from issuer.service.card_reading import read_permit
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once

from .offices import RegionCode
from .refusals import shown_refusals

__all__ = ["endpoints"]

endpoints = Endpoints("Permits")

Show = Annotated[
    PermitFilter, Query(description="live: in force now; ending: of these, within 120 days; ended: no longer.")
]
_SEEN = Access("account", ("filing.read", "filing.read_own"))


class HolderBody(Body):
    """The holder's own account. ``email``: as the person tells it at the window."""

    login: Annotated[str, Field(min_length=3, max_length=64, examples=["hannelore.vogel"])]
    email: Annotated[str | None, Field(max_length=254)] = None
    language: Literal["en", "zh"] = "zh"


class ActivationBody(Body):
    """What the notification's code and the person show. ``checked``: the officer has compared person and passport.

    ``token``: the token, or the whole text of the code; ``entered_on``: the day of entry, null: today; ``holder``: the
    account that the person wants.
    """

    token: Annotated[str, Field(min_length=16, max_length=100, examples=["q3dJ8xWm2RzT5vKb"])]
    surname: Annotated[str, Field(max_length=LONGEST_NAME, examples=["MUSTERMANN"])]
    given: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    number: Annotated[str, Field(max_length=40, examples=["310115202600000001"])]
    checked: bool
    entered_on: Day | None = None
    holder: HolderBody | None = None


class AssessmentBody(Body):
    """A person as the classification standard sees them. ``on``: the day whose rules apply; null: today."""

    region: RegionCode
    facts: Annotated[dict[str, Any], Field(max_length=40, examples=[{"education": "master", "age": 32}])]
    on: Day | None = None


class DueBody(BaseModel):
    """Something that is due: what, until when, about whom, and by which rule. ``code``: of the material, for papers."""

    kind: Literal["answer", "paper", "extension", "extension_opens", "end", "notification"]
    day: date
    name: str
    region: str
    employer_id: str
    filing_id: str | None
    permit_id: str | None
    code: str | None
    rule: dict[str, str]


class PlanBody(Body):
    """A term that could be applied for. ``contract``, ``passport``: their last days."""

    region: RegionCode
    category: Literal["A", "B", "C"]
    first: Annotated[Day, Field(examples=["2026-12-01"])]
    contract: Day | None = None
    passport: Day | None = None


class PlannedBody(BaseModel):
    """The longest term, what limits it, and when its extension could be filed; each with its rule."""

    first: date
    until: date
    limit: str
    term_rule: dict[str, str]
    opens: date
    closes: date
    extension_rule: dict[str, str]


class CorrectionBody(Body):
    """A clerical error. ``value``: what is there from now on; days as YYYY-MM-DD."""

    field: Literal["post", "surname", "given", "birth", "sex"]
    value: Annotated[str, Field(max_length=66, examples=["Head of design"])]
    reason: Annotated[str, Field(min_length=1, max_length=1000, examples=["Misspelt when the application was typed."])]


class ActivatedBody(BaseModel):
    """The permit that is active now, and the entry's file.

    ``slip``: handed to the person, who opens the account with it and the notification's account code: the invitation's
    secret is both, with a dot between them. Shown once; null where no account was made.
    """

    permit_id: str
    entry_id: str
    account_id: str | None
    slip: str | None


@endpoints.at("GET", "/v1/permits", _SEEN)
def list_permits(call: CallOf, cursor: Cursor = "", limit: Limit = 50, show: Show = "all") -> Page[PermitView]:
    """One's own permits, or those of the office's region, in the order of their ids."""
    found = views.list_permits(call.core, call.who, after=cursor, limit=limit + 1, show=show)
    return page(found, limit, lambda each: each.permit_id)


@endpoints.at("GET", "/v1/permits/{permit_id}", Access("account", ("filing.read", "filing.read_own"), owned="permit"))
def show_permit(call: CallOf, permit_id: Id, response: Response) -> PermitView:
    """A permit with its terms and ends; `may_work` says whether the person may work now."""
    found = read_permit(call, permit_id)
    response.headers["ETag"] = etag(found.revision)
    return found


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
    wanted = None if body.holder is None else NewHolder(body.holder.login, body.holder.email, body.holder.language)
    check = WindowOfficer(body.checked)

    def make(request: Request) -> Activated:
        return activation.activate(
            call.core,
            call.who,
            body.token,
            name,
            body.number,
            check,
            entered_on=body.entered_on,
            holder=wanted,
            request=request,
        )

    made = once(call, make, lambda permit_id: activation.activated_by(call.core, permit_id))
    invited = made.invitation
    return ActivatedBody(
        permit_id=made.permit_id,
        entry_id=made.entry_id,
        account_id=None if invited is None else invited.account_id,
        slip=None if invited is None else invited.token,
    )


@endpoints.at("GET", "/v1/due", Access("account", ("filing.read_own",)))
def list_due(call: CallOf, limit: Limit = 50) -> list[DueBody]:
    """What one has to do next about permits and applications, the earliest day first."""
    found = due.due_list(call.core, call.who, limit=limit)
    return [
        DueBody(
            kind=one.kind,
            day=one.day,
            name=one.name,
            region=one.region,
            employer_id=one.employer_id,
            filing_id=one.filing_id,
            permit_id=one.permit_id,
            code=one.code,
            rule=_cited(one.rule),
        )
        for one in found
    ]


@endpoints.at("POST", "/v1/permits/plans", Access("account"))
def plan(call: CallOf, body: PlanBody) -> PlannedBody:
    """How long a permit could run and when it would have to be extended; nothing is filed and nothing is kept."""
    with shown_refusals():
        found = plans.plan_term(call.core, body.region, body.category, body.first, body.contract, body.passport)
    return PlannedBody(
        first=found.first,
        until=found.until,
        limit=found.limit,
        term_rule=_cited(found.term),
        opens=found.opens,
        closes=found.closes,
        extension_rule=_cited(found.extension),
    )


def _cited(rule: Rule) -> dict[str, str]:
    return {"en": cite(rule, "en"), "zh": cite(rule, "zh")}


@endpoints.at("POST", "/v1/permits/assessments", Access("account"))
def assess(call: CallOf, body: AssessmentBody) -> AssessmentView:
    """What category and points a person would have, row by row; nothing is filed and nothing is kept."""
    return assessments.assess_person(call.core, body.region, body.facts, body.on)


@endpoints.at(
    "POST",
    "/v1/permits/{permit_id}/corrections",
    Access("person", ("filing.decide",), owned="permit"),
    changes=True,
    problems=(409,),
)
def correct(call: CallOf, permit_id: Id, body: CorrectionBody, response: Response) -> PermitView:
    """Put a clerical error right, with a record; a card that said it wrong gets new codes."""
    corrections.correct_permit(call.core, call.who, permit_id, body.field, body.value, body.reason, call.version)
    return _shown(call, permit_id, response)


@endpoints.at(
    "GET",
    "/v1/permits/{permit_id}/mergers",
    Access("person", ("filing.decide", "permit.own"), owned="permit"),
)
def list_mergers(call: CallOf, permit_id: Id) -> list[MergerView]:
    """Mergers of the person's record with another one of the same human being, newest first."""
    return person_mergers.list_mergers(call.core, call.who, permit_id)


def _shown(call: CallOf, permit_id: str, response: Response) -> PermitView:
    found = views.show_permit(call.core, call.who, permit_id)
    response.headers["ETag"] = etag(found.revision)
    return found
