"""The ways of redress against a decision, with their last days.

Promises:

1. Every adverse decision names reconsideration and court, each with its last day, its rule and how certain that is.
2. The days count from the day on which the decision became known: its delivery where that is proven, else its own day.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from issuer.rules.book import RuleBook
from issuer.rules.citations import cite
from issuer.rules.deadlines import due

from .clocks import calendar_of

__all__ = ["redress"]

#: Rows of deadlines, counted from the day on which the decision became known.
_WAYS: Final = ("reconsideration", "court")


def redress(book: RuleBook, region: str, known: date) -> list[dict[str, Any]]:
    """The ways of redress against a decision that became known on a day, in both languages."""
    found = []
    for name in _WAYS:
        rule = book.require("deadlines", name, region, known)
        last = due(rule, calendar_of(book, region), known)
        if last is not None:
            found.append(
                {
                    "way": name,
                    "until": last.day.isoformat(),
                    "provisional": last.provisional,
                    "title": dict(rule.value["title"]),
                    "rule": {"en": cite(rule, "en"), "zh": cite(rule, "zh")},
                }
            )
    return found
