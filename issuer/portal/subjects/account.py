"""One's own account: what it says, password, contact, second factor, sessions, tokens, webhooks.

Every change asks for the password again; a new password or second factor ends all sessions.
"""

from __future__ import annotations

from typing import Literal

from fastapi import Response

from issuer.accounts import own_account, preferences, sessions, tokens
from issuer.accounts.roles import RIGHTS, SCOPES
from issuer.db.idempotency import Request
from issuer.notices import inbox
from issuer.notices.kinds import groups
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice, Tag
from issuer.portal.rendering import BASE, drawn_address
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import PERSON, with_right

__all__ = ["pages"]

pages = Pages()
_TOKENS = with_right("token.own")
_NOTICES = with_right("notice.own")
_PASSWORD = {"login": "password"}


@pages.get("account", PERSON)
def show_account(visit: Visit) -> Response:
    """The account, and the ways to change it."""
    return visit.page("account/account.html")


@pages.get("account/password", PERSON)
def password_page(visit: Visit) -> Response:
    """The form for another password."""
    return visit.page("account/password.html")


@pages.post("account/password", PERSON, form=password_page, fields={"login": "old", "password": "new"})
def change_password(visit: Visit) -> Response:
    """Set another password; all sessions end, this one too."""
    visit.require("old", "new", "again")
    if visit.secret("new") != visit.secret("again"):
        raise visit.refuse("again", "login.not_same")
    own_account.change_password(visit.core, visit.call.who, visit.secret("old"), visit.secret("new"))
    return visit.leave("log-in", done="password")


@pages.get("account/contact", PERSON)
def contact_page(visit: Visit) -> Response:
    """The form for e-mail address and language."""
    return visit.page("account/contact.html")


@pages.post("account/contact", PERSON, form=contact_page, fields=_PASSWORD)
def change_contact(visit: Visit) -> Response:
    """Set where mail goes, and in which language."""
    visit.require("password")
    language: Literal["en", "zh"] = "zh" if visit.text("language") == "zh" else "en"
    email = visit.text("email") or None
    own_account.change_contact(visit.core, visit.call.who, visit.secret("password"), email, language)
    return visit.go("account", done="contact")


@pages.get("account/second-factor", PERSON)
def second_factor_page(visit: Visit) -> Response:
    """What a new authenticator app has to be given."""
    offer = own_account.begin_totp(visit.core, visit.call.who)
    return visit.page("account/second_factor.html", offer=offer, qr=drawn_address(offer.uri))


@pages.post("account/second-factor", PERSON, form=second_factor_page, fields=_PASSWORD)
def set_second_factor(visit: Visit) -> Response:
    """Take the new authenticator app, with a code of it; all sessions end."""
    visit.require("code", "password")
    who = visit.call.who
    codes = own_account.finish_totp(visit.core, who, visit.secret("password"), visit.text("proof"), visit.text("code"))
    return visit.over(visit.page("recovery_codes.html", codes=codes, next=f"{BASE}log-in", first_time=False))


@pages.get("account/recovery-codes", PERSON)
def recovery_page(visit: Visit) -> Response:
    """The form for new recovery codes."""
    return visit.page("account/recovery.html")


@pages.post("account/recovery-codes", PERSON, form=recovery_page, fields=_PASSWORD)
def renew_recovery(visit: Visit) -> Response:
    """New recovery codes; the earlier ones no longer work."""
    visit.require("password")
    codes = own_account.renew_recovery_codes(visit.core, visit.call.who, visit.secret("password"))
    return visit.page("recovery_codes.html", codes=codes, next=f"{BASE}account", first_time=False)


@pages.get("account/sessions", PERSON)
def list_sessions(visit: Visit) -> Response:
    """Where one is logged in."""
    return visit.page("account/sessions.html", sessions=sessions.list_sessions(visit.core, visit.call.who))


@pages.post("account/sessions/others/end", PERSON)
def end_others(visit: Visit) -> Response:
    """End all one's own sessions but this one."""
    sessions.end_others(visit.core, visit.call.who)
    return visit.go("account/sessions", done="others_ended")


@pages.post("account/sessions/{session_id}/end", Access("person", owned="session"))
def end_session(visit: Visit, session_id: str) -> Response:
    """End one of one's own sessions."""
    sessions.end(visit.core, visit.call.who, session_id)
    return visit.go("account/sessions", done="session_ended")


@pages.get("account/notices", _NOTICES)
def preferences_page(visit: Visit) -> Response:
    """Which kinds of notices come over which channel."""
    who, language = visit.call.who, visit.view.language
    found = {
        one.kind: one for one in inbox.preferences(visit.core, who.account_id, who.role.name) if one.channel == "email"
    }
    shown = []
    for group in groups():
        rows = [(found[kind.name], kind.words[language].subject) for kind in group.kinds if kind.name in found]
        if rows:
            shown.append((group.words[language], rows))
    return visit.page("account/preferences.html", groups=shown)


@pages.post("account/notices", _NOTICES, form=preferences_page)
def set_preferences(visit: Visit) -> Response:
    """Turn kinds on and off for e-mail; what is fixed stays on."""
    who, wanted = visit.call.who, set(visit.every("kind"))
    for one in inbox.preferences(visit.core, who.account_id, who.role.name):
        if one.channel == "email" and not one.fixed and one.on != (one.kind in wanted):
            preferences.set_preference(visit.core, who.account_id, one.kind, "email", one.kind in wanted, who.actor)
    return visit.go("account/notices", done="preferences")


@pages.get("account/tokens", _TOKENS)
def tokens_page(visit: Visit) -> Response:
    """One's own tokens, and the form for another."""
    found = tokens.list_tokens(visit.core, visit.call.who, **asked_page(visit))
    rights = sorted(SCOPES & visit.call.who.role.rights)
    return visit.page(
        "account/tokens.html",
        **shown_page(visit, found, lambda one: one.token_id),
        scopes=[Choice(name, RIGHTS[name].words[visit.view.language]) for name in rights],
        scope_words={name: RIGHTS[name].words[visit.view.language] for name in rights},
        tag=_token_tag,
        needs_code=visit.call.who.role.official and not visit.fresh(),
    )


def _token_tag(visit: Visit, token: tokens.TokenView) -> Tag:
    if token.revoked_at is not None:
        return Tag(visit.words("tokens.revoked"))
    if token.expires_at <= visit.now:
        return Tag(visit.words("tokens.expired"))
    return Tag(visit.words("tokens.live"), "ok")


@pages.post("account/tokens", _TOKENS, form=tokens_page)
def make_token(visit: Visit) -> Response:
    """Make a token; its text is shown this once."""
    visit.require("label", "days")
    days = visit.number("days")
    visit.give_code()
    call = visit.call

    def make(request: Request) -> str | None:
        made = tokens.make_token(call.core, call.who, visit.text("label"), visit.every("scopes"), days, request)
        return made.text

    text = once(call, make, lambda token_id: None)
    return visit.page("account/token_made.html", token=text)


@pages.post("account/tokens/{token_id}/revoke", Access("person", ("token.own",), owned="api_token"))
def revoke_token(visit: Visit, token_id: str) -> Response:
    """End one of one's own tokens."""
    tokens.revoke_token(visit.core, visit.call.who, token_id)
    return visit.go("account/tokens", done="token_revoked")
