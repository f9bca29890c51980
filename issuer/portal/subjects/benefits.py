"""Benefits: what a person may claim and what is missing, claims with their clock and pay orders; the office's desk.

Promises:

1. Each benefit shows every condition as the record has it today; what only an officer can find says so.
2. A claim shows its last day with the rule; a refusal its reasons and ways of redress; a grant each month's order.
3. An official's look at somebody's claim leaves a row that the person sees. Employers see none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

from fastapi import Response

from icard_crypto.errors import NotFound
from issuer.insurance import claim_payments, claim_records, claims, views
from issuer.insurance.benefits import BENEFITS
from issuer.insurance.claim_records import ClaimView
from issuer.insurance.claims import Grant
from issuer.insurance.eligibility import benefit_of
from issuer.insurance.months import month_of, month_text, parse_month
from issuer.portal.catalogue import Words
from issuer.portal.filing_shown import redress_of
from issuer.portal.insurance_shown import month_words
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Check, Choice, Deadline, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, rule_part, rule_title
from issuer.portal.visits import Visit
from issuer.rules.rows import Rule as Row
from issuer.service.access import Access
from issuer.service.api.insurance import noted
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_SEES: Final = with_right("benefit.own", "insurance.read")
_OWN: Final = with_right("benefit.own")
_ONE: Final = Access("person", ("benefit.own", "insurance.read"), owned="claim")
_WITHDRAWS: Final = Access("person", ("benefit.own", "insurance.book"), owned="claim")
_DECIDES: Final = Access("person", ("insurance.book",), owned="claim")
_TONES: Final = {"filed": "info", "granted": "ok", "refused": "bad", "withdrawn": "neutral", "stopped": "neutral"}
_SIGNS: Final = {"met": "done", "missing": "wrong", "unknown": "open"}
#: Conditions that a person answers with the claim, and the words that they may choose from.
_TOLD: Final = {
    "reason_of_leaving": ("contract_ended", "dismissed", "employer_ceased", "resigned"),
    "not_cause": ("illness", "accident", "abroad", "work_injury", "third_party"),
}
_MOST: Final = 100


@pages.get("benefits", _SEES)
def list_benefits(visit: Visit) -> Response:
    """For the person: each benefit with what is missing, and one's claims. For officials: the claims that wait."""
    who = visit.call.who
    if who.role.official:
        return _desk(visit)
    if who.person_id not in views.insured_people(visit.core, who):
        return visit.page("insurance/none.html")
    rules, found = ShownRules(visit), claim_records.list_claims(visit.core, who, **asked_page(visit))
    shown = shown_page(visit, found, lambda one: one.claim_id)
    region = views.show_insurance(visit.core, who, who.person_id).region
    offered = [_offered(visit, rules, row) for row in rules.book.effective(BENEFITS, region, rules.today)]
    rows = [_row(rules, one, region) for one in shown["items"]]
    return visit.page("benefits/mine.html", **{**shown, "items": rows}, offered=offered)


def _offered(visit: Visit, rules: ShownRules, row: Row) -> dict[str, Any]:
    """A benefit with its conditions as the record has them."""
    t, who = visit.words, visit.call.who
    found = benefit_of(visit.core, who, who.person_id, row.id, {})
    checks = [
        Check(one.text(t.language), _SIGNS[one.state], _met_on(t, one.met_on), said=t(f"checks.{one.state}"))  # type: ignore[arg-type]
        for one in found.checks
    ]
    missing = sum(one.state == "missing" for one in found.checks)
    return {
        "title": rule_title(row, t),
        "tag": Tag(t("benefits.missing", n=missing), "neutral") if missing else Tag(t("benefits.open"), "info"),
        "checks": checks,
        "uncertain": found.answer.uncertain,
        "rule": rule_part(row, t),
        "href": f"{BASE}benefits/apply?benefit={row.id}",
        "missing": missing,
    }


def _met_on(t: Words, day: date | None) -> str:
    return t("benefits.met_on", day=t.day(day)) if day is not None else ""


def _desk(visit: Visit) -> Response:
    """Claims that wait, the nearest last day first, or all."""
    who, t, every = visit.call.who, visit.words, visit.query("show") == "all"
    if every:
        found = claim_records.list_claims(visit.core, who, **asked_page(visit))
        shown = shown_page(visit, found, lambda one: one.claim_id)
    else:
        shown = {"items": claim_records.waiting_claims(visit.core, who, limit=_MOST), "first": None, "next": None}
    items, rules = cast("list[ClaimView]", shown["items"]), ShownRules(visit)
    for person_id in sorted({one.person_id for one in items}):
        noted(visit.call, person_id)
    rows = []
    for one in items:
        view = views.show_insurance(visit.core, who, one.person_id)
        rows.append([Cell(view.name), *_row(rules, one, view.region)])
    filters = [
        Choice("waiting", t("requests.show_waiting"), href=f"{BASE}benefits"),
        Choice("all", t("requests.show_all"), href=f"{BASE}benefits?show=all"),
    ]
    return visit.page(
        "benefits/desk.html", **{**shown, "items": rows}, filters=filters, show="all" if every else "waiting"
    )


