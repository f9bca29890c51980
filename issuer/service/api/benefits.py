"""Benefits and subsidies: claims, their decision, pay orders.

Promises:

1. A claim is for the insured person and for officials; employers see none.
2. A decision has reasons; a refusal the ways of redress with their last days.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from icard_crypto.errors import Invalid
from issuer.insurance import claim_payments, claim_records, claim_stops, claims
from issuer.insurance.claim_records import ClaimView
from issuer.insurance.claims import Grant
from issuer.insurance.months import parse_month
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once

from .insurance import PERSON, Money, noted, noted_page
from .insurance_reports import ClaimBody

__all__ = ["endpoints"]

endpoints = Endpoints("Benefits")

_SEES: Final = Access("account", ("insurance.read", "benefit.own"))
_ONE: Final = Access("account", ("insurance.read", "benefit.own"), owned="claim")
_DECIDES: Final = Access("account", ("insurance.book",), owned="claim")


class ApplyBody(ClaimBody):
    """What is claimed, and what is known about it besides the record."""

    benefit: Annotated[str, Field(pattern="^[A-Za-z0-9_.:-]{1,80}$", examples=["unemployment"])]
    words: Annotated[str, Field(max_length=2000)] = ""


class AppliedBody(BaseModel):
    """The claim."""

    claim_id: str


class DecisionBody(Body):
    """A decision. ``monthly`` and ``first_month`` where it is granted; ``facts``: what the officer found."""

    outcome: Literal["granted", "refused"]
    reasons: Annotated[str, Field(min_length=1, max_length=2000, examples=["All conditions are met."])]
    monthly: Money | None = None
    first_month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$", examples=["2026-12"])] | None = None
    months: Annotated[int, Field(ge=1, le=600)] | None = None
    facts: Annotated[dict[str, bool], Field(max_length=20, default_factory=dict)]


class PaymentBody(Body):
    """The day on which an order was paid."""

    day: Annotated[Day, Field(examples=["2026-12-15"])]


class EventBody(Body):
    """An event that stops benefits, and its day."""

    event: Annotated[str, Field(pattern="^[a-z_]{1,40}$", examples=["moved_abroad"])]
    day: Annotated[Day, Field(examples=["2026-11-28"])]


class StoppedBody(BaseModel):
    """How many claims an event stopped."""

    stopped: int


@endpoints.at(
    "POST",
    f"{PERSON}/claims",
    Access("account", ("insurance.book", "benefit.own"), owned="insured"),
    status=201,
    creates=True,
)
def apply(call: CallOf, person_id: Id, body: ApplyBody, response: Response) -> AppliedBody:
    """Apply for a benefit or a subsidy: the person, or an officer for them."""
    told: dict[str, Any] = body.model_dump(exclude={"benefit", "words"})
    made = once(
        call,
        lambda request: claims.apply_claim(call.core, call.who, person_id, body.benefit, told, body.words, request),
        lambda name: name,
    )
    response.headers["Location"] = f"/v1/insurance/claims/{made}"
    return AppliedBody(claim_id=made)


@endpoints.at("GET", "/v1/insurance/claims", _SEES)
def list_claims(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[ClaimView]:
    """One's own claims; for officials all."""
    found = claim_records.list_claims(call.core, call.who, after=cursor, limit=limit + 1)
    return noted_page(call, page(found, limit, lambda one: one.claim_id), lambda one: one.person_id)


@endpoints.at("GET", "/v1/insurance/claims/{claim_id}", _ONE)
def show_claim(call: CallOf, claim_id: Id) -> ClaimView:
    """A claim with its conditions, its decision and its pay orders."""
    found = claim_records.show_claim(call.core, call.who, claim_id)
    noted(call, found.person_id)
    return found


@endpoints.at("POST", "/v1/insurance/claims/{claim_id}/decide", _DECIDES, status=204, problems=(403, 409))
def decide(call: CallOf, claim_id: Id, body: DecisionBody) -> None:
    """Grant a claim or refuse it, with reasons. What its conditions do not meet is not granted."""
    claims.decide_claim(call.core, call.who, claim_id, _grant(body), body.reasons, body.facts)


@endpoints.at(
    "POST",
    "/v1/insurance/claims/{claim_id}/withdraw",
    Access("account", ("insurance.book", "benefit.own"), owned="claim"),
    status=204,
    problems=(409,),
)
def withdraw(call: CallOf, claim_id: Id) -> None:
    """Withdraw a claim that is not decided."""
    claims.withdraw_claim(call.core, call.who, claim_id)


@endpoints.at("POST", "/v1/insurance/claims/{claim_id}/orders/{order}/paid", _DECIDES, status=204, problems=(409,))
def record_payment(call: CallOf, claim_id: Id, order: Id, body: PaymentBody) -> None:
    """Note that a pay order was paid."""
    claim_payments.record_payment(call.core, call.who, claim_id, order, body.day)


@endpoints.at("POST", f"{PERSON}/events", Access("account", ("insurance.book",), owned="insured"))
def note_event(call: CallOf, person_id: Id, body: EventBody) -> StoppedBody:
    """Note an event that stops benefits and that no other record shows, such as moving abroad."""
    return StoppedBody(stopped=claim_stops.stop_claims_for(call.core, call.who, person_id, body.event, body.day))


def _grant(body: DecisionBody) -> Grant | None:
    if body.outcome == "refused":
        return None
    if body.monthly is None or body.first_month is None:
        raise Invalid("claim.month", path="first_month", expected="monthly and first_month of what is granted")
    return Grant(body.monthly, parse_month(body.first_month), body.months)
