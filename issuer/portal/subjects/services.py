"""All-in-one services of the card: what is offered where one is insured, what is granted; places that refused the card.

Promises:

1. A service that needs a consent leads to that consent first; whoever was granted one withdraws it by one button.
2. A place that must take the card can be reported from the service that it refused; the answer stands with the report.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal

from fastapi import Response

from issuer.insurance import service_grants, views
from issuer.insurance.service_grants import ReportView
from issuer.insurance.service_items import Item, items_in
from issuer.portal.catalogue import Words
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Choice, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, region_words, rule_part
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.api.insurance import noted
from issuer.service.idempotent import once

from .access import with_right
from .own_data import service_name

__all__ = ["pages"]

pages = Pages()
_OWN: Final = with_right("benefit.own")
_SEES: Final = Access("person", ("insurance.read",), owned="insured")
_GRANTS: Final = Access("person", ("insurance.book",), owned="insured")
_WITHDRAWS: Final = Access("person", ("insurance.book", "privacy.own"), owned="grant")
_REPORTS: Final = with_right("insurance.read", "benefit.own")
_REPORT: Final = Access("person", ("insurance.read", "benefit.own"), owned="refusal")
_ANSWERS: Final = Access("person", ("insurance.book",), owned="refusal")
_TONES: Final = {"open": "info", "upheld": "ok", "dismissed": "neutral"}


@pages.get("services", _OWN)
def own_services(visit: Visit) -> Response:
    """What is offered where one is insured, and which of it one's card has."""
    who = visit.call.who
    if who.person_id not in views.insured_people(visit.core, who):
        return visit.page("insurance/none.html")
    return _shown(visit, who.person_id)


@pages.get("insurance/{person_id}/services", _SEES)
def services_of(visit: Visit, person_id: str) -> Response:
    """The same for an official; who keeps the books grants and withdraws."""
    noted(visit.call, person_id)
    return _shown(visit, person_id)


def _shown(visit: Visit, person_id: str) -> Response:
    core, who, t, rules = visit.core, visit.call.who, visit.words, ShownRules(visit)
    view = views.show_insurance(core, who, person_id)
    grants = {one.service: one for one in reversed(service_grants.list_grants(core, who, person_id))}
    books = who.may("insurance.book")
    items = []
    for item in items_in(rules.book, view.region, rules.today):
        granted = grants.get(item.name)
        live = granted is not None and granted.withdrawn_at is None
        items.append(
            {
                "title": item.title(t.language),
                "tag": Tag(t("services.granted"), "ok") if live else Tag(t("services.not_granted"), "neutral"),
                "rule": rule_part(item.rule, t),
                "withdraw": f"{BASE}services/{granted.grant_id}/withdraw" if granted and live else None,
                "grant": item.name if books and not live and who.person_id != person_id else None,
                "acts": [] if who.role.official else _acts(t, item, live=live),
            }
        )
    return visit.page(
        "services/services.html",
        items=items,
        name=view.name,
        region=region_words(view.region, t),
        official=who.role.official,
        books=books,
        address=f"{BASE}insurance/{person_id}",
    )


def _acts(t: Words, item: Item, *, live: bool) -> list[Act]:
    found = []
    if not live and item.rule.value.get("consent"):
        found.append(Act(t("services.consent"), f"{BASE}privacy/consents/new?purpose=service&service={item.name}"))
    if item.must_take:
        found.append(Act(t("services.refused"), f"{BASE}services/refusals/new?service={item.name}"))
    return found


@pages.post("insurance/{person_id}/services", _GRANTS, form=services_of, fields={"grant": "service"})
def grant(visit: Visit, person_id: str) -> Response:
    """Grant a service: the card gets new codes that say so."""
    visit.require("service")
    service_grants.grant_service(visit.core, visit.call.who, person_id, visit.text("service"))
    return visit.go(f"insurance/{person_id}/services", done="service_granted")