def _row(rules: ShownRules, one: ClaimView, region: str) -> list[Cell]:
    t = rules.t
    due = t.day(date.fromisoformat(one.due_on), short=True) if one.due_on and one.state == "filed" else "–"
    late = Tag(t("requests.late"), "bad") if one.overdue else None
    title = _title(rules, one, region)
    return [Cell(title, f"{BASE}benefits/claims/{one.claim_id}"), Cell("", tag=_state(t, one)), Cell(due, tag=late)]


def _title(rules: ShownRules, one: ClaimView, region: str) -> str:
    row = _rule(rules, one, region)
    return rule_title(row, rules.t) if row is not None else one.benefit


def _rule(rules: ShownRules, one: ClaimView, region: str) -> Row | None:
    """The benefit's row as it was when it was claimed."""
    return rules.book.find(BENEFITS, one.benefit, region, date.fromisoformat(one.filed_on))


def _state(t: Words, one: ClaimView) -> Tag:
    return Tag(t(f"benefits.state_{one.state}"), _TONES[one.state])  # type: ignore[arg-type]


def _benefit(visit: Visit, rules: ShownRules) -> Row:
    """The benefit that the form is about, in the person's region.

    Raises:
        NotFound: ``claim.none``.
    """
    name = visit.text("benefit") or visit.query("benefit")
    region = views.show_insurance(visit.core, visit.call.who, visit.call.who.person_id).region
    row = rules.book.find(BENEFITS, name, region, rules.today)
    if row is None:
        raise NotFound("claim.none")
    return row


@pages.get("benefits/apply", _OWN)
def apply_page(visit: Visit) -> Response:
    """The form for a claim: what the record does not know, and nothing else."""
    rules, t = ShownRules(visit), visit.words
    row = _benefit(visit, rules)
    offered, tests = _offered(visit, rules, row), {one["test"] for one in row.value["conditions"]}
    asked = [
        (test, t(f"benefits.{test}"), [Choice("", t("benefits.choose")), *_choices(t, test)])
        for test in _TOLD
        if test in tests
    ]
    return visit.page("benefits/apply.html", benefit=row.id, offered=offered, asked=asked)


def _choices(t: Words, test: str) -> list[Choice]:
    return [Choice(name, t(f"benefits.{test}_{name}")) for name in _TOLD[test]]


@pages.post("benefits/apply", _OWN, form=apply_page, fields={"claim": "words"})
def apply(visit: Visit) -> Response:
    """Claim a benefit."""
    row, call = _benefit(visit, ShownRules(visit)), visit.call
    told = {
        name: visit.text(test)
        for test, name in (("reason_of_leaving", "reason_of_leaving"), ("not_cause", "cause"))
        if visit.text(test) in _TOLD[test]
    }
    made = once(
        call,
        lambda request: claims.apply_claim(
            call.core, call.who, call.who.person_id, row.id, told, visit.text("words"), request
        ),
        lambda name: name,
    )
    return visit.go(f"benefits/claims/{made}", done="claim_filed")


@pages.get("benefits/claims/{claim_id}", _ONE)
def show_claim(visit: Visit, claim_id: str) -> Response:
    """A claim: its conditions, its clock, its decision, what was ordered and paid."""
    call, t, rules = visit.call, visit.words, ShownRules(visit)
    one = claim_records.show_claim(call.core, call.who, claim_id)
    noted(call, one.person_id)
    view = views.show_insurance(call.core, call.who, one.person_id)
    decides, address = call.who.may("insurance.book"), f"{BASE}benefits/claims/{claim_id}"
    waits = one.state == "filed"
    return visit.page(
        "benefits/claim.html",
        claim=one,
        title=_title(rules, one, view.region),
        state=_state(t, one),
        checks=_checks(t, one.conditions),
        facts=_facts(visit, one, view.name),
        deadline=_deadline(rules, one, view.region) if waits else None,
        redress=redress_of(rules, one.redress),
        orders=_orders(t, one),
        unpaid=[Choice(each.order_id, month_words(t, each.month)) for each in one.orders if each.state == "ordered"]
        if decides
        else [],
        today=rules.today.isoformat(),
        acts=[Act(t(f"benefits.do_{name}"), f"{address}/decide?outcome={name}") for name in ("granted", "refused")]
        if waits and decides
        else [],
        may_withdraw=waits and (decides or one.person_id == call.who.person_id),
        address=address,
    )


def _checks(t: Words, conditions: Sequence[Mapping[str, Any]]) -> list[Check]:
    return [
        Check(
            one["text"][t.language],
            _SIGNS[one["state"]],  # type: ignore[arg-type]
            _met_on(t, date.fromisoformat(one["met_on"]) if one["met_on"] else None),
            said=t(f"checks.{one['state']}"),
        )
        for one in conditions
    ]


