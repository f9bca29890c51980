"""Social insurance: for the person, for the employer and its agency, for officials.

Promises:

1. A person's insurance is read through :mod:`issuer.insurance.views`: an employer sees its own part of it, and an
   official's look leaves a row that the holder sees.
2. What is owed, what was missed and what leaving means come with the rules that say so.
3. Who answers a finding, and how, is the service's to say; the page offers what the role may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal, cast
from urllib.parse import urlencode

from fastapi import Response

from icard_crypto.errors import NotFound, StateError
from issuer.insurance import answering, departure, overview, reconciliation, registration, views
from issuer.insurance.findings import BREACHES
from issuer.insurance.kept_sums import MOST
from issuer.insurance.leaving import Choice as LeavingChoice
from issuer.insurance.money import in_yuan, known_yuan
from issuer.insurance.months import month_of, month_text, parse_month
from issuer.insurance.region_report import RegionRow, bars_of
from issuer.portal.catalogue import Words
from issuer.portal.disputes_shown import reportable
from issuer.portal.insurance_shown import (
    due_of,
    finding_shown,
    insurance_state,
    month_words,
    months_grid,
    named_rules,
    owed_words,
    payments,
    scheme_lines,
    sums,
)
from issuer.portal.lists import asked_page, cursor, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Choice, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, region_words, rule_part
from issuer.portal.situations import insurance_situation
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.api.insurance import noted
from issuer.service.idempotent import once

from .access import with_right
from .filings import clients_of

__all__ = ["pages"]

pages = Pages()
_LISTS: Final = with_right("insurance.read_own", "insurance.read")
_SEEN: Final = Access("person", ("insurance.read", "insurance.read_own"), owned="insured")
_ANSWERS: Final = Access("person", ("insurance.register", "insurance.book"), owned="insured")
_REGISTERS: Final = Access("person", ("insurance.register",), owned="insured")
_CLAIMS: Final = Access("person", ("benefit.own",), owned="insured")
_EMPLOYERS: Final = ("explained", "contested")
#: How many people are computed before the first page answers: two milliseconds each.
AT_FIRST: Final = 60
#: How many before the pages answer that go on from there.
_LOOKS: Final[Mapping[str, int | None]] = {"on": 300, "all": None}
#: Months that a page offers.
_MONTHS: Final = 13
_OFFICERS: Final = ("settled", "closed", "open")


@pages.get("insurance", _LISTS)
def list_insured(visit: Visit) -> Response:
    """The people whose insurance one sees; a holder's own at once."""
    who, t = visit.call.who, visit.words
    if who.role.name == "holder":
        own = who.person_id in views.insured_people(visit.core, who)
        return _shown(visit, who.person_id) if own else visit.page("insurance/none.html")
    found = views.list_insurance(visit.core, who, **asked_page(visit))
    shown = shown_page(visit, found, lambda view: view.person_id)
    rows = []
    for view in shown["items"]:
        noted(visit.call, view.person_id)
        address = f"{BASE}insurance/{view.person_id}"
        number = t("insurance.last4", digits=view.number_last4)
        rows.append(
            [
                Cell(view.name, address, more=number),
                Cell("", tag=insurance_state(t, view)),
                Cell(region_words(view.region, t)),
            ]
        )
    compliance = None
    if who.role.organisation == "employer":
        at_most = _LOOKS.get(visit.query("look"), AT_FIRST)
        compliance = _compliance(visit, overview.employer_overview(visit.core, who, None, at_most=at_most))
    return visit.page(
        "insurance/list.html",
        **{**shown, "items": rows},
        compliance=compliance,
        registers=who.may("insurance.register"),
        clients=who.role.organisation == "agency",
    )


@pages.get("insurance/contributions", _LISTS)
def show_contributions(visit: Visit) -> Response:
    """A month of contributions, person by person: reported, owed, paid, and what is between them."""
    who, t = visit.call.who, visit.words
    if who.role.name == "holder":
        return visit.go("insurance")
    today = ShownRules(visit).today
    month = _asked_month(visit.query("month"), month_of(today) - 1)
    clients = clients_of(visit)
    employer = visit.query("employer") or (clients[0].value if clients else None)
    found = (
        reconciliation.reconciled(visit.core, who, employer, month, **asked_page(visit))
        if (employer or who.role.organisation == "employer")
        else []
    )
    shown = shown_page(visit, found, lambda one: one.person_id)
    for one in shown["items"]:
        noted(visit.call, one.person_id)
    address = (
        f"{BASE}insurance/contributions?{urlencode({'employer': employer})}&"
        if employer and clients
        else (f"{BASE}insurance/contributions?")
    )
    months = [Choice(month_text(one), month_words(t, month_text(one)), href=f"{address}month={month_text(one)}")
              for one in range(month_of(today), month_of(today) - _MONTHS, -1)]  # fmt: skip
    choices = [
        Choice(one.value, one.text, href=f"{BASE}insurance/contributions?employer={one.value}") for one in clients
    ]
    return visit.page(
        "insurance/contributions.html",
        **{**shown, "items": [_month_cells(t, one) for one in shown["items"]]},
        month=month_text(month),
        month_shown=month_words(t, month_text(month)),
        months=months,
        clients=choices,
        employer=employer,
    )


