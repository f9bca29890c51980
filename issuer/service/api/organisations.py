"""Organisations: employers and agencies. Managed by administrators; each member sees its own."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from issuer.accounts import organisations
from issuer.accounts.mandate_handlers import Colleague, list_colleagues
from issuer.accounts.organisations import NewOrganisation, OrganisationView
from issuer.service.access import Access
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Cursor, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once
from issuer.service.objects import ORGANISATION

__all__ = ["endpoints"]

endpoints = Endpoints("Organisations")

_RIGHT: Final = "organisation.manage"


class NewOrganisationBody(Body):
    """An organisation to register. ``code``: its unified social credit code (GB 32100-2015)."""

    kind: Literal["employer", "agency"]
    code: Annotated[str, Field(max_length=100, examples=["91310000MA1FL0000N"])]
    name: Annotated[str, Field(max_length=200, examples=["Example Shanghai Co., Ltd."])]


@endpoints.at("POST", "/v1/organisations", Access("person", (_RIGHT,)), status=201, creates=True)
def create_organisation(call: CallOf, body: NewOrganisationBody, response: Response) -> OrganisationView:
    """Register an organisation; each is there once, by its code."""
    new = NewOrganisation(body.kind, body.code, body.name)
    made = once(
        call,
        lambda request: organisations.create_organisation(call.core, call.who, new, request),
        lambda organisation_id: organisations.show_organisation(call.core, call.who, organisation_id),
    )
    response.headers["Location"] = f"/v1/organisations/{made.organisation_id}"
    return _shown(made, response)


@endpoints.at("GET", "/v1/organisations", Access("person", (_RIGHT,)))
def list_organisations(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[OrganisationView]:
    """Organisations in the order of their ids."""
    found = organisations.list_organisations(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.organisation_id)


@endpoints.at(
    "GET",
    "/v1/organisations/{organisation_id}",
    Access("account", (_RIGHT, "organisation.read_own"), owned="organisation"),
)
def show_organisation(call: CallOf, organisation_id: Id, response: Response) -> OrganisationView:
    """An organisation: one's own, or any for who manages them."""
    return _shown(call.loaded(ORGANISATION), response)


class ColleaguesBody(BaseModel):
    """The open accounts of one's own organisation."""

    accounts: list[Colleague]


@endpoints.at("GET", "/v1/organisation/accounts", Access("person", ("organisation.read_own",)))
def show_colleagues(call: CallOf) -> ColleaguesBody:
    """Who has an account of one's own organisation: its handlers."""
    return ColleaguesBody(accounts=list_colleagues(call.core, call.who))


@endpoints.at(
    "POST",
    "/v1/organisations/{organisation_id}/close",
    Access("person", (_RIGHT,), owned="organisation"),
    status=204,
    changes=True,
)
def close_organisation(call: CallOf, organisation_id: Id, response: Response) -> None:
    """Close an organisation: its accounts are shut out and its mandates end."""
    organisations.close_organisation(call.core, call.who, organisation_id, version=call.version)
    _shown(organisations.show_organisation(call.core, call.who, organisation_id), response)


def _shown(found: OrganisationView, response: Response) -> OrganisationView:
    response.headers["ETag"] = etag(found.version)
    return found
