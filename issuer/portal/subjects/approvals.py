"""Approvals: what one person asks for and a second one confirms.

Promises:

1. Whoever decides sees act, subject, reason, who asked and when, and what confirming does.
2. Confirming asks for a code of the authenticator app that is less than five minutes old; whoever asked gets no button.
"""

from __future__ import annotations

from fastapi import Response

from icard_crypto.card.card import Card
from icard_crypto.encoding import strict_json
from icard_crypto.errors import IcardError, NotAllowed, NotFound
from issuer.accounts import directory, organisations
from issuer.accounts.organisations import OrganisationView
from issuer.approvals import engine
from issuer.approvals.acts import ACTS
from issuer.approvals.engine import ConfirmationView
from issuer.approvals.person_acts import PERSON_ACTS
from issuer.cards import deferrals
from issuer.db.idempotency import Request
from issuer.permits.offices import NamedEmployer, name_employer
from issuer.permits.person_mergers import OTHER_RECORD
from issuer.portal.catalogue import Words
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Fact, Tag
from issuer.portal.people_shown import person_facts
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.card_reading import note_requested, read_permit
from issuer.service.idempotent import once

from .access import with_right
from .endings import ground_title
from .holder_accounts import slip_page
from .person_mergers import merger_words, record_facts
from .rules import rule_of_arguments

__all__ = ["pages"]

pages = Pages()
_RIGHTS = tuple(sorted({kind.right for kind in ACTS.values()}))
_DECIDES = Access("person", _RIGHTS, owned="confirmation")


@pages.get("confirmations", with_right(*_RIGHTS))
def list_waiting(visit: Visit) -> Response:
    """The requests that wait."""
    found = engine.list_waiting(visit.core, visit.call.who, **asked_page(visit))
    shown = shown_page(visit, found, lambda one: one.confirmation_id)
    return visit.page("officer/approvals.html", **{**shown, "items": [_row(one, visit) for one in shown["items"]]})


@pages.get("confirmations/{confirmation_id}", _DECIDES)
def show_confirmation(visit: Visit, confirmation_id: str) -> Response:
    """A request, and the form by which it is decided."""
    found, t = engine.show_confirmation(visit.core, visit.call.who, confirmation_id), visit.words
    note_requested(visit.call, found)
    return visit.page(
        "officer/approval.html",
        request=found,
        title=_title(found, t),
        facts=_facts(found, visit),
        # Whom an inquiry is about hears of it on the day that the request names.
        effects=[t(f"approvals.{found.act}_effect"), *([] if found.act == "lookup.defer" else [t("acts.notified")])],
        needs_code=not visit.fresh(),
        waiting=found.state == "waiting" and found.expires_at > visit.now,
        state=_state(found, visit),
    )


@pages.post("confirmations/{confirmation_id}/confirm", _DECIDES, form=show_confirmation, fields={"access": "code"})
def confirm(visit: Visit, confirmation_id: str) -> Response:
    """Confirm another person's request: it is done now."""
    visit.give_code()
    call = visit.call

    act = engine.show_confirmation(call.core, call.who, confirmation_id).act

    def make(request: Request) -> tuple[str, str | None]:
        done = engine.confirm(call.core, call.who, confirmation_id, request)
        return done.subject, done.invited.token if done.invited else None

    _, token = once(call, make, lambda subject: (subject, None))
    if act == "account.open":
        return slip_page(visit, token, "endings.slip_second")
    if token is not None:
        return visit.page("admin/invited.html", token=token, note="", back=f"{BASE}confirmations")
    return visit.go("confirmations", done="confirmed")


@pages.post("confirmations/{confirmation_id}/refuse", _DECIDES, form=show_confirmation)
def refuse(visit: Visit, confirmation_id: str) -> Response:
    """Refuse another's request, or withdraw one's own."""
    own = engine.show_confirmation(visit.core, visit.call.who, confirmation_id).own
    engine.refuse(visit.core, visit.call.who, confirmation_id)
    return visit.go("confirmations", done="withdrawn" if own else "refused")


def _title(found: ConfirmationView, t: Words) -> str:
    return t(f"approvals.{found.act}")


def _row(found: ConfirmationView, visit: Visit) -> list[Cell]:
    t = visit.words
    return [
        Cell(_title(found, t), f"{BASE}confirmations/{found.confirmation_id}", more=found.reason),
        Cell(t.moment(found.created_at)),
        Cell(t.moment(found.expires_at)),
        Cell("", tag=_state(found, visit)),
    ]


def _state(found: ConfirmationView, visit: Visit) -> Tag:
    t = visit.words
    if found.state != "waiting":
        return Tag(t(f"approvals.{found.state}"))
    if found.expires_at <= visit.now:
        return Tag(t("approvals.expired"))
    return Tag(t("approvals.own_waits" if found.own else "approvals.waits"), "info" if found.own else "warn")