def _facts(visit: Visit, one: ClaimView, name: str) -> list[Fact]:
    t, official = visit.words, visit.call.who.role.official
    facts = [Fact(t("benefits.filed_on"), t.day(date.fromisoformat(one.filed_on)))]
    if official:
        link = Act(t("requests.open_insurance"), f"{BASE}insurance/{one.person_id}")
        facts.insert(0, Fact(t("requests.person"), name, link))
    if one.monthly is not None:
        facts.append(Fact(t("benefits.monthly"), one.monthly))
    if one.first_month is not None:
        facts.append(Fact(t("benefits.first_month"), month_words(t, one.first_month)))
    if one.last_month is not None:
        facts.append(Fact(t("benefits.last_month"), month_words(t, one.last_month)))
    if one.stopped_on is not None:
        event = t(f"benefits.event_{one.stopped_by}") if t.has(f"benefits.event_{one.stopped_by}") else ""
        facts.append(Fact(t("benefits.stopped_on"), f"{t.day(date.fromisoformat(one.stopped_on))}{t.gap}{event}"))
    return facts


def _deadline(rules: ShownRules, one: ClaimView, region: str) -> Deadline | None:
    filed, benefit = date.fromisoformat(one.filed_on), _rule(rules, one, region)
    scheme = benefit.value.get("scheme") if benefit is not None else None
    row = rules.book.find("insurance_handling", scheme, region, filed) if scheme else None
    if row is None or one.due_on is None:
        return None
    t = rules.t
    whose = t("requests.whose_insurance")
    return rules.deadline(row, date.fromisoformat(one.due_on), region, whose=whose, otherwise=t("requests.then"))


def _orders(t: Words, one: ClaimView) -> list[list[Cell]]:
    return [
        [
            Cell(month_words(t, each.month)),
            Cell(each.amount, number=True),
            Cell(t(f"benefits.order_{each.state}")),
            Cell(t.day(date.fromisoformat(each.paid_on), short=True) if each.paid_on else "–"),
        ]
        for each in one.orders
    ]


@pages.post("benefits/claims/{claim_id}/withdraw", _WITHDRAWS, form=show_claim)
def withdraw(visit: Visit, claim_id: str) -> Response:
    """Withdraw a claim that is not decided."""
    claims.withdraw_claim(visit.core, visit.call.who, claim_id)
    return visit.go(f"benefits/claims/{claim_id}", done="claim_withdrawn")


@pages.get("benefits/claims/{claim_id}/decide", _DECIDES)
def decide_page(visit: Visit, claim_id: str) -> Response:
    """What a decision does, with the conditions that an officer has to have found."""
    call, t, rules = visit.call, visit.words, ShownRules(visit)
    one = claim_records.show_claim(call.core, call.who, claim_id)
    noted(call, one.person_id)
    view = views.show_insurance(call.core, call.who, one.person_id)
    outcome = "refused" if (visit.text("outcome") or visit.query("outcome")) == "refused" else "granted"
    return visit.page(
        "benefits/decide.html",
        outcome=outcome,
        title=_title(rules, one, view.region),
        facts=_facts(visit, one, view.name),
        checks=_checks(t, one.conditions),
        effects=[t(f"benefits.effect_{outcome}")],
        found=[Choice(name, t(f"benefits.fact_{name}")) for name in _found_facts(rules, one, view.region)],
        ticked=visit.every("found"),
        month=month_text(month_of(rules.today)),
        address=f"{BASE}benefits/claims/{claim_id}",
    )


def _found_facts(rules: ShownRules, one: ClaimView, region: str) -> list[str]:
    """The facts that no record shows and an officer has to find, of those that have words."""
    row = _rule(rules, one, region)
    names = [each["name"] for each in row.value["conditions"] if each["test"] == "fact"] if row is not None else []
    return [name for name in names if rules.t.has(f"benefits.fact_{name}")]


@pages.post("benefits/claims/{claim_id}/decide", _DECIDES, form=decide_page, fields={
    "claim.month": "first_month", "claim.months": "months", "insurance.amount": "monthly", "reasons": "reasons",
})  # fmt: skip
def decide(visit: Visit, claim_id: str) -> Response:
    """Grant a claim, or refuse it."""
    call, granted = visit.call, visit.text("outcome") == "granted"
    visit.require("reasons", *(("monthly", "first_month") if granted else ()))
    grant = None
    if granted:
        months = visit.number("months") if visit.text("months") else None
        grant = Grant(visit.text("monthly"), parse_month(visit.text("first_month")), months)
    one = claim_records.show_claim(call.core, call.who, claim_id)
    region = views.show_insurance(call.core, call.who, one.person_id).region
    facts = {name: name in visit.every("found") for name in _found_facts(ShownRules(visit), one, region)}
    claims.decide_claim(call.core, call.who, claim_id, grant, visit.text("reasons"), facts)
    return visit.go(f"benefits/claims/{claim_id}", done="claim_decided")


@pages.post("benefits/claims/{claim_id}/paid", _DECIDES, form=show_claim, fields={"claim": "day"})
def record_payment(visit: Visit, claim_id: str) -> Response:
    """Note that a month's order was paid."""
    visit.require("order", "day")
    claim_payments.record_payment(visit.core, visit.call.who, claim_id, visit.text("order"), visit.day("day"))
    return visit.go(f"benefits/claims/{claim_id}", done="payment_recorded")
