"""What a person says before a decision against them, and a holder's own report of having left.

A hearing begins by itself when an employer files a cancellation without the person's signature, and when an officer
means to have a permit revoked or withdrawn.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Response
from pydantic import BaseModel, Field

from issuer.permits import hearings, leaving
from issuer.permits.hearings import HearingView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Day, Endpoints, Id
from issuer.service.idempotent import once

from .refusals import shown_refusals

__all__ = ["endpoints"]

endpoints = Endpoints("Hearings")

_SEEN: Final = Access("account", ("filing.read", "filing.read_own"), owned="permit")


class NewHearingBody(Body):
    """What is meant to be decided. ``end``: kind and ground, as the rules of kind `ends` have them."""

    end: Annotated[str, Field(max_length=80, examples=["revoked.fraud"])]
    reason: Annotated[str, Field(min_length=1, max_length=1000, examples=["The degree is not in the register."])]


class StatementBody(Body):
    """What the person says."""

    statement: Annotated[str, Field(min_length=1, max_length=4000, examples=["I did not resign."])]


class LeavingBody(Body):
    """The last day of work."""

    day: Annotated[Day, Field(examples=["2026-09-30"])]


class HearingMade(BaseModel):
    """The hearing that began."""

    hearing_id: str


class HearingsBody(BaseModel):
    """The hearings about a permit, the newest first."""

    items: list[HearingView]


@endpoints.at(
    "POST",
    "/v1/permits/{permit_id}/hearings",
    Access("person", ("filing.decide",), owned="permit"),
    status=201,
    creates=True,
    problems=(409,),
)
def open_hearing(call: CallOf, permit_id: Id, body: NewHearingBody) -> HearingMade:
    """Tell a person what is meant to be decided against them, and by when they may state their case."""
    return once(
        call,
        lambda request: HearingMade(
            hearing_id=hearings.open_hearing(call.core, call.who, permit_id, body.end, body.reason, request)
        ),
        lambda made: HearingMade(hearing_id=made),
    )


@endpoints.at("GET", "/v1/permits/{permit_id}/hearings", _SEEN)
def list_hearings(call: CallOf, permit_id: Id) -> HearingsBody:
    """The hearings about a permit, the newest first."""
    return HearingsBody(items=hearings.list_hearings(call.core, call.who, permit_id))


@endpoints.at(
    "POST",
    "/v1/hearings/{hearing_id}/statement",
    Access("person", ("filing.decide", "filing.file", "permit.own"), owned="hearing"),
    status=204,
    problems=(409,),
)
def state_case(call: CallOf, hearing_id: Id, body: StatementBody) -> None:
    """State one's case; what an officer writes down of it at the window leaves the hearing open."""
    hearings.state_case(call.core, call.who, hearing_id, body.statement)


@endpoints.at(
    "POST",
    "/v1/permits/{permit_id}/leaving",
    Access("person", ("permit.own",), owned="permit"),
    status=204,
    problems=(409,),
)
def report_leaving(call: CallOf, permit_id: Id, body: LeavingBody, response: Response) -> None:
    """Report that one has left the employer. It ends nothing; the employer and the office get notice."""
    with shown_refusals():
        leaving.report_leaving(call.core, call.who, permit_id, body.day)
