"""The ways of redress against a decision, with their last days.

Promises:

1. Every adverse decision names reconsideration and court, each with its last day, its rule and how certain that is.
2. The days count from the day on which the decision became known: its delivery where that is proven, else its own day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from issuer.rules.book import RuleBook
from issuer.rules.citations import cite
from issuer.rules.deadlines import due

from .clocks import calendar_of
from .models import Filing

__all__ = ["known_on", "redress"]

#: Rows of deadlines, counted from the day on which the decision became known.
WAYS: Final = ("reconsideration", "court")


def redress(book: RuleBook, region: str, known: date, ways: Sequence[str] = WAYS) -> list[dict[str, Any]]:
    """The ways of redress against a decision that became known on a day, in both languages.

    Args:
        ways: rows of deadlines; after a reconsideration it is the court alone.
    """
    found = []
    for name in ways:
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


def known_on(row: Filing, decided: date) -> date:
    """The day on which a decision became known: its delivery, where that is proven."""
    return decided if row.delivered_on is None else date.fromisoformat(row.delivered_on)
