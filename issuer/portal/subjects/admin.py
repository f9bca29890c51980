"""What administrators do: accounts, organisations, outgoing notices.

Promises:

1. One administrator takes access away; giving official power is only asked for, and a second one confirms it.
2. What cannot be undone has a page of its own.
3. A login name is looked for in the body of a request, never in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Response

from issuer.accounts import directory, invitations, organisations
from issuer.accounts.credit_codes import normal_code
from issuer.accounts.directory import AccountView
from issuer.accounts.organisations import NewOrganisation
from issuer.accounts.roles import ROLES
from issuer.approvals import engine
from issuer.delivery import outbox_admin
from issuer.permits.offices import employer_codes
from issuer.portal.lists import SIZE, asked_page, cursor, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Choice, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.context import Call
from issuer.service.idempotent import once

from .access import with_right
from .employer_codes import former_codes
from .staff import handlers_fact, organisation_facts
from .staff_passports import PASSPORT_ACTS

__all__ = ["pages"]

pages = Pages()
_MANAGES = with_right("account.manage")
_ONE = Access("person", ("account.manage",), owned="account")
_ORGANISATIONS = with_right("organisation.manage")
_OUTBOX = with_right("notice.watch")
_TONES: Final = {"active": "ok", "invited": "info", "locked": "warn"}


@pages.get("accounts", _MANAGES)
def list_accounts(visit: Visit) -> Response:
    """Accounts in the order of their ids, of one role or all."""
    role = visit.query("role") if visit.query("role") in ROLES else None
    visit.call.looked("account.list")
    found = directory.list_accounts(visit.core, visit.call.who, role=role, **asked_page(visit))
    return _accounts(visit, found, role)


def _accounts(visit: Visit, found: list[AccountView], role: str | None) -> Response:
    shown, t = shown_page(visit, found, lambda one: one.account_id), visit.words
    rows = [
        [
            Cell(one.login or t("accounts.closed"), f"{BASE}accounts/{one.account_id}", more=one.name),
            Cell(t(f"roles.{one.role}")),
            Cell("", tag=_state(one, visit)),
            Cell(t.day(one.created_at, short=True)),
        ]
        for one in shown["items"]
    ]
    filters = [Choice("", t("accounts.all"), href=f"{BASE}accounts")]
    filters += [Choice(name, t(f"roles.{name}"), href=f"{BASE}accounts?role={name}") for name in ROLES]
    return visit.page("admin/accounts.html", **{**shown, "items": rows}, filters=filters, role=role or "")


def _state(one: AccountView, visit: Visit) -> Tag:
    return Tag(visit.words(f"accounts.state_{one.state}"), _TONES.get(one.state, "neutral"))  # type: ignore[arg-type]


@pages.post("accounts/search", _MANAGES, form=list_accounts, fields={"account.none": "login"})
def find_account(visit: Visit) -> Response:
    """The account with a login name."""
    visit.require("login")
    found = directory.find_account(visit.core, visit.call.who, visit.text("login"))
    visit.call.looked("account.search", f"account:{found.account_id}")
    return visit.go(f"accounts/{found.account_id}")


@pages.get("accounts/new", _MANAGES)
def new_account_page(visit: Visit) -> Response:
    """The form for an account."""
    t = visit.words
    roles = [Choice(name, t(f"roles.{name}")) for name in ROLES]
    return visit.page("admin/new_account.html", roles=roles, needs_code=not visit.fresh())


@pages.post(
    "accounts/new",
    _MANAGES,
    form=new_account_page,
    fields={"access.fresh_code": "code", "organisation": "credit_code"},
)
def create_account(visit: Visit) -> Response:
    """Ask for an account; a second administrator confirms it, and its person is invited."""
    role = ROLES.get(visit.text("role"))
    kind = None if role is None else role.organisation
    note = ""
    visit.require("role", "login", "name", "identity", *(["credit_code"] if kind else []), "reason")
    if not kind and visit.text("credit_code"):
        raise visit.refuse("credit_code", "accounts.no_organisation")
    fields: dict[str, Any] = {
        "role": visit.text("role"),
        "login": visit.text("login"),
        "name": visit.text("name"),
        "identity": visit.text("identity"),
        "email": visit.text("email") or None,
        "language": "en" if visit.text("language") == "en" else "zh",
    }
    if kind:
        own = organisations.find_organisation(visit.core, visit.call.who, visit.text("credit_code"), kind)
        fields["organisation_id"] = own.organisation_id
        if normal_code(visit.text("credit_code")) != own.code:
            note = visit.words("accounts.former_code", employer=own.name, code=own.code)
    visit.give_code()
    arguments = {name: value for name, value in fields.items() if value is not None}
    return _ask(visit, "account.create", arguments, note)


def _ask(visit: Visit, act: str, arguments: dict[str, Any], note: str = "") -> Response:
    """Ask for what two administrators do; whoever asks is shown one part of the invitation that comes of it, and a note
    about what they typed."""
    asked = once(
        visit.call,
        lambda request: engine.ask(visit.core, visit.call.who, act, arguments, visit.text("reason"), request),
        lambda name: engine.show_confirmation(visit.core, visit.call.who, name),
    )
    if asked.invitation_part is not None:
        return visit.page("admin/invited.html", token=asked.invitation_part, note=note, back=f"{BASE}confirmations")
    return visit.go("confirmations", done="asked")


@pages.get("accounts/{account_id}", _ONE)
def show_account(visit: Visit, account_id: str) -> Response:
    """An account, and what can be done to it."""
    visit.call.looked("account.show", f"account:{account_id}")
    found, t = directory.show_account(visit.core, visit.call.who, account_id), visit.words
    waiting = invitations.waiting_until(visit.core, account_id)
    official = ROLES[found.role].official
    facts = [
        Fact(t("login.name"), found.login or t("accounts.closed")),
        Fact(t("account.name"), found.name or "–"),
        Fact(t("account.role"), t(f"roles.{found.role}")),
        Fact(t("accounts.state"), "", tag=_state(found, visit)),
        Fact(t("account.email"), found.email or t("common.none")),
        Fact(t("account.second"), t("account.second_on" if found.totp else "account.second_off")),
        Fact(t("accounts.created"), t.moment(found.created_at)),
        Fact(t("accounts.changed"), t.moment(found.changed_at)),
    ]
    if waiting is not None:
        facts.append(Fact(t("login.accept_until"), t.moment(waiting)))
    if found.organisation_id is not None:
        own = organisations.show_organisation(visit.core, visit.call.who, found.organisation_id)
        see = Act(t("approvals.open"), f"{BASE}organisations/{own.organisation_id}")
        facts.append(Fact(t("accounts.organisation"), visit.words.with_code(own.name, own.code), act=see))
    acts = [
        Act(t(f"accounts.{name}"), f"{BASE}accounts/{account_id}/{name}")
        for name, act in ACCOUNT_ACTS.items()
        if act.offered(found)
    ]
    if official and found.state != "closed":
        acts += [
            Act(t(f"approvals.{act}"), f"{BASE}accounts/{account_id}/{name}") for name, act in PASSPORT_ACTS.items()
        ]
    return visit.page("admin/account.html", facts=facts, acts=acts, official=official, found=found)


@dataclass(frozen=True, slots=True)
class AccountAct:
    """An act on an account.

    Attributes:
        offered: whether it makes sense for an account in its current state.
        do: does it; None: it needs dual control, whoever's account it is.
        two: the act under dual control where the account is official; None: one is enough.
    """

    offered: Callable[[AccountView], bool]
    do: Callable[[Call, str], None] | None
    two: str | None = None

    def takes_two(self, account: AccountView) -> bool:
        """Whether it needs dual control: always, where one alone has no way."""
        return self.do is None or (self.two is not None and ROLES[account.role].official)


def _done(change: Callable[..., object]) -> Callable[[Call, str], None]:
    def do(call: Call, account_id: str) -> None:
        change(call.core, call.who, account_id, version=call.version)

    return do


def _end_sessions(call: Call, account_id: str) -> None:
    directory.end_sessions(call.core, call.who, account_id)


ACCOUNT_ACTS: Final[dict[str, AccountAct]] = {
    "lock": AccountAct(lambda one: one.state in ("active", "invited"), _done(directory.lock_account)),
    "unlock": AccountAct(lambda one: one.state == "locked", _done(directory.unlock_account), "account.unlock"),
    "end-sessions": AccountAct(lambda one: one.state == "active", _end_sessions),
    "reset": AccountAct(lambda one: one.state in ("active", "invited"), None, "account.reset"),
    "close": AccountAct(lambda one: one.state != "closed", _done(directory.close_account)),
}


def _declare(name: str, act: AccountAct) -> None:
    def act_page(visit: Visit, account_id: str) -> Response:
        visit.call.looked("account.show", f"account:{account_id}")
        found, t = directory.show_account(visit.core, visit.call.who, account_id), visit.words
        two = act.takes_two(found)
        facts = [
            Fact(t("login.name"), found.login),
            Fact(t("account.name"), found.name),
            Fact(t("account.role"), t(f"roles.{found.role}")),
        ]
        return visit.page(
            "admin/act.html",
            name=name,
            facts=facts,
            effects=[t(f"accounts.{name}_effect"), *([t("accounts.two")] if two else [])],
            two=two,
            danger=name in ("lock", "close", "reset"),
            version=found.version,
            needs_code=two and not visit.fresh(),
            address=f"{BASE}accounts/{account_id}",
        )

    def do_act(visit: Visit, account_id: str) -> Response:
        found = directory.show_account(visit.core, visit.call.who, account_id)
        if act.do is None or act.takes_two(found):
            visit.require("reason")
            visit.give_code()
            return _ask(visit, act.two or "", {"account_id": account_id})
        act.do(visit.call, account_id)
        return visit.go(f"accounts/{account_id}", done=f"account_{name}")

    pages.get(f"accounts/{{account_id}}/{name}", _ONE)(act_page)
    pages.post(f"accounts/{{account_id}}/{name}", _ONE, form=act_page, fields={"access.fresh_code": "code"})(do_act)


for _name, _act in ACCOUNT_ACTS.items():
    _declare(_name, _act)


@pages.get("organisations", _ORGANISATIONS)
def list_organisations(visit: Visit) -> Response:
    """Organisations in the order of their ids."""
    found = organisations.list_organisations(visit.core, visit.call.who, **asked_page(visit))
    shown, t = shown_page(visit, found, lambda one: one.organisation_id), visit.words
    rows = [
        [
            Cell(one.name, f"{BASE}organisations/{one.organisation_id}"),
            Cell(t(f"organisation.{one.kind}")),
            Cell(one.code, code=True),
            Cell("", tag=Tag(t(f"organisation.state_{one.state}"), "ok" if one.state == "active" else "bad")),
        ]
        for one in shown["items"]
    ]
    return visit.page("admin/organisations.html", **{**shown, "items": rows})


@pages.get("organisations/new", _ORGANISATIONS)
def new_organisation_page(visit: Visit) -> Response:
    """The form for an organisation."""
    t = visit.words
    kinds = [Choice(name, t(f"organisation.{name}")) for name in ("employer", "agency")]
    return visit.page("admin/new_organisation.html", kinds=kinds)


@pages.post(
    "organisations/new",
    _ORGANISATIONS,
    form=new_organisation_page,
    fields={"code": "credit_code", "organisation": "credit_code"},
)
def create_organisation(visit: Visit) -> Response:
    """Register an organisation; each is there once, by its code."""
    visit.require("kind", "credit_code", "name")
    call = visit.call
    new = NewOrganisation(
        "agency" if visit.text("kind") == "agency" else "employer", visit.text("credit_code"), visit.text("name")
    )
    name = once(
        call,
        lambda request: organisations.create_organisation(call.core, call.who, new, request).organisation_id,
        lambda made: made,
    )
    return visit.go(f"organisations/{name}", done="organisation")


@pages.get("organisations/{organisation_id}", Access("person", ("organisation.manage",), owned="organisation"))
def show_organisation(visit: Visit, organisation_id: str) -> Response:
    """An organisation and its accounts."""
    who, t = visit.call.who, visit.words
    found = organisations.show_organisation(visit.core, who, organisation_id)
    visit.call.looked("account.list")
    members = directory.list_accounts(visit.core, who, organisation_id=organisation_id, limit=SIZE)
    rows = [
        [Cell(one.login, f"{BASE}accounts/{one.account_id}", more=one.name), Cell("", tag=_state(one, visit))]
        for one in members
    ]
    facts = [*organisation_facts(found, t), *_former_codes(visit, found), *handlers_fact(visit, organisation_id)]
    return visit.page("admin/organisation.html", found=found, facts=facts, rows=rows)


def _former_codes(visit: Visit, found: organisations.OrganisationView) -> list[Fact]:
    """The codes that an employer had before; an agency keeps its own."""
    if found.kind != "employer":
        return []
    return former_codes(visit.words, employer_codes(visit.core, visit.call.who, found.organisation_id).former)


@pages.get("organisations/{organisation_id}/close", Access("person", ("organisation.manage",), owned="organisation"))
def close_page(visit: Visit, organisation_id: str) -> Response:
    """What closing does, before it is done."""
    found = organisations.show_organisation(visit.core, visit.call.who, organisation_id)
    return visit.page("admin/close_organisation.html", found=found, facts=organisation_facts(found, visit.words))


@pages.post(
    "organisations/{organisation_id}/close",
    Access("person", ("organisation.manage",), owned="organisation"),
    form=close_page,
)
def close_organisation(visit: Visit, organisation_id: str) -> Response:
    """Close an organisation: its accounts are shut out and its mandates end."""
    organisations.close_organisation(visit.core, visit.call.who, organisation_id, version=visit.call.version)
    return visit.go(f"organisations/{organisation_id}", done="organisation_closed")


@pages.get("outbox", _OUTBOX)
def show_outbox(visit: Visit) -> Response:
    """Which notices wait to be sent and which could not be, without their contents."""
    t = visit.words
    found = outbox_admin.listed(visit.core, outbox_admin.OPEN, after=cursor(visit), most=SIZE + 1)
    shown = shown_page(visit, found, lambda one: one.id)
    rows = [
        [
            Cell(one.kind, code=True, more=t(f"outbox.{one.channel}")),
            Cell("", tag=Tag(t(f"outbox.{one.state}"), "bad" if one.state == "dead" else "info")),
            Cell(t.number(one.attempts), number=True),
            Cell(one.fault or "–", code=bool(one.fault)),
            Cell(t.moment(one.created_at)),
        ]
        for one in shown["items"]
    ]
    return visit.page("admin/outbox.html", **{**shown, "items": rows, "letters": shown["items"]})


@pages.post("outbox/{letter_id}/retry", Access("person", ("notice.watch",), owned="letter"))
def retry_letter(visit: Visit, letter_id: str) -> Response:
    """Send a letter that could not be sent again, with its full delivery time."""
    outbox_admin.retry(visit.core, [letter_id], visit.call.who.by(visit.words("outbox.retry_reason")))
    return visit.go("outbox", done="retried")


@pages.post("outbox/{letter_id}/drop", Access("person", ("notice.watch",), owned="letter"))
def drop_letter(visit: Visit, letter_id: str) -> Response:
    """Give a letter up; its account's inbox keeps the notice."""
    outbox_admin.drop(visit.core, [letter_id], visit.call.who.by(visit.words("outbox.drop_reason")))
    return visit.go("outbox", done="dropped")
