"""When a month's contributions are due, when they let the insurance lapse, and when they are reported.

Promises:

1. The region's row holds; where none is known icard's own default, and the answer carries that row.
2. A due day is the last day on which payment is in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from issuer.rules.book import RuleBook
from issuer.rules.days import Deadline, WorkCalendar
from issuer.rules.rows import Rule

from .months import first_day, last_day

__all__ = ["DayByRule", "due_day", "handled_by", "lapse_day", "reporting_days"]

_LAST: Final = "last"


@dataclass(frozen=True, slots=True)
class DayByRule:
    """A day, and the row that sets it."""

    day: date
    rule: Rule


def due_day(book: RuleBook, region: str, month: int) -> DayByRule:
    """The last day to pay a month in time."""
    return _after(book.require("insurance_due_days", "due", region, last_day(month)), month)


def lapse_day(book: RuleBook, region: str, month: int) -> DayByRule:
    """The last day on which an unpaid month does not let the insurance lapse yet."""
    return _after(book.require("insurance_lapse", "lapse", region, last_day(month)), month)


def reporting_days(book: RuleBook, region: str, month: int) -> tuple[date, date, Rule] | None:
    """The first and the last day on which a region takes reports in a month; None: no rule is known here."""
    rule = book.find("insurance_reporting", "window", region, last_day(month))
    if rule is None:
        return None
    begin, end = first_day(month), last_day(month)
    first, last = int(rule.value["first_day"]), min(int(rule.value["last_day"]), end.day)
    return begin.replace(day=first), begin.replace(day=last), rule


def handled_by(book: RuleBook, what: str, region: str, filed: date) -> tuple[Deadline, Rule] | None:
    """Until when the agency has to deal with an application; None: no rule is known here.

    Args:
        what: ``registration``, ``change``, or the name of a benefit.

    Raises:
        StateError: ``days.*``.
    """
    rule = book.find("insurance_handling", what, region, filed)
    if rule is None:
        return None
    found = WorkCalendar.of(book, region).after(filed, int(rule.value["working_days"]))
    return None if found is None else (found, rule)


def _after(rule: Rule, month: int) -> DayByRule:
    later = month + int(rule.value["months_after"])
    day = rule.value["day"]
    end = last_day(later)
    return DayByRule(end if day == _LAST else end.replace(day=min(int(day), end.day)), rule)
