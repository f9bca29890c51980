"""One's own account: what it says, and how one proves to be its owner. Every change asks for the password again."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from issuer.accounts import directory, own_account
from issuer.accounts.directory import AccountView
from issuer.accounts.totp import TotpOffer
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.cookies import clear_session
from issuer.service.endpoints import Body, Endpoints

from .sessions import Code, Password, RecoveryCodes

__all__ = ["endpoints"]

endpoints = Endpoints("Own account")


class NewPassword(Body):
    """The password as it is, and as it shall be."""

    old: Password
    new: Password


class TotpProof(Body):
    """What :func:`propose_totp` gave, and a code of it."""

    password: Password
    proof: Annotated[str, Field(max_length=4096, description="`proof` of the proposal.")]
    code: Code


class PasswordAgain(Body):
    """The password."""

    password: Password


class Contact(Body):
    """Where mail goes, and in which language."""

    password: Password
    email: Annotated[str | None, Field(max_length=254, examples=["li.wei@example.cn"])]
    language: Literal["en", "zh"]


@endpoints.at("GET", "/v1/account", Access("person"))
def show_own_account(call: CallOf) -> AccountView:
    """One's own account."""
    return directory.own_account(call.core, call.who)


@endpoints.at("POST", "/v1/account/password", Access("person"), status=204)
def change_password(call: CallOf, body: NewPassword, response: Response) -> None:
    """Set another password; all sessions end, this one too."""
    own_account.change_password(call.core, call.who, body.old, body.new)
    clear_session(response)


@endpoints.at("POST", "/v1/account/totp", Access("person"))
def propose_totp(call: CallOf) -> TotpOffer:
    """A new TOTP secret for an authenticator app; nothing is changed yet."""
    return own_account.begin_totp(call.core, call.who)


@endpoints.at("PUT", "/v1/account/totp", Access("person"))
def set_totp(call: CallOf, body: TotpProof, response: Response) -> RecoveryCodes:
    """Take the proposed secret, with a code of it; all sessions end, this one too."""
    codes = own_account.finish_totp(call.core, call.who, body.password, body.proof, body.code)
    clear_session(response)
    return RecoveryCodes(recovery_codes=codes)


@endpoints.at("POST", "/v1/account/recovery-codes", Access("person"), problems=(409,))
def renew_recovery_codes(call: CallOf, body: PasswordAgain) -> RecoveryCodes:
    """New recovery codes; the earlier ones count no more."""
    return RecoveryCodes(recovery_codes=own_account.renew_recovery_codes(call.core, call.who, body.password))


@endpoints.at("PUT", "/v1/account/contact", Access("person"), status=204)
def change_contact(call: CallOf, body: Contact) -> None:
    """Set where mail goes, and in which language."""
    own_account.change_contact(call.core, call.who, body.password, body.email, body.language)