def _facts(found: ConfirmationView, visit: Visit) -> list[Fact]:
    t = visit.words
    subject = found.arguments.get("card_id")
    seen = visit.call.who.may("card.read") and isinstance(subject, str)
    facts = [
        Fact(t("approvals.what"), _title(found, t)),
        Fact(t("common.reason"), found.reason),
        Fact(t("approvals.asked"), t.moment(found.created_at)),
        Fact(t("approvals.asked_by"), engine.asker_name(visit.core, visit.call.who, found.confirmation_id)),
        Fact(t("approvals.until"), t.moment(found.expires_at)),
    ]
    if seen:
        facts.insert(
            1, Fact(t("approvals.card"), str(subject), Act(t("approvals.open"), f"{BASE}cards/{subject}"), code=True)
        )
    if found.act in ("rule.add", "rule.end"):
        return facts + rule_of_arguments(visit, found.act, dict(found.arguments))
    for name, value in found.arguments.items():
        if name == "card" and value:
            facts += _card_record(str(value), t)
        elif name == "permit_id":
            facts += _permit(str(value), visit, found.act)
        elif name == "account_id" and visit.call.who.may("account.manage"):
            facts.append(_account(str(value), visit))
        elif name == "account_id" and found.act == "lookup.defer":
            official = deferrals.official_name(visit.core, visit.call.who, str(value))
            facts.append(Fact(t("lookups.official"), official or str(value)))
        elif name == "person_id" and found.act == "lookup.defer":
            facts += person_facts(visit, str(value))
        elif name == "card_id" and found.act == "lookup.defer":
            holder = deferrals.holder_of_card(visit.core, visit.call.who, str(value))
            facts += person_facts(visit, holder) if holder else []
        elif value and name == "organisation_id":
            facts.append(_organisation(str(value), visit, found.act))
        elif name == "end":
            facts.append(Fact(t("approvals.end"), ground_title(visit, str(value))))
        elif value and found.act in ("employer.merge", "employer.code") and name.endswith("_id"):
            named = name_employer(visit.core, visit.call.who, str(value))
            facts.append(Fact(t(f"approvals.{name}"), t.with_code(named.name, named.code)))
        elif value and name in OTHER_RECORD and found.act == "person.merge":
            facts += record_facts(visit, name, str(value))
        elif name == "merger_id":
            facts.append(Fact(t("approvals.merger_id"), merger_words(visit, str(value))))
        elif value and name != "card_id":
            facts.append(_argument(name, str(value), t))
    return facts


def _permit(permit_id: str, visit: Visit, act: str) -> list[Fact]:
    """Whose permit it is, and which, with the row that whoever looks leaves; its id alone where they do not see it."""
    t = visit.words
    try:
        view = read_permit(visit.call, permit_id)
    except (NotFound, NotAllowed):
        if act in PERSON_ACTS:
            return record_facts(visit, "permit_id", permit_id)
        return [Fact(t("approvals.permit_id"), permit_id, code=True)]
    # The guard's row names the request; this one names whose record was shown, also before there is a card.
    visit.call.looked("permit.read", f"permit:{permit_id}")
    see = Act(t("filing.see_permit"), f"{BASE}permits/{permit_id}")
    return [Fact(t("card.name"), view.name), Fact(t("card.number"), view.number, act=see, code=True)]


def _account(account_id: str, visit: Visit) -> Fact:
    """Which account it is, by its login name; its id where it is closed."""
    t = visit.words
    try:
        login = directory.show_account(visit.core, visit.call.who, account_id).login
    except NotFound:
        login = ""
    return Fact(t("accounts.account"), login or account_id, Act(t("approvals.open"), f"{BASE}accounts/{account_id}"))


def _organisation(organisation_id: str, visit: Visit, act: str) -> Fact:
    """Which employer or agency it is, by name and code; its id where whoever looks does not see it."""
    t, who = visit.words, visit.call.who
    label = t("accounts.organisation" if act.startswith("account.") else "approvals.organisation_id")
    try:
        named: OrganisationView | NamedEmployer
        if who.may("organisation.manage"):
            named = organisations.show_organisation(visit.core, who, organisation_id)
        else:
            named = name_employer(visit.core, who, organisation_id)
    except (NotFound, NotAllowed):
        return Fact(label, organisation_id, code=True)
    return Fact(label, t.with_code(named.name, named.code))


def _card_record(text: str, t: Words) -> list[Fact]:
    """The record that a card is to have, field by field."""
    try:
        card = Card.from_json(strict_json.loads(text))
    except (IcardError, ValueError):
        return [Fact(t("approvals.card"), text, code=True)]
    holder, permit = card.holder, card.permit
    days = [("card.from", permit and permit.valid_from), ("card.to", permit and permit.valid_until)]
    texts = [
        ("card.name", holder and holder.name),
        ("card.number", permit and permit.number),
        ("card.category", permit and permit.category),
        ("card.employer", permit and permit.employer),
        ("card.position", permit and permit.position),
    ]
    facts = [Fact(t(label), str(value)) for label, value in texts if value]
    return facts + [Fact(t(label), t.day(day)) for label, day in days if day]


def _argument(name: str, value: str, t: Words) -> Fact:
    """What will be done, as far as the act's arguments say it: nobody confirms what they have not seen."""
    if name == "nationality":
        return Fact(t("approvals.nationality"), t.country(value))
    if name == "role":
        return Fact(t("accounts.role"), t(f"roles.{value}"))
    label = next((one for one in (f"accounts.{name}", f"approvals.{name}") if t.has(one)), None)
    return Fact(t(label), value) if label else Fact(name, value, code=True)
