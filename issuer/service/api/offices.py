"""Offices and the employers of their region.

Administrators set up offices and say which officials belong to them; officers verify employers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from issuer.permits import offices
from issuer.permits.offices import EmployerCodes, EmployerView, OfficeView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once
from issuer.service.objects import OFFICE

__all__ = ["RegionCode", "endpoints"]

endpoints = Endpoints("Offices")

RegionCode = Annotated[str, Field(pattern="^[1-9][0-9]{5}$", examples=["310000"])]


class NewOfficeBody(Body):
    """An office. ``region``: a code of GB/T 2260; it serves what lies below too."""

    region: RegionCode
    name_en: Annotated[str, Field(max_length=200, examples=["Shanghai office for foreigners' work permits"])]
    name_zh: Annotated[str, Field(max_length=200, examples=["上海市外国人工作许可办理中心"])]


class MemberBody(Body):
    """An official who belongs to the office from now on."""

    account_id: HexId


class EmployerMoveBody(Body):
    """What an officer found. ``move``: suspend, or cease: its people may then file themselves."""

    move: Literal["suspend", "cease"]
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Struck off the register on 2026-03-02."])]


class EmployerBody(Body):
    """What the licence says. ``licence_until``: its last day; null: it has none."""

    region: RegionCode
    licence_until: Day | None = None


@endpoints.at("POST", "/v1/offices", Access("person", ("office.manage",)), status=201, creates=True)
def create_office(call: CallOf, body: NewOfficeBody, response: Response) -> OfficeView:
    """Set up an office; a region has one."""
    made = once(
        call,
        lambda request: offices.create_office(call.core, call.who, body.region, body.name_en, body.name_zh, request),
        lambda office_id: offices.show_office(call.core, call.who, office_id),
    )
    response.headers["Location"] = f"/v1/offices/{made.office_id}"
    return made


@endpoints.at("GET", "/v1/offices", Access("account"))
def list_offices(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[OfficeView]:
    """Offices in the order of their ids."""
    found = offices.list_offices(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.office_id)


@endpoints.at("GET", "/v1/offices/{office_id}", Access("account", owned="office"))
def show_office(call: CallOf, office_id: Id) -> OfficeView:
    """An office."""
    return call.loaded(OFFICE)


@endpoints.at(
    "PUT", "/v1/offices/{office_id}/members", Access("person", ("office.manage",), owned="office"), status=204
)
def join_office(call: CallOf, office_id: Id, body: MemberBody) -> None:
    """Say that an official belongs to an office, and to no other any more."""
    offices.join_office(call.core, call.who, office_id, body.account_id)


@endpoints.at("GET", "/v1/offices/{office_id}/members", Access("person", ("office.manage",), owned="office"))
def list_members(call: CallOf, office_id: Id) -> list[MemberBody]:
    """The officials who belong to an office."""
    return [MemberBody(account_id=name) for name in offices.list_members(call.core, call.who, office_id)]


@endpoints.at(
    "GET",
    "/v1/employers/{organisation_id}",
    Access("account", ("employer.verify", "filing.file", "filing.lead"), owned="employer"),
)
def show_employer(call: CallOf, organisation_id: Id) -> EmployerView:
    """An employer: one's own, or one of the office's region."""
    return offices.show_employer(call.core, call.who, organisation_id)


@endpoints.at(
    "GET",
    "/v1/employers/{organisation_id}/codes",
    Access("account", ("employer.verify", "filing.file", "filing.lead"), owned="employer"),
)
def show_employer_codes(call: CallOf, organisation_id: Id) -> EmployerCodes:
    """An employer's unified social credit code, and those that it had before, with when each was replaced."""
    return offices.employer_codes(call.core, call.who, organisation_id)


@endpoints.at("PUT", "/v1/employers/{organisation_id}", Access("person", ("employer.verify",), owned="employer"))
def verify_employer(call: CallOf, organisation_id: Id, body: EmployerBody) -> EmployerView:
    """Verify an employer against its licence."""
    return offices.verify_employer(call.core, call.who, organisation_id, body.region, body.licence_until)


@endpoints.at(
    "POST",
    "/v1/employers/{organisation_id}/state",
    Access("person", ("employer.verify",), owned="employer"),
    problems=(409,),
)
def move_employer(call: CallOf, organisation_id: Id, body: EmployerMoveBody) -> EmployerView:
    """Suspend an employer, or record that it has ceased."""
    return offices.move_employer(call.core, call.who, organisation_id, body.move, body.reason)
