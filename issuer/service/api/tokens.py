"""API tokens of one's own programs, sent as ``Authorization: Bearer``.

A token has no version and its change needs no If-Match: the only change is its end, and to end one that has ended
changes nothing.

Promises:

1. A token is shown once, to who made it: a repeated request gets it without its text.
2. No token makes, shows or ends tokens.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field

from issuer.accounts import tokens
from issuer.accounts.roles import SCOPES
from issuer.accounts.tokens import LONGEST_DAYS, TokenView
from issuer.db.idempotency import Request
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Endpoints, Id, Limit, Page, page
from issuer.service.idempotent import once

__all__ = ["endpoints"]

endpoints = Endpoints("API tokens")

Scope = Annotated[str, Field(max_length=40, json_schema_extra={"enum": sorted(SCOPES)})]

_OWN: Final = Access("person", ("token.own",))


class NewTokenBody(Body):
    """A token to make. ``scopes``: of one's own rights, those that it is for."""

    label: Annotated[str, Field(max_length=80, examples=["night run"])]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(SCOPES), examples=[["card.read"]])]
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS, strict=True, description="Until it ends.", examples=[90])]


class MadeTokenBody(BaseModel):
    """A token. ``token``: its text, shown this once; null: it was shown before. ``expires_at``: Unix time."""

    token_id: str
    token: str | None
    expires_at: int


@endpoints.at("POST", "/v1/tokens", _OWN, status=201, creates=True)
def make_token(call: CallOf, body: NewTokenBody) -> MadeTokenBody:
    """Make a token; an official role needs a TOTP code that is at most five minutes old."""

    def make(request: Request) -> MadeTokenBody:
        made = tokens.make_token(call.core, call.who, body.label, body.scopes, body.days, request)
        return MadeTokenBody(token_id=made.token_id, token=made.text, expires_at=made.expires_at)

    def again(token_id: str) -> MadeTokenBody:
        made = tokens.show_token(call.core, call.who, token_id)
        return MadeTokenBody(token_id=made.token_id, token=None, expires_at=made.expires_at)

    return once(call, make, again)


@endpoints.at("GET", "/v1/tokens", _OWN)
def list_tokens(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[TokenView]:
    """One's own tokens, ended ones for a while too; never their texts."""
    found = tokens.list_tokens(call.core, call.who, after=cursor, limit=limit + 1)
    return page(found, limit, lambda each: each.token_id)


@endpoints.at("DELETE", "/v1/tokens/{token_id}", Access("person", ("token.own",), owned="api_token"), status=204)
def revoke_token(call: CallOf, token_id: Id) -> None:
    """End one of one's own tokens; one that has ended is no error."""
    tokens.revoke_token(call.core, call.who, token_id)
