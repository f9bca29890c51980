"""Accounts, as administrators see and change them.

Promises:

1. One administrator takes access away. Giving it is asked for at ``/v1/confirmations``: an account, a role, a reset,
   and letting an official one in again (``account.two_needed``).
2. An invitation's token is shown once. Where it is mailed, and to a repeated request, it is null; one that was lost is
   made again by a reset.
3. A login name is looked for in a body, never in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Query, Response
from pydantic import BaseModel, Field

from issuer.accounts import directory, invitations
from issuer.accounts.directory import AccountView
from issuer.accounts.invitations import Invited
from issuer.accounts.roles import ROLES
from issuer.service.access import Access
from issuer.service.context import Call, CallOf, etag
from issuer.service.endpoints import Body, Cursor, EndpointOptions, Endpoints, Id, Limit, Page, page
from issuer.service.objects import ACCOUNT

__all__ = ["InvitedBody", "endpoints", "invited_body", "waiting_body"]

endpoints = Endpoints("Accounts")

Login = Annotated[str, Field(max_length=200, examples=["li.wei"])]
RoleName = Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(ROLES)})]
RoleQuery = Annotated[str | None, Query(pattern="^[a-z_]{1,40}$", description="Only accounts with this role.")]
OrganisationQuery = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="Only accounts of this one.")]

_MANAGES: Final = Access("person", ("account.manage",))
_MANAGES_ONE: Final = Access("person", ("account.manage",), owned="account")
_CHANGED: Final[EndpointOptions] = {"status": 204, "changes": True, "problems": (409,)}


class LoginBody(Body):
    """A login name, in any case of letters."""

    login: Login


class InvitedBody(BaseModel):
    """An account whose person is invited. ``token``: one of the two parts of the invitation, to be handed over, shown
    this once; whoever asked has the other. Null: it was mailed, or shown before. ``expires_at``: Unix time; null: the
    invitation waits no more.
    """

    account_id: str
    token: str | None
    expires_at: int | None


@endpoints.at("GET", "/v1/accounts", _MANAGES)
def list_accounts(
    call: CallOf,
    role: RoleQuery = None,
    organisation_id: OrganisationQuery = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[AccountView]:
    """Accounts in the order of their ids."""
    call.looked("account.list")
    found = directory.list_accounts(
        call.core, call.who, after=cursor, limit=limit + 1, role=role, organisation_id=organisation_id
    )
    return page(found, limit, lambda account: account.account_id)


@endpoints.at("POST", "/v1/accounts/search", _MANAGES, problems=(404,))
def find_account(call: CallOf, body: LoginBody, response: Response) -> AccountView:
    """The account with a login name."""
    found = directory.find_account(call.core, call.who, body.login)
    call.looked("account.search", f"account:{found.account_id}")
    return _shown(found, response)


@endpoints.at("GET", "/v1/accounts/{account_id}", _MANAGES_ONE)
def show_account(call: CallOf, account_id: Id, response: Response) -> AccountView:
    """An account; its texts are empty once it was closed."""
    call.looked("account.show", f"account:{account_id}")
    return _shown(call.loaded(ACCOUNT), response)


@endpoints.at("POST", "/v1/accounts/{account_id}/lock", _MANAGES_ONE, **_CHANGED)
def lock_account(call: CallOf, account_id: Id, response: Response) -> None:
    """Shut an account out, an official one too; its sessions, tokens and invitations end."""
    _change(call, account_id, response, directory.lock_account)


@endpoints.at("POST", "/v1/accounts/{account_id}/unlock", _MANAGES_ONE, **_CHANGED)
def unlock_account(call: CallOf, account_id: Id, response: Response) -> None:
    """Let an account in again that is not official."""
    _change(call, account_id, response, directory.unlock_account)


@endpoints.at("POST", "/v1/accounts/{account_id}/close", _MANAGES_ONE, **_CHANGED)
def close_account(call: CallOf, account_id: Id, response: Response) -> None:
    """End an account permanently, an official one too, and erase what it says about its person."""
    _change(call, account_id, response, directory.close_account)


@endpoints.at("POST", "/v1/accounts/{account_id}/end-sessions", _MANAGES_ONE, status=204)
def end_sessions(call: CallOf, account_id: Id) -> None:
    """End all sessions of an account, an official one too; its person may log in again at once."""
    directory.end_sessions(call.core, call.who, account_id)


def invited_body(made: Invited) -> InvitedBody:
    """An invitation that was just made."""
    return InvitedBody(account_id=made.account_id, token=made.token, expires_at=made.expires_at)


def waiting_body(call: Call, account_id: str) -> InvitedBody:
    """An invitation that was made before."""
    until = invitations.waiting_until(call.core, account_id)
    return InvitedBody(account_id=account_id, token=None, expires_at=until)


def _change(call: Call, account_id: str, response: Response, change: Callable[..., None]) -> None:
    change(call.core, call.who, account_id, version=call.version)
    _tag(call, account_id, response)


def _tag(call: Call, account_id: str, response: Response) -> None:
    _shown(directory.show_account(call.core, call.who, account_id), response)


def _shown(account: AccountView, response: Response) -> AccountView:
    response.headers["ETag"] = etag(account.version)
    return account
