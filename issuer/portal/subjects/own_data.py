"""One's own data: consents with their recipients and ends, how long data are kept and why, heirs.

Promises:

1. A consent is given for one purpose, with what is passed on and until when in sight; it is withdrawn by one button,
   without a reason.
2. How long data are kept stands with the law or the service's own rule, for everybody to read.
3. Access to the record of somebody who died is given by an officer on proof, to an account; each has its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from fastapi import Response

from icard_crypto.card.fields import SERVICES
from issuer.accounts import consents
from issuer.accounts.consents import ConsentView, NewConsent
from issuer.insurance import heirs, views
from issuer.insurance.heirs import RELATIONS, HeirView
from issuer.portal.catalogue import Words, beijing_day
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice, Fact, Rule, Tag
from issuer.portal.people_shown import person_facts
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, rule_part
from issuer.portal.visits import Visit
from issuer.privacy.retention import RETENTION
from issuer.privacy.withdrawal import withdraw_consent
from issuer.rules.regions import NATION
from issuer.service.access import Access
from issuer.service.api.insurance import noted
from issuer.service.idempotent import once

from .access import ANYONE, with_right

__all__ = ["pages", "service_name"]

pages = Pages()
_OWN: Final = with_right("privacy.own")
_CONSENT: Final = Access("person", ("privacy.own",), owned="consent")
_HEIRS: Final = Access("person", ("insurance.book",), owned="insured")
#: What a form proposes as the end of a consent, in days.
_USUAL_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Line:
    """A consent, or an heir's access, in a list. ``act``: where it is ended; None: it is over."""

    title: str
    state: Tag
    facts: list[Fact]
    act: str | None


@pages.get("privacy", ANYONE)
def privacy(visit: Visit) -> Response:
    """What is kept and who sees it; for the person also the ways to their own data."""
    who = visit.call.who_or_none
    own = who is not None and who.full and who.may("privacy.own")
    inherited = []
    if own:
        call = visit.call
        inherited = [name for name in views.insured_people(call.core, call.who, limit=10) if name != call.who.person_id]
    records = [(name, views.show_insurance(visit.core, visit.call.who, name).name) for name in inherited]
    return visit.page("privacy.html", settings=visit.core.settings, own=own, records=records)


@pages.get("privacy/kept", ANYONE)
def list_kept(visit: Visit) -> Response:
    """What is kept about people, for how long, and which rule says so."""
    rules = ShownRules(visit)
    found: list[tuple[str, str, Rule]] = []
    for row in rules.book.effective(RETENTION, NATION, rules.today):
        years, part = int(row.value["years"]), rule_part(row, rules.t)
        time = rules.t("privacy.years", n=years) if years else rules.t("privacy.at_once")
        found.append((part.text, time, part))
    return visit.page("privacy/kept.html", kept=found)


@pages.get("privacy/consents", _OWN)
def list_consents(visit: Visit) -> Response:
    """What one has agreed to, what is over too."""
    found = consents.list_consents(visit.core, visit.call.who, **asked_page(visit))
    shown, t = shown_page(visit, found, lambda one: one.consent_id), visit.words
    lines = [_consent(t, one) for one in shown["items"]]
    return visit.page("privacy/consents.html", **{**shown, "items": lines})


def _consent(t: Words, one: ConsentView) -> Line:
    ended = t("privacy.withdrawn", day=t.day(one.withdrawn_at)) if one.withdrawn_at is not None else t("privacy.over")
    facts = [Fact(t("privacy.service"), service_name(t, one.service))] if one.service else []
    facts += [
        Fact(t("privacy.recipient"), one.recipient),
        Fact(t("privacy.passed_on"), one.kinds[t.language]),
        Fact(t("privacy.given"), t.day(one.given_at)),
        Fact(t("privacy.until"), t.day(date.fromisoformat(one.until))),
    ]
    state = Tag(t("privacy.in_force"), "ok") if one.in_force else Tag(ended, "neutral")
    act = f"{BASE}privacy/consents/{one.consent_id}/withdraw" if one.in_force else None
    return Line(one.text[t.language], state, facts, act)


def service_name(t: Words, name: str) -> str:
    """A service of the card in the language of the page."""
    registered = SERVICES.get(name)
    if registered is None:
        return name
    return registered.zh if t.language == "zh" else registered.en


