"""Pension: the age at which it begins, and the months of contributions that it needs.

Promises:

1. The age rises by the rule's step: who reaches the old age before the rise keeps it, later ones wait a month more for
   each step, up to the last age.
2. The months needed are those of the year in which the person retires.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule

from .months import month_of

__all__ = ["DayOfRetirement", "Group", "minimum_months", "retirement_day"]

#: ``female_50`` is who could retire at 50 before the rise; which posts that are, the employer's agency says.
Group = Literal["male", "female", "female_50"]


@dataclass(frozen=True, slots=True)
class DayOfRetirement:
    """The first day of retirement age, that age in months, and the row that sets it."""

    day: date
    months: int
    rule: Rule


def retirement_day(book: RuleBook, group: Group, born: date, known_on: date | None = None) -> DayOfRetirement | None:
    """When somebody reaches retirement age; None: no rule is known here."""
    found: DayOfRetirement | None = None
    for rule in book.all("insurance_retirement", group, NATION, known_on=known_on):
        months = _months(rule, born)
        day = months_after(born, months)
        if rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to):
            found = DayOfRetirement(day, months, rule)
    return found


def minimum_months(book: RuleBook, retired: date, known_on: date | None = None) -> Rule | None:
    """The row that says how many months of contributions a pension needs for who retires on a day."""
    return book.find("insurance_pension_minimum", "months", NATION, retired, known_on)


def _months(rule: Rule, born: date) -> int:
    months = int(rule.value["months"])
    if "rises_from" not in rule.value:
        return months
    old = month_of(born) + months - month_of(date.fromisoformat(rule.value["rises_from"]))
    more = old // int(rule.value["month_in"]) + 1 if old >= 0 else 0
    return min(months + more, int(rule.value["last"]))
