"""Logging in and out: sessions of people, and the invitation that precedes the first one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import anyio.to_thread
from fastapi import Response
from pydantic import BaseModel, Field

from issuer.accounts import invitations, login
from issuer.accounts import sessions as core_sessions
from issuer.accounts.invitations import InvitationView
from issuer.accounts.principals import Principal
from issuer.accounts.sessions import Entered, SessionView, csrf_token
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.cookies import clear_session, set_cookies
from issuer.service.endpoints import Body, Endpoints, Id

__all__ = ["endpoints"]

endpoints = Endpoints("Sessions")

Password = Annotated[str, Field(max_length=1024, examples=["five words that nobody guesses"])]
Code = Annotated[str, Field(max_length=40, examples=["123456"])]
Secret = Annotated[str, Field(max_length=128, examples=["Ot_y2WmmbxwaWARtCjOxutNMcWQECC46OrjRUqEKC5Y"])]


class Credentials(Body):
    """A login name and its password."""

    login: Annotated[str, Field(max_length=200, examples=["li.wei"])]
    password: Password


class SecondFactor(Body):
    """A TOTP code, or a recovery code."""

    code: Code


class InvitationToken(Body):
    """The secret of an invitation's link; or both of its parts, with a dot between them, in any order."""

    token: Secret


class Acceptance(Body):
    """What an invited person sets. ``code`` and ``proof``: of the TOTP secret that the look proposed."""

    token: Secret
    password: Password
    code: Code | None = None
    proof: Annotated[str, Field(max_length=1000)] | None = None


_SESSION: Final = {
    "account_id": "d481d9970fc82ca203e4e5d436658f8f",
    "role": "permit_officer",
    "step": "full",
    "rights": ["card.find", "card.issue", "card.read"],
    "csrf": "gnAsMhhHQrfr2npJNNh-h990bcRlsP0jkbTHWHLtbxs",
    "ends_at": 1_795_647_241,
}


class SessionBody(BaseModel, json_schema_extra={"examples": [_SESSION]}):
    """A session. ``csrf`` goes into X-CSRF-Token of every request that changes something.

    ``step``: ``password`` while the second factor is missing, else ``full``. ``ends_at``: Unix time, at the latest;
    sooner after half an hour without use.
    """

    account_id: str
    role: str
    step: str
    rights: list[str]
    csrf: str
    ends_at: int


class RecoveryCodes(BaseModel):
    """Codes that each stand for one TOTP code; shown this once. None without TOTP."""

    recovery_codes: list[str]


def _entered(entered: Entered, response: Response) -> SessionBody:
    set_cookies(response, entered)
    return _session(entered.who, entered.csrf, entered.ends_at)


def _session(who: Principal, csrf: str, ends_at: int) -> SessionBody:
    return SessionBody(
        account_id=who.account_id,
        role=who.role.name,
        step="full" if who.full else "password",
        rights=sorted(who.rights),
        csrf=csrf,
        ends_at=ends_at,
    )


@endpoints.at("POST", "/v1/sessions", Access("anyone"), status=201, problems=(401,))
async def begin_session(call: CallOf, body: Credentials, response: Response) -> SessionBody:
    """Log in with a password; an account with a second factor has to give it next."""
    # In threads of its own: a hash never holds one of those that other requests need.
    enter = partial(login.login, call.core, body.login, body.password, call.origin, replaces=call.token_or_none)
    return _entered(await anyio.to_thread.run_sync(enter, limiter=call.service.log_ins), response)


@endpoints.at("POST", "/v1/session/second-factor", Access("begun"), problems=(409,))
def give_second_factor(call: CallOf, body: SecondFactor, response: Response) -> SessionBody:
    """Give a TOTP or recovery code; the session's token changes, and with it the CSRF token."""
    return _entered(login.step_up(call.core, call.token, body.code, call.origin), response)


@endpoints.at("GET", "/v1/session", Access("begun"))
def show_session(call: CallOf) -> SessionBody:
    """This session and what it may do."""
    return _session(call.who, csrf_token(call.token), core_sessions.ends_at(call.core, call.who))


@endpoints.at("DELETE", "/v1/session", Access("begun"), status=204)
def end_session(call: CallOf, response: Response) -> None:
    """Log out."""
    core_sessions.log_out(call.core, call.token)
    clear_session(response)


@endpoints.at("GET", "/v1/sessions", Access("person"))
def list_sessions(call: CallOf) -> list[SessionView]:
    """One's own sessions, the newest first."""
    return core_sessions.list_sessions(call.core, call.who)


@endpoints.at("DELETE", "/v1/sessions/{session_id}", Access("person", owned="session"), status=204)
def end_one_session(call: CallOf, session_id: Id) -> None:
    """End one of one's own sessions."""
    core_sessions.end(call.core, call.who, session_id)


@endpoints.at("POST", "/v1/sessions/end-others", Access("person"), status=204)
def end_other_sessions(call: CallOf) -> None:
    """End all one's own sessions but this one."""
    core_sessions.end_others(call.core, call.who)


@endpoints.at("POST", "/v1/invitations/open", Access("anyone"), problems=(404,))
def open_invitation(call: CallOf, body: InvitationToken) -> InvitationView:
    """What an invited person is shown; looking uses nothing up."""
    return invitations.open_invitation(call.core, body.token)


@endpoints.at("POST", "/v1/invitations/accept", Access("anyone"), problems=(403, 404))
def accept_invitation(call: CallOf, body: Acceptance) -> RecoveryCodes:
    """Set the password, and TOTP where it is proposed."""
    codes = invitations.accept(call.core, body.token, body.password, body.code, call.origin, body.proof)
    return RecoveryCodes(recovery_codes=codes)