@pages.get("privacy/consents/new", _OWN)
def new_consent_page(visit: Visit) -> Response:
    """The purposes to choose from, or the form for the one that was chosen."""
    t, asked = visit.words, visit.text("purpose") or visit.query("purpose")
    purpose = consents.purposes().get(asked)
    choices = [(name, one[t.language], one[f"kinds_{t.language}"]) for name, one in consents.purposes().items()]
    services = [Choice(name, service_name(t, name)) for name in SERVICES]
    return visit.page(
        "privacy/new_consent.html",
        choices=choices,
        purpose=asked if purpose else None,
        title=purpose[t.language] if purpose else "",
        kinds=purpose[f"kinds_{t.language}"] if purpose else "",
        sensitive=bool(purpose and purpose["sensitive"]),
        services=services if purpose and purpose["about_service"] else [],
        service=visit.text("service") or visit.query("service"),
        until=(beijing_day(visit.now) + timedelta(days=_USUAL_DAYS)).isoformat(),
    )


@pages.post("privacy/consents/new", _OWN, form=new_consent_page, fields={"consent.purpose": "recipient"})
def give_consent(visit: Visit) -> Response:
    """Give a consent."""
    visit.require("recipient", "until")
    call, until = visit.call, visit.day("until")
    new = NewConsent(visit.text("purpose"), visit.text("recipient"), until, visit.text("service") or None)
    once(call, lambda request: consents.give_consent(call.core, call.who, new, request), lambda name: name)
    return visit.go("privacy/consents", done="consent_given")


@pages.post("privacy/consents/{consent_id}/withdraw", _CONSENT)
def end_consent(visit: Visit, consent_id: str) -> Response:
    """Withdraw a consent: what rests on it ends with it."""
    withdraw_consent(visit.core, visit.call.who, consent_id)
    return visit.go("privacy/consents", done="consent_withdrawn")


@pages.get("insurance/{person_id}/heirs", _HEIRS)
def heirs_page(visit: Visit, person_id: str) -> Response:
    """Who may see the record of somebody who died, and the form to let one more."""
    core, who, t = visit.core, visit.call.who, visit.words
    view, found = views.show_insurance(core, who, person_id), heirs.list_heirs(core, who, person_id)
    noted(visit.call, person_id)
    address = f"{BASE}insurance/{person_id}"
    return visit.page(
        "privacy/heirs.html",
        name=view.name,
        items=[_heir(visit, one, address) for one in found],
        relations=[Choice(name, t(f"privacy.relation_{name}")) for name in RELATIONS],
        until=(beijing_day(visit.now) + timedelta(days=180)).isoformat(),
        address=address,
    )


def _heir(visit: Visit, one: HeirView, address: str) -> Line:
    t = visit.words
    facts = [
        *person_facts(visit, one.heir_person_id),
        Fact(t("privacy.given"), t.day(one.given_at)),
        Fact(t("privacy.until"), t.day(date.fromisoformat(one.until))),
    ]
    state = Tag(t("privacy.in_force"), "ok") if one.in_force else Tag(t("privacy.over"), "neutral")
    act = f"{address}/heirs/{one.heir_id}/end" if one.in_force else None
    return Line(t(f"privacy.relation_{one.relation}"), state, facts, act)


@pages.post("insurance/{person_id}/heirs", _HEIRS, form=heirs_page, fields={
    "heir.alive": "heir_login", "heir.two_needed": "heir_login", "account.self": "heir_login",
    "heir.account": "heir_login",
})  # fmt: skip
def give_heir(visit: Visit, person_id: str) -> Response:
    """Let a near relative see the record of somebody who died."""
    visit.require("heir_login", "relation", "proof", "until")
    call, until = visit.call, visit.day("until")
    relation, proof = visit.text("relation"), visit.text("proof")
    heir = heirs.heir_of_login(call.core, call.who, visit.text("heir_login"))
    once(
        call,
        lambda request: heirs.give_heir(call.core, call.who, person_id, heir, relation, proof, until, request),
        lambda name: name,
    )
    return visit.go(f"insurance/{person_id}/heirs", done="heir_given")


@pages.post("insurance/{person_id}/heirs/{heir}/end", _HEIRS)
def end_heir(visit: Visit, person_id: str, heir: str) -> Response:
    """End an heir's access before its day."""
    heirs.end_heir(visit.core, visit.call.who, person_id, heir)
    return visit.go(f"insurance/{person_id}/heirs", done="heir_ended")
