"""Objections: reconsideration of a refused application or of a permit's end.

Lodged by whom the decision concerns. A head of the office, who took no part in the decision, records what becomes of
it.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import Field

from issuer.db.idempotency import Request
from issuer.permits import objection_views, objections
from issuer.permits.objection_views import ObjectionView
from issuer.permits.objections import NewObjection
from issuer.service.access import Access
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Cursor, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once

from .refusals import shown_refusals

__all__ = ["endpoints"]

endpoints = Endpoints("Objections")

_READS: Final = ("filing.lead", "filing.read", "objection.lodge")
_SEEN: Final = Access("account", _READS, owned="objection")
_DECIDES: Final = Access("person", ("objection.decide",), owned="objection")
Words = Annotated[str, Field(min_length=1, max_length=4000, examples=["The certificate was handed in on 2 March."])]


class NewObjectionBody(Body):
    """What is objected to: ``filing_id``, a refused application, or ``permit_id``, the newest end of a permit.

    ``late_reason``: why it was not possible in time, where the last day is over.
    """

    filing_id: HexId | None = None
    permit_id: HexId | None = None
    grounds: Words
    late_reason: Words | None = None


class AdmitBody(Body):
    """``simple``: by the simplified procedure, which is shorter."""

    simple: bool = False


class ReasonBody(Body):
    """Why; whoever lodged the objection sees it."""

    reason: Words


class LongerBody(Body):
    """By how many days the decision takes longer, and why."""

    days: Annotated[int, Field(ge=1, le=100, examples=[30])]
    reason: Words


class OutcomeBody(Body):
    """``outcome``: uphold, the decision stands; or annul, it is set aside."""

    outcome: Literal["uphold", "annul"]
    reason: Words


@endpoints.at(
    "POST",
    "/v1/objections",
    Access("person", ("objection.lodge",)),
    status=201,
    creates=True,
    problems=(404, 409),
)
def lodge(call: CallOf, body: NewObjectionBody, response: Response) -> ObjectionView:
    """Lodge an objection against a refusal or the end of a permit."""
    new = NewObjection(body.grounds, body.filing_id, body.permit_id, body.late_reason)

    def make(request: Request) -> str:
        with shown_refusals():
            return objections.lodge(call.core, call.who, new, request)

    objection_id = once(call, make, lambda made: made)
    response.headers["Location"] = f"/v1/objections/{objection_id}"
    return _shown(call, objection_id, response)


@endpoints.at("GET", "/v1/objections", Access("account", _READS))
def list_objections(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[ObjectionView]:
    """One's own objections, or those of the office's region, in the order of their ids."""
    found = objection_views.list_objections(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.objection_id)


@endpoints.at("GET", "/v1/objections/{objection_id}", _SEEN)
def show_objection(call: CallOf, objection_id: Id, response: Response) -> ObjectionView:
    """An objection with its clocks, and the outcome with the ways of redress."""
    return _shown(call, objection_id, response)


@endpoints.at(
    "POST",
    "/v1/objections/{objection_id}/withdraw",
    Access("person", ("objection.lodge",), owned="objection"),
    changes=True,
    problems=(409,),
)
def withdraw(call: CallOf, objection_id: Id, response: Response) -> ObjectionView:
    """Withdraw one's own objection."""
    objections.withdraw_objection(call.core, call.who, objection_id, call.version)
    return _shown(call, objection_id, response)


@endpoints.at("POST", "/v1/objections/{objection_id}/admit", _DECIDES, changes=True, problems=(409,))
def admit(call: CallOf, objection_id: Id, body: AdmitBody, response: Response) -> ObjectionView:
    """Admit an objection: the time for its decision begins."""
    objections.admit_objection(call.core, call.who, objection_id, call.version, simple=body.simple)
    return _shown(call, objection_id, response)


@endpoints.at("POST", "/v1/objections/{objection_id}/dismiss", _DECIDES, changes=True, problems=(409,))
def dismiss(call: CallOf, objection_id: Id, body: ReasonBody, response: Response) -> ObjectionView:
    """Do not admit an objection; the way to the court goes with it."""
    objections.dismiss_objection(call.core, call.who, objection_id, call.version, body.reason)
    return _shown(call, objection_id, response)


@endpoints.at("POST", "/v1/objections/{objection_id}/stay", _DECIDES, changes=True, problems=(409,))
def stay(call: CallOf, objection_id: Id, body: ReasonBody, response: Response) -> ObjectionView:
    """Stay the decision meanwhile; two officers may then restore the permit."""
    objections.stay_objection(call.core, call.who, objection_id, call.version, body.reason)
    return _shown(call, objection_id, response)


@endpoints.at("POST", "/v1/objections/{objection_id}/prolong", _DECIDES, changes=True, problems=(409,))
def prolong(call: CallOf, objection_id: Id, body: LongerBody, response: Response) -> ObjectionView:
    """Prolong the decision on an objection, once."""
    objections.prolong_objection(call.core, call.who, objection_id, call.version, body.days, body.reason)
    return _shown(call, objection_id, response)


@endpoints.at("POST", "/v1/objections/{objection_id}/decide", _DECIDES, changes=True, problems=(409,))
def decide(call: CallOf, objection_id: Id, body: OutcomeBody, response: Response) -> ObjectionView:
    """Record the outcome: upheld, or annulled; a refused application is then decided again."""
    objections.decide_objection(call.core, call.who, objection_id, call.version, body.outcome, body.reason)
    return _shown(call, objection_id, response)


def _shown(call: CallOf, objection_id: str, response: Response) -> ObjectionView:
    found = objection_views.show_objection(call.core, call.who, objection_id)
    response.headers["ETag"] = etag(found.revision)
    return found
