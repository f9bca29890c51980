"""Social insurance as pages show it: each scheme in one sentence, months by schemes, findings, what leaving means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from issuer.insurance.answering import Answered
from issuer.insurance.due_days import due_day
from issuer.insurance.findings import BREACHES, Finding, Line, Report
from issuer.insurance.money import in_yuan, known_yuan
from issuer.insurance.months import month_of, month_text
from issuer.insurance.schemes import Scheme, scheme_names
from issuer.insurance.views import InsuranceView, MonthView

from .catalogue import Words
from .parts import Cell, Deadline, Fact, Grid, Rule, Tag
from .rule_shown import ShownRules, rule_part
from .situations import situation

__all__ = [
    "SCHEMES",
    "due_of",
    "finding_shown",
    "insurance_state",
    "month_words",
    "months_grid",
    "owed_words",
    "payments",
    "scheme_lines",
]

SCHEMES: Final = tuple(scheme_names(scheme)[0] for scheme in Scheme)
_SIGNS: Final = {
    "ENROLLED": "tick",
    "EXEMPT": "dash",
    "SUSPENDED": "warn",
    "TERMINATED": "dash",
    "not_eligible": "dash",
    "disputed": "open",
    "not_enrolled": "cross",
    "no_rule": "open",
}
_TONES: Final = {"open": "warn", "explained": "info", "contested": "info", "settled": "neutral", "closed": "neutral"}


def insurance_state(t: Words, view: InsuranceView) -> Tag:
    """The state in a word: green only while nothing has lapsed."""
    if view.state == "lapsed":
        since = t.day(date.fromisoformat(view.lapsed_since)) if view.lapsed_since else ""
        return Tag(t("insurance.lapsed_since", day=since) if since else t("card.insurance_lapsed"), "bad")
    enrolled = any(state == "ENROLLED" for state in view.schemes.values())
    return Tag(t("card.insurance_good"), "ok") if enrolled else Tag(t("insurance.none_enrolled"), "neutral")


def scheme_lines(t: Words, schemes: Mapping[str, str], *, lapsed: bool) -> list[tuple[str, str, str]]:
    """Each scheme in one sentence: sign, scheme, state."""
    found = []
    for name in SCHEMES:
        state = schemes[name]
        gone = lapsed and state == "ENROLLED"
        words = t("insurance.s_lapsed") if gone else t(f"insurance.s_{state}")
        found.append(("warn" if gone else _SIGNS[state], t(f"card.scheme_{name}"), words))
    return found


def month_words(t: Words, text: str) -> str:
    """A month such as 2026-11 in words."""
    year, month = text.split("-")
    return t.month(int(year), int(month))


def payments(t: Words, rows: Sequence[MonthView], month: str) -> list[list[Cell]]:
    """What was reported and paid for a month, scheme by scheme."""
    return [
        [
            Cell(t(f"card.scheme_{row.scheme}")),
            Cell(row.reported, number=True),
            Cell(row.paid_employer, number=True),
            Cell(row.paid_employee, number=True),
        ]
        for row in rows
        if row.month == month
    ]


def due_of(rules: ShownRules, region: str, *, own: bool) -> tuple[str, Deadline] | None:
    """Until when this month's contributions are paid; None: no rule is known."""
    month = month_of(rules.today)
    try:
        found = due_day(rules.book, region, month)
    except LookupError:
        return None
    t = rules.t
    whose = t("filing.whose_you" if own else "filing.whose_applicant")
    deadline = rules.deadline(found.rule, found.day, region, whose=whose, otherwise=t("due.then_contribution"))
    return month_text(month), deadline


def months_grid(t: Words, lines: Sequence[Line], most: int = 24) -> Grid:
    """Months by schemes, the newest first: paid, missing, exempt, not due, or still open."""
    columns = [t(f"card.scheme_{name}") for name in SCHEMES]
    rows: dict[int, list[tuple[str, str]]] = {}
    for line in sorted(lines, key=lambda one: one.month, reverse=True):
        if line.month not in rows and len(rows) < most:
            rows[line.month] = [_sign(t, line, scheme) for scheme in Scheme]
    return Grid(columns, [(month_words(t, month_text(month)), cells) for month, cells in rows.items()])


def _sign(t: Words, line: Line, scheme: Scheme) -> tuple[str, str]:
    for mask, sign, word in (
        (line.missing, "cross", "missing"),
        (line.paid, "tick", "paid"),
        (line.exempt, "dash", "exempt"),
        (line.disputed, "open", "disputed"),
        (line.not_eligible, "dash", "not_eligible"),
        (line.due, "ring", "due"),
    ):
        if mask & scheme:
            return sign, t(f"insurance.g_{word}")
    return "dash", t("insurance.g_nothing")


def finding_shown(rules: ShownRules, finding: Finding, answered: Answered | None) -> dict[str, Any]:
    """A finding: the sentence, its sums and rules, where it is, and what was answered."""
    t = rules.t
    state = answered.state if answered else "open"
    facts = []
    if finding.owed is not None or finding.kind in BREACHES:
        facts.append(Fact(t("insurance.owed"), owed_words(t, finding.owed)))
    if finding.late_fee:
        facts.append(Fact(t("insurance.late_fee"), in_yuan(finding.late_fee)))
    if finding.fine is not None:
        span = t("insurance.fine_span", low=in_yuan(finding.fine.low), high=in_yuan(finding.fine.high))
        facts.append(Fact(t("insurance.fine"), span, rule=rule_part(finding.fine.rule, t)))
    return {
        "key": finding.key,
        "text": finding.text(t.language),
        "uncertain": finding.uncertain,
        "facts": facts,
        "rules": [rule_part(row, t) for row in finding.rules],
        "tag": Tag(t(f"insurance.f_{state}"), _TONES[state]),  # type: ignore[arg-type]
        "situation": situation(t, "finding", state),
        "steps": [
            (t(f"insurance.f_{step.state}"), t(f"roles.{step.role}"), t.moment(step.at), step.words)
            for step in (answered.steps if answered else ())
        ],
    }


def sums(t: Words, report: Report) -> list[Fact]:
    """What is owed in all."""
    owed = owed_words(t, report.known_owed, report.without_sum)
    return [Fact(t("insurance.owed"), owed), Fact(t("insurance.late_fee"), known_yuan(report.known_fees) or "–")]


def owed_words(t: Words, owed: int | None, without_sum: int = 0) -> str:
    """What is owed, in yuan, in words where it is not known.

    Args:
        without_sum: findings whose sum is not in it.
    """
    if owed is None:
        return t("insurance.no_sum")
    return f"{in_yuan(owed)}{t('insurance.and_without_sum', n=without_sum) if without_sum else ''}"


def named_rules(rules: ShownRules, briefs: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """The rows that an answer rests on."""
    return rules.named(str(brief["name"]) for brief in briefs)
