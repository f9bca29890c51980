"""One's own data: a copy of everything, requests, consents, what is kept how long; heirs.

Promises:

1. Everything here is about the person who asks; officials see the requests that they may decide on.
2. A consent is given by the person in a session and withdrawn in one step.
3. What was passed on, kept back or refused says why, with the rule and how certain it is.
"""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from issuer.accounts import consents
from issuer.accounts.consents import ConsentView, NewConsent
from issuer.documents.sheets import draw_report
from issuer.insurance import heirs
from issuer.insurance.heirs import HeirView
from issuer.privacy import requests
from issuer.privacy.copy_report import copy_report
from issuer.privacy.export import export_of, export_schema
from issuer.privacy.requests import RequestView
from issuer.privacy.retention import retention_rows
from issuer.privacy.withdrawal import withdraw_consent
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once

from .insurance import PERSON, noted

__all__ = ["endpoints"]

endpoints = Endpoints("Own data")

_OWN: Final = Access("person", ("privacy.own",))
_DECIDE: Final = ("account.manage", "card.issue", "filing.decide", "insurance.book")
_SEES: Final = Access("person", ("privacy.own", *_DECIDE))
_SEES_ONE: Final = Access("person", ("privacy.own", *_DECIDE), owned="privacy_request")
_HEIRS: Final = Access("account", ("insurance.book",), owned="insured")
_FILE: Final = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="personal-data.json"'}
_PAGES: Final = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="personal-data.pdf"'}

Words = Annotated[str, Field(min_length=1, max_length=2000, examples=["My given name is written Erika, not Erica."])]
Heir = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="A person who died, whose heir one is.")]


class AskBody(Body):
    """What is asked about one's own data. ``fact``: which fact of the record it is about, where it is a single one."""

    kind: Literal["correction", "deletion", "explanation"]
    topic: Literal["account", "card", "permit", "insurance"]
    words: Words
    fact: Annotated[str, Field(pattern="^[a-z_]{1,40}$", examples=["name"])] | None = None


class AskedBody(BaseModel):
    """The request."""

    request_id: str


class DecideBody(Body):
    """What became of a request; ``words``: what was done, or the reasons of a refusal."""

    outcome: Literal["done", "refused"]
    words: Words


class ConsentBody(Body):
    """What one agrees to. ``service``: of the card, where the purpose is about one; ``until``: the last day."""

    purpose: Annotated[str, Field(pattern="^[a-z_]{1,40}$", examples=["service"])]
    recipient: Annotated[str, Field(min_length=1, max_length=200, examples=["Jiaxing Transit Group"])]
    until: Annotated[Day, Field(examples=["2027-11-30"])]
    service: Annotated[str, Field(pattern="^[a-z_]{1,40}$", examples=["transit"])] | None = None


class KeptBody(BaseModel):
    """What is kept for how many years and why. ``law``: a law requires it; else it is the service's own rule."""

    category: str
    text: dict[str, str]
    years: int
    law: bool
    source: dict[str, str]
    certainty: str


class HeirBody(Body):
    """A near relative with an account of their own, and what the officer was shown."""

    heir_person_id: HexId
    relation: Literal["spouse", "child", "parent", "sibling", "grandparent", "grandchild", "other_heir"]
    proof: Annotated[str, Field(min_length=1, max_length=200, examples=["Household register"])]
    until: Annotated[Day, Field(examples=["2027-05-31"])]


class GivenBody(BaseModel):
    """What was made."""

    heir_id: str


@endpoints.at("GET", "/v1/privacy/export", _OWN, types=("application/json",), problems=(404,), costly=True)
def export(call: CallOf, person_id: Heir = None) -> Response:
    """Everything that the service has about oneself, or about somebody whose heir one is, as a file."""
    document = export_of(call.core, call.who, person_id)
    content = json.dumps(document, ensure_ascii=False, indent=1)
    return Response(content, media_type="application/json", headers=_FILE)


@endpoints.at("GET", "/v1/privacy/export.pdf", _OWN, types=("application/pdf",), problems=(404,), costly=True)
def export_pdf(call: CallOf, person_id: Heir = None) -> Response:
    """The same as pages to read and print, in Chinese and English."""
    report, at = copy_report(export_of(call.core, call.who, person_id))
    return Response(draw_report(report, at), media_type="application/pdf", headers=_PAGES)


@endpoints.at("GET", "/v1/privacy/export/schema", Access("anyone"), types=("application/json",))
def show_schema(call: CallOf) -> Response:
    """The JSON Schema of that file."""
    return Response(json.dumps(export_schema(), indent=1), media_type="application/json")


