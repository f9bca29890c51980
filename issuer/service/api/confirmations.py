"""Dual control: requests by one person, confirmed by another, such as withdrawing a card or ending a permit.

A request has no version and deciding needs no If-Match: it is decided once, on what was asked and nothing else.

Promises:

1. Whoever asks and whoever confirms are people in sessions with a TOTP code of the last five minutes, never programs.
2. Asking and confirming are each done once for an Idempotency-Key. An invitation's parts are shown to who asked and to
   who confirmed, one to each, and not again to a repeated request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Response
from pydantic import BaseModel, Field

from issuer.approvals import engine
from issuer.approvals.acts import ACTS
from issuer.approvals.engine import ConfirmationView
from issuer.db.idempotency import Request
from issuer.service.access import Access
from issuer.service.card_reading import note_requested
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once
from issuer.service.objects import CONFIRMATION

from .accounts import InvitedBody, invited_body, waiting_body
from .cards import Reason

__all__ = ["endpoints"]

endpoints = Endpoints("Confirmations")

_RIGHTS: Final = tuple(sorted({kind.right for kind in ACTS.values()}))
_EXAMPLE: Final = {"act": "card.revoke", "arguments": {"card_id": "0" * 32}, "reason": "The permit was withdrawn."}


class RequestBody(Body, json_schema_extra={"examples": [_EXAMPLE]}):
    """What to do. ``arguments`` by act: ``card.revoke`` {card_id}; ``card.replace`` {card_id, card, remove} and
    ``card.issue`` {card, holder_id, employer_id}, with the record as JSON text; ``account.create`` {role, login} with
    {name, identity} or {person_id}, and {email, language, organisation_id}; ``account.role`` {account_id, role,
    organisation_id}; ``account.reset`` and ``account.unlock`` {account_id};
    ``account.passport`` {account_id, nationality, number}, a passport of somebody who works here, so that they decide
    nothing about themselves, and ``account.no_passport`` for one that was noted by mistake;
    ``account.open`` {permit_id, login} with {email, language}, the account of a permit's holder, whom both officers
    have before them with the passport;
    ``permit.end`` {permit_id, end}, kind and ground such as revoked.fraud; ``permit.readmit`` {permit_id};
    ``permit.restore`` {permit_id, objection_id};
    ``employer.merge`` {employer_id, into_id}, ``employer.code`` {organisation_id, code} and ``employer.name``
    {organisation_id, name}; ``person.merge`` {permit_id} with one of {other_permit_id, filing_id, person_id}, and
    ``person.split`` {permit_id, merger_id}: of two regions an officer of each asks or confirms;
    ``rule.add`` {rule}, a row as JSON text with its kind; ``rule.end`` {name, last}, the row's name and its last day;
    ``lookup.defer`` {card_id} or {person_id}, and {account_id, shown_on, law}.
    """

    act: Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(ACTS)})]
    arguments: Annotated[Mapping[str, str | None], Field(max_length=10)]
    reason: Reason


class DoneBody(BaseModel):
    """What was done to what. ``invited``: whoever is to set a password now."""

    act: str
    subject: str
    invited: InvitedBody | None


@endpoints.at(
    "POST",
    "/v1/confirmations",
    Access("person", _RIGHTS, fresh=True),
    status=201,
    creates=True,
    problems=(404,),
)
def ask_for(call: CallOf, body: RequestBody, response: Response) -> ConfirmationView:
    """Ask for an act; those who may confirm it are notified."""
    made = once(
        call,
        lambda request: engine.ask(call.core, call.who, body.act, body.arguments, body.reason, request),
        lambda confirmation_id: engine.show_confirmation(call.core, call.who, confirmation_id),
    )
    response.headers["Location"] = f"/v1/confirmations/{made.confirmation_id}"
    return made


@endpoints.at("GET", "/v1/confirmations", Access("person", _RIGHTS))
def list_waiting(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[ConfirmationView]:
    """The requests that wait and that one may decide on or has asked for."""
    found = engine.list_waiting(call.core, call.who, after=cursor, limit=limit + 1)
    note_requested(call, *found[:limit])
    return page(found, limit, lambda each: each.confirmation_id)


@endpoints.at("GET", "/v1/confirmations/{confirmation_id}", Access("person", _RIGHTS, owned="confirmation"))
def show_confirmation(call: CallOf, confirmation_id: Id) -> ConfirmationView:
    """A request that one may decide on or has asked for."""
    found = call.loaded(CONFIRMATION)
    note_requested(call, found)
    return found


@endpoints.at(
    "POST",
    "/v1/confirmations/{confirmation_id}/confirm",
    Access("person", _RIGHTS, owned="confirmation", fresh=True),
    creates=True,
)
def confirm(call: CallOf, confirmation_id: Id) -> DoneBody:
    """Confirm another person's request: the act is done now. Refused are the person who asked, also under another
    account, an account or role younger than the request, and whoever it is about.
    """

    def make(request: Request) -> DoneBody:
        done = engine.confirm(call.core, call.who, confirmation_id, request)
        invited = None if done.invited is None else invited_body(done.invited)
        return DoneBody(act=done.act, subject=done.subject, invited=invited)

    def again(subject: str) -> DoneBody:
        act = call.loaded(CONFIRMATION).act
        waiting = waiting_body(call, subject)
        return DoneBody(act=act, subject=subject, invited=waiting if waiting.expires_at is not None else None)

    return once(call, make, again)


@endpoints.at(
    "POST",
    "/v1/confirmations/{confirmation_id}/refuse",
    Access("person", _RIGHTS, owned="confirmation"),
    status=204,
    problems=(409,),
)
def refuse(call: CallOf, confirmation_id: Id) -> None:
    """Refuse another's request, or withdraw one's own."""
    engine.refuse(call.core, call.who, confirmation_id)