def _asked_month(text: str, usual: int) -> int:
    try:
        return parse_month(text)
    except StateError:
        return usual


def _month_cells(t: Words, one: reconciliation.Reconciled) -> list[Cell]:
    tone = {"short": "bad", "over": "warn", "open": "warn", "later": "info"}.get(one.standing, "neutral")
    owed, due = one.owed, t("insurance.c_due", day=t.day(one.due, short=True)) if one.due else ""
    return [
        Cell(one.name, f"{BASE}insurance/{one.person_id}", more=due),
        Cell(in_yuan(one.reported), number=True),
        Cell("–" if owed is None else in_yuan(owed), number=True),
        Cell(in_yuan(one.paid), number=True),
        Cell("–" if owed is None else in_yuan(one.paid - owed), number=True),
        Cell("", tag=Tag(t(f"insurance.c_{one.standing}"), tone)),  # type: ignore[arg-type]
    ]


def _compliance(visit: Visit, found: overview.Overview) -> dict[str, object]:
    """An employer's findings; while people have not been looked at, how far that is and where it goes on instead."""
    t, address = visit.words, None
    if found.waiting:
        # Of more people than are kept a part is never done.
        look = "all" if found.staff > MOST else "on"
        address = f"{BASE}insurance?{urlencode({'look': look, 'after': cursor(visit)})}"
    return {
        "staff": found.staff,
        "looked": found.staff - found.waiting,
        "next": address,
        "totals": _totals(t, found),
        "bars": _bars(t, found),
        "rows": _overview_rows(t, found),
    }


def _overview_rows(t: Words, found: overview.Overview) -> list[list[Cell]]:
    return [
        [
            Cell(t(f"insurance.k_{row.kind}"), more=region_words(row.region, t)),
            Cell(t.number(row.findings), number=True),
            Cell(t.number(row.people), number=True),
            _owed_cell(t, row),
            Cell(known_yuan(row.known_fees) or "–", number=True),
        ]
        for row in found.rows
    ]


def _owed_cell(t: Words, row: RegionRow) -> Cell:
    """What is owed; where that is not known, why."""
    if row.known_owed is None:
        return Cell("–", number=True, more=t("insurance.no_sum") if row.no_sum == "no_rule" else "")
    more = t("insurance.some_without_sum", n=row.without_sum) if row.without_sum else ""
    return Cell(in_yuan(row.known_owed), number=True, more=more)


def _bars(t: Words, found: overview.Overview) -> list[tuple[str, int, str]]:
    """The chart: each kind with the width of its bar in hundredths of the longest, and what is beside it."""
    bars = bars_of((row.kind, row.findings, row.owed, row.without_sum) for row in found.rows)
    most = max((bar.findings for bar in bars), default=1)
    return [
        (
            t(f"insurance.k_{bar.kind}"),
            max(2, round(100 * bar.findings / most)),
            t("insurance.bar" if bar.owed else "insurance.bar_count", n=bar.findings, owed=in_yuan(bar.owed)),
        )
        for bar in bars
    ]


def _totals(t: Words, found: overview.Overview) -> list[Fact]:
    unknown = sum(row.without_sum for row in found.rows if row.kind in BREACHES)
    known = unknown == 0 or any(row.known_owed is not None for row in found.rows)
    owed, fees = sum(row.owed for row in found.rows), sum(row.late_fees for row in found.rows)
    return [
        Fact(t("insurance.staff"), t.number(found.staff)),
        Fact(t("insurance.owed"), owed_words(t, owed if known else None, unknown)),
        Fact(t("insurance.late_fee"), in_yuan(fees) if known or fees else "–"),
    ]


@pages.get("insurance/{person_id}", _SEEN)
def show_insured(visit: Visit, person_id: str) -> Response:
    """A person's insurance."""
    return _shown(visit, person_id)