@pages.post("services/{grant_id}/withdraw", _WITHDRAWS)
def withdraw(visit: Visit, grant_id: str) -> Response:
    """Withdraw a service; an officer with a reason."""
    person_id = service_grants.show_grant(visit.core, visit.call.who, grant_id).person_id
    service_grants.withdraw_service(visit.core, visit.call.who, grant_id, visit.text("reason") or None)
    back = f"insurance/{person_id}/services" if visit.call.who.role.official else "services"
    return visit.go(back, done="service_withdrawn")


@pages.get("services/refusals", _REPORTS)
def list_refusals(visit: Visit) -> Response:
    """One's own reports of refusals; for officials those of their region."""
    t, who = visit.words, visit.call.who
    found = service_grants.list_reports(visit.core, who, **asked_page(visit))
    shown = shown_page(visit, found, lambda one: one.report_id)
    for person_id in sorted({one.person_id for one in shown["items"]}):
        noted(visit.call, person_id)
    rows = [
        [
            Cell(service_name(t, one.service), f"{BASE}services/refusals/{one.report_id}", more=one.place),
            Cell(t.day(date.fromisoformat(one.day), short=True)),
            Cell("", tag=_state(t, one)),
        ]
        for one in shown["items"]
    ]
    back = "benefits" if who.role.official else "services"
    return visit.page("services/refusals.html", **{**shown, "items": rows}, back=BASE + back)


def _state(t: Words, one: ReportView) -> Tag:
    return Tag(t(f"services.state_{one.state}"), _TONES[one.state])  # type: ignore[arg-type]


@pages.get("services/refusals/new", _OWN)
def refusal_page(visit: Visit) -> Response:
    """The form by which a refusal is reported."""
    t, rules, who = visit.words, ShownRules(visit), visit.call.who
    region = views.show_insurance(visit.core, who, who.person_id).region
    taken = [item for item in items_in(rules.book, region, rules.today) if item.must_take]
    return visit.page(
        "services/new_refusal.html",
        services=[Choice(item.name, item.title(t.language)) for item in taken],
        service=visit.text("service") or visit.query("service"),
        today=rules.today.isoformat(),
    )


@pages.post("services/refusals/new", _OWN, form=refusal_page, fields={"grant.may_refuse": "service"})
def report_refusal(visit: Visit) -> Response:
    """Report a place that refused the card."""
    visit.require("service", "day", "place", "words")
    call, day = visit.call, visit.day("day")
    service, place, said = (visit.text(name) for name in ("service", "place", "words"))
    made = once(
        call,
        lambda request: service_grants.report_refusal(call.core, call.who, service, day, place, said, request),
        lambda name: name,
    )
    return visit.go(f"services/refusals/{made}", done="refusal_reported")


@pages.get("services/refusals/{report_id}", _REPORT)
def show_refusal(visit: Visit, report_id: str) -> Response:
    """A report of a refusal, with its answer or the form for one."""
    t, call = visit.words, visit.call
    one = service_grants.show_report(call.core, call.who, report_id)
    noted(call, one.person_id)
    outcomes: list[Any] = [Choice(name, t(f"services.do_{name}")) for name in ("upheld", "dismissed")]
    answers = one.state == "open" and call.who.may("insurance.book") and one.person_id != call.who.person_id
    return visit.page(
        "services/refusal.html",
        report=one,
        state=_state(t, one),
        facts=[
            Fact(t("privacy.service"), service_name(t, one.service)),
            Fact(t("services.day"), t.day(date.fromisoformat(one.day))),
            Fact(t("services.place"), one.place),
            Fact(t("services.words"), one.words),
            Fact(t("services.source"), one.source),
        ],
        outcomes=outcomes if answers else [],
        address=f"{BASE}services/refusals/{report_id}",
    )


@pages.post("services/refusals/{report_id}/answer", _ANSWERS, form=show_refusal)
def answer_refusal(visit: Visit, report_id: str) -> Response:
    """Answer a report."""
    visit.require("outcome", "answer")
    outcome: Literal["upheld", "dismissed"] = "upheld" if visit.text("outcome") == "upheld" else "dismissed"
    service_grants.answer_report(visit.core, visit.call.who, report_id, outcome, visit.text("answer"))
    return visit.go(f"services/refusals/{report_id}", done="refusal_answered")
