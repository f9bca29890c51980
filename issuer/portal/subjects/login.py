"""Logging in and out, and the invitation that precedes the first time.

Promises:

1. What was typed into a form whose session had ended goes along as hidden fields and comes back after the log-in.
2. The secret of an invitation is behind a ``#`` of its address, which browsers send to nobody: a script puts it
   into the form, and without scripts a person pastes the address.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Response

from icard_crypto.encoding import strict_json
from icard_crypto.errors import NotFound
from issuer.accounts import invitations, login, sessions
from issuer.accounts.sessions import Entered
from issuer.portal.pages import Pages
from issuer.portal.rendering import BASE, drawn_address
from issuer.portal.visits import SECRETS, Visit, own_path

from .access import ANYONE, BEGUN

__all__ = ["pages"]

pages = Pages()


@pages.get("log-in", ANYONE)
def log_in_page(visit: Visit) -> Response:
    """The form for login name and password."""
    return visit.page(
        "log_in.html", next=own_path(visit.query("next") or visit.text("next")), draft=visit.secret("draft")
    )


@pages.post("log-in", ANYONE, form=log_in_page, log_in=True)
def log_in(visit: Visit) -> Response:
    """Begin a session; an account with a second factor has to give it next."""
    visit.require("login", "password")
    call = visit.call
    name, password = visit.text("login"), visit.secret("password")
    entered = login.login(call.core, name, password, call.origin, replaces=call.token_or_none)
    return _onward(visit, entered)


@pages.get("second-factor", BEGUN)
def second_factor_page(visit: Visit) -> Response:
    """The form for a code of the authenticator app."""
    return visit.page(
        "second_factor.html", next=own_path(visit.query("next") or visit.text("next")), draft=visit.secret("draft")
    )


@pages.post("second-factor", BEGUN, form=second_factor_page)
def second_factor(visit: Visit) -> Response:
    """Give the code."""
    visit.require("code")
    return _onward(visit, login.step_up(visit.core, visit.call.token, visit.text("code"), visit.call.origin))


@pages.post("log-out", BEGUN)
def log_out(visit: Visit) -> Response:
    """End the session."""
    sessions.log_out(visit.core, visit.call.token)
    return visit.leave("log-in", done="logged_out")


@pages.get("invitations/", ANYONE)
def invitation_page(visit: Visit) -> Response:
    """The form for an invitation's secret."""
    return visit.page("invitation.html")


@pages.post("invitations/open", ANYONE, form=invitation_page, fields={"invitation.unknown": "invitation"})
def open_invitation(visit: Visit) -> Response:
    """What the invited person is shown: account, password, authenticator app."""
    visit.require("invitation")
    return accept_page(visit)


def accept_page(visit: Visit) -> Response:
    """The form of an invitation that was opened."""
    # Shown again after a mistake, the app that was set up goes on.
    shown = invitations.open_invitation(visit.core, _secret(visit), visit.secret("proof") or None)
    code = drawn_address(shown.totp.uri) if shown.totp else None
    return visit.page("accept_invitation.html", invitation=shown, secret=_secret(visit), qr=code)


@pages.post(
    "invitations/accept",
    ANYONE,
    form=accept_page,
    fields={"password": "password", "totp.wrong": "code"},
)
def accept_invitation(visit: Visit) -> Response:
    """Set the password, and the authenticator app where the role needs one."""
    visit.require("password", "again")
    if visit.secret("password") != visit.secret("again"):
        raise visit.refuse("again", "login.not_same")
    code, proof = visit.text("code") or None, visit.secret("proof") or None
    recovery = invitations.accept(visit.core, _secret(visit), visit.secret("password"), code, visit.call.origin, proof)
    return visit.page("recovery_codes.html", codes=recovery, next=f"{BASE}log-in", first_time=True)


def _secret(visit: Visit) -> str:
    """The secret, also where the whole address was pasted, or two parts were typed into a field each.

    Raises:
        NotFound: ``invitation.unknown``.
    """
    found, other = visit.text("invitation").rpartition("#")[2], visit.text("other")
    if other:
        found = f"{found}.{other}"
    if len(found) > 128:
        raise NotFound("invitation.unknown")
    return found


def _onward(visit: Visit, entered: Entered) -> Response:
    """Where a factor leads: to the next one, to the form that waits, or to the page that was asked for."""
    visit.enter(entered)
    path, draft = own_path(visit.text("next")), visit.secret("draft")
    if not entered.who.full:
        if draft:
            return visit.page("second_factor.html", next=path, draft=draft)
        return visit.go("second-factor" if path == BASE else f"second-factor?{urlencode({'next': path})}")
    if draft:
        return visit.page("resume.html", action=path, fields=_drafted(draft))
    return visit.go(path)


def _drafted(draft: str) -> dict[str, list[str]]:
    """The fields of a draft as it came back; anything else is no draft."""
    try:
        found = strict_json.loads(draft)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        str(name): [str(value) for value in values]
        for name, values in found.items()
        if isinstance(values, list) and name not in SECRETS
    }