def _shown(visit: Visit, person_id: str) -> Response:
    core, who, t = visit.core, visit.call.who, visit.words
    view = views.show_insurance(core, who, person_id)
    report, states = views.compliance_of(core, who, person_id, None, None)
    noted(visit.call, person_id)
    rules = ShownRules(visit)
    own, month = person_id == who.person_id and who.role.name == "holder", month_text(month_of(rules.today))
    statement = views.statement(core, who, person_id, rules.today.year)
    running = [one for one in view.employments if one.ended is None]
    due = due_of(rules, view.region, own=False) if running else None
    answers = _OFFICERS if who.may("insurance.book") else _EMPLOYERS if who.may("insurance.register") else ()
    return visit.page(
        "insurance/person.html",
        insured=view,
        own=own,
        state=insurance_state(t, view),
        situation=insurance_situation(t, view),
        facts=reportable(visit, "insurance", person_id, _facts(t, view)),
        schemes=scheme_lines(t, view.schemes, lapsed=view.state == "lapsed"),
        rules=named_rules(rules, view.rules),
        month=month_words(t, month),
        payments=payments(t, statement, month),
        due=due[1] if due else None,
        grid=months_grid(t, report.lines),
        sums=sums(t, report) if report.without_sum or any(one.owed is not None for one in report.findings) else [],
        findings=[finding_shown(rules, one, states.get(one.key)) for one in report.findings],
        answers=[Choice(name, t(f"insurance.a_{name}")) for name in answers],
        choices=[_choice(t, one) for one in views.leaving_of(core, who, person_id)] if own else [],
        working=bool(running),
        heirs=who.may("insurance.book"),
        ends=who.may("insurance.register") and not who.role.official and bool(running),
        address=f"{BASE}insurance/{person_id}",
    )


def _facts(t: Words, view: views.InsuranceView) -> list[Fact]:
    number = view.number or t("insurance.ending", digits=view.number_last4)
    return [
        Fact(t("card.name"), view.name, reports="name"),
        Fact(t("insurance.number"), number, code=view.number is not None, reports="number"),
        Fact(t("permit.region"), region_words(view.region, t), reports="region"),
        *(
            Fact(t("insurance.work_since"), t.day(date.fromisoformat(one.began)), reports="work_since")
            for one in view.employments
            if one.ended is None
        ),
    ]


def _choice(t: Words, one: LeavingChoice) -> dict[str, object]:
    return {
        "name": one.name,
        "title": t(f"insurance.l_{one.name}"),
        "text": one.answer.text(t.language),
        "facts": [
            Fact(t("insurance.paid_out"), in_yuan(one.paid)),
            Fact(t("insurance.months_after"), t.number(one.months_after)),
        ],
        "rules": [rule_part(row, t) for row in one.answer.rules],
    }


@pages.post("insurance/{person_id}/finding", _ANSWERS, form=show_insured, fields={"insurance.words": "words"})
def answer_finding(visit: Visit, person_id: str) -> Response:
    """Take a step on a finding."""
    visit.require("state", "words")
    call, state = (
        visit.call,
        cast("Literal['open', 'explained', 'contested', 'settled', 'closed']", visit.text("state")),
    )
    if state not in (*_EMPLOYERS, *_OFFICERS):
        raise visit.refuse("state", "forms.missing")
    key, words = visit.text("finding"), visit.text("words")
    once(
        call,
        lambda request: answering.answer_finding(call.core, call.who, person_id, key, state, words, request).state,
        lambda _made: state,
    )
    return visit.go(f"insurance/{person_id}", done="finding_answered")


@pages.get("insurance/{person_id}/leave", _CLAIMS)
def leaving_page(visit: Visit, person_id: str) -> Response:
    """What a choice means, before it is made."""
    name = visit.text("choice") or visit.query("choice")
    found = next((one for one in views.leaving_of(visit.core, visit.call.who, person_id) if one.name == name), None)
    if found is None:
        raise NotFound("insurance.none")
    shown = _choice(visit.words, found)
    return visit.page("insurance/leave.html", choice=shown, address=f"{BASE}insurance")


@pages.post("insurance/{person_id}/leave", _CLAIMS, form=leaving_page, fields={"insurance": "signed"})
def choose(visit: Visit, person_id: str) -> Response:
    """Keep the personal account, or have it paid out."""
    name = "pay_out" if visit.text("choice") == "pay_out" else "keep"
    call, signed = visit.call, visit.text("signed") == "yes"
    once(
        call,
        lambda request: (
            departure.choose(
                call.core,
                call.who,
                person_id,
                cast("Literal['keep', 'pay_out']", name),
                signed=signed,
                request=request,
            ).name
        ),
        lambda _made: name,
    )
    return visit.go("insurance", done="leaving_chosen")


@pages.get("insurance/{person_id}/end", _REGISTERS)
def end_page(visit: Visit, person_id: str) -> Response:
    """The form by which the end of work is reported."""
    view, t = views.show_insurance(visit.core, visit.call.who, person_id), visit.words
    running = [one for one in view.employments if one.ended is None]
    return visit.page(
        "insurance/end.html",
        facts=[Fact(t("card.name"), view.name)],
        employers=[one.employer_id for one in running],
        address=f"{BASE}insurance/{person_id}",
    )


@pages.post("insurance/{person_id}/end", _REGISTERS, form=end_page)
def end_work(visit: Visit, person_id: str) -> Response:
    """Report that work with an employer has ended."""
    visit.require("day")
    day = visit.day("day")
    registration.end_work(visit.core, visit.call.who, person_id, visit.text("employer_id") or None, day)
    return visit.go(f"insurance/{person_id}", done="work_ended")