@endpoints.at("GET", "/v1/privacy/retention", Access("anyone"))
def list_retention(call: CallOf) -> list[KeptBody]:
    """What the service keeps about people, for how long, and why."""
    return [KeptBody(**one) for one in call.core.database.read(lambda session: retention_rows(call.core, session))]


@endpoints.at("POST", "/v1/privacy/requests", _OWN, status=201, creates=True)
def ask(call: CallOf, body: AskBody, response: Response) -> AskedBody:
    """Ask for a correction, a deletion or an explanation."""
    made = once(
        call,
        lambda request: requests.ask(call.core, call.who, body.kind, body.topic, body.words, request, fact=body.fact),
        lambda name: name,
    )
    response.headers["Location"] = f"/v1/privacy/requests/{made}"
    return AskedBody(request_id=made)


@endpoints.at("GET", "/v1/privacy/requests", _SEES)
def list_requests(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[RequestView]:
    """One's own requests; for officials those that they may decide on."""
    call.looked("privacy.list")
    found = requests.list_requests(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda one: one.request_id)


@endpoints.at("GET", "/v1/privacy/requests/{request_id}", _SEES_ONE)
def show_request(call: CallOf, request_id: Id) -> RequestView:
    """A request, with its last day and what became of it."""
    call.looked("privacy.show", request_id)
    return requests.show_request(call.core, call.who, request_id)


@endpoints.at(
    "POST",
    "/v1/privacy/requests/{request_id}/withdraw",
    Access("person", ("privacy.own",), owned="privacy_request"),
    status=204,
    problems=(409,),
)
def withdraw_request(call: CallOf, request_id: Id) -> None:
    """Withdraw one's own request."""
    requests.withdraw(call.core, call.who, request_id)


@endpoints.at(
    "POST",
    "/v1/privacy/requests/{request_id}/decide",
    Access("person", _DECIDE, owned="privacy_request"),
    status=204,
    problems=(409,),
)
def decide(call: CallOf, request_id: Id, body: DecideBody) -> None:
    """Say that a request was met, or refuse it with reasons; the ways of redress go with a refusal."""
    requests.decide(call.core, call.who, request_id, body.outcome, body.words)


@endpoints.at("POST", "/v1/privacy/consents", _OWN, status=201, creates=True)
def give_consent(call: CallOf, body: ConsentBody, response: Response) -> ConsentView:
    """Agree that data are passed on: to whom, for what, until when."""
    new = NewConsent(**body.model_dump())
    made = once(call, lambda request: consents.give_consent(call.core, call.who, new, request), lambda name: name)
    response.headers["Location"] = f"/v1/privacy/consents/{made}"
    return consents.list_consents(call.core, call.who, only=made)[0]


@endpoints.at("GET", "/v1/privacy/consents", _OWN)
def list_consents(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[ConsentView]:
    """What one has agreed to, what is over too."""
    found = consents.list_consents(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda one: one.consent_id)


@endpoints.at(
    "POST",
    "/v1/privacy/consents/{consent_id}/withdraw",
    Access("person", ("privacy.own",), owned="consent"),
    status=204,
)
def end_consent(call: CallOf, consent_id: Id) -> None:
    """Withdraw a consent, now and without a reason; what rests on it ends with it."""
    withdraw_consent(call.core, call.who, consent_id)


@endpoints.at("POST", f"{PERSON}/heirs", _HEIRS, status=201, creates=True, problems=(403,))
def give_heir(call: CallOf, person_id: Id, body: HeirBody) -> GivenBody:
    """Let a near relative see the record of somebody who died."""
    told = body.model_dump()
    made = once(
        call,
        lambda request: heirs.give_heir(call.core, call.who, person_id, **told, request=request),
        lambda name: name,
    )
    return GivenBody(heir_id=made)


@endpoints.at("GET", f"{PERSON}/heirs", _HEIRS)
def list_heirs(call: CallOf, person_id: Id) -> list[HeirView]:
    """Who may see the record of somebody who died."""
    found = heirs.list_heirs(call.core, call.who, person_id)
    noted(call, person_id)
    return found


@endpoints.at("POST", f"{PERSON}/heirs/{{heir}}/end", _HEIRS, status=204)
def end_heir(call: CallOf, person_id: Id, heir: Id) -> None:
    """End it before its day."""
    heirs.end_heir(call.core, call.who, person_id, heir)
