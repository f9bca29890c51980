"""The authority's deadlines for an application, computed from the days on which it changed state.

Promises:

1. The days follow from the rules of the day of filing and from nothing else, so that they can be computed again.
2. A day beyond what is known about the calendar is provisional until the table grows.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from icard_crypto.errors import Language
from issuer.rules.book import RuleBook
from issuer.rules.citations import cite
from issuer.rules.days import Pause, WorkCalendar
from issuer.rules.deadlines import Due, due
from issuer.rules.rows import Rule

from .models import Filing

__all__ = ["Clock", "calendar_of", "clocks", "days_of", "deadline", "pauses_of", "set_days", "write_pauses"]


@dataclass(frozen=True, slots=True)
class Clock:
    """A day by which something has to be done, for screens. ``provisional``: it may move when the calendar grows."""

    name: str
    due: date
    provisional: bool
    uncertain: bool
    title: dict[Language, str]
    rule: dict[Language, str]


@functools.lru_cache(maxsize=64)
def calendar_of(book: RuleBook, region: str) -> WorkCalendar:
    """The working days of a region by a book."""
    return WorkCalendar.of(book, region)


def deadline(
    book: RuleBook,
    name: str,
    row: Filing,
    event: date,
    *,
    category: str | None = None,
    prolonged: int = 0,
    pauses: Sequence[Pause] = (),
) -> Due | None:
    """A deadline of an application by the rules of its day; None: no row, no number, or a pause goes on."""
    rule = _rule(book, name, row, event)
    if rule is None:
        return None
    calendar = calendar_of(book, row.region)
    return due(rule, calendar, event, category=category, prolonged=prolonged, pauses=pauses)


def days_of(book: RuleBook, row: Filing, category: str | None) -> dict[str, str | None]:
    """All last days of an application by a book, by the names of its columns."""
    submitted, accepted = _day(row.submitted_on), _day(row.accepted_on)
    promised = "D04-short" if row.process == "short" else "D04"
    pauses = pauses_of(row)
    days = {
        "pre_review_due": submitted and deadline(book, "D01", row, submitted),
        "defects_due": submitted and deadline(book, "D02", row, submitted),
        "decision_due": accepted and deadline(book, "D03", row, accepted, prolonged=row.prolonged, pauses=pauses),
        "promised_due": accepted and deadline(book, promised, row, accepted, category=category, pauses=pauses),
    }
    return {name: found.day.isoformat() if isinstance(found, Due) else None for name, found in days.items()}


def set_days(book: RuleBook, row: Filing, category: str | None) -> bool:
    """Compute all last days of an application again; whether one moved."""
    moved = False
    for name, day in days_of(book, row, category).items():
        if getattr(row, name) != day:
            setattr(row, name, day)
            moved = True
    return moved


def clocks(book: RuleBook, row: Filing) -> list[Clock]:
    """The clocks that run in the state of an application, soonest first."""
    running = {
        "SUBMITTED": (("D01", row.pre_review_due, row.submitted_on), ("D02", row.defects_due, row.submitted_on)),
        "PRE_REVIEWED": (("D02", row.defects_due, row.submitted_on),),
        "RETURNED": (("returned", row.answer_due, row.submitted_on),),
        "ACCEPTED": (
            ("D03", row.decision_due, row.accepted_on),
            ("D04-short" if row.process == "short" else "D04", row.promised_due, row.accepted_on),
        ),
        **dict.fromkeys(("APPROVED", "REFUSED"), (("D05", _delivery_due(book, row), row.decided_on),)),
    }.get(row.state, ())
    through = calendar_of(book, row.region).known_through
    found = []
    for name, day, event in running:
        rule = _rule(book, name, row, _day(event) or date.min)
        last = _day(day)
        if rule is None or last is None:
            continue
        title: dict[Language, str] = dict(rule.value["title"])
        cited: dict[Language, str] = {"en": cite(rule, "en"), "zh": cite(rule, "zh")}
        working = rule.value["unit"] == "working_days"
        found.append(Clock(name, last, working and last > through, rule.uncertain, title, cited))
    return sorted(found, key=lambda clock: clock.due)


def pauses_of(row: Filing) -> tuple[Pause, ...]:
    """The days that do not count in the time for the decision; the last one may go on."""
    spans = [span.partition("/") for span in (row.pauses or "").split()]
    return tuple(Pause(date.fromisoformat(first), _day(last or None)) for first, _, last in spans)


def write_pauses(row: Filing, pauses: Sequence[tuple[date, date | None]]) -> None:
    """Put the days that do not count into the application's row."""
    spans = [f"{first.isoformat()}/{last.isoformat() if last else ''}" for first, last in pauses]
    row.pauses = " ".join(spans) or None


def _delivery_due(book: RuleBook, row: Filing) -> str | None:
    """The last day for the delivery of a decision that is not delivered yet."""
    decided = _day(row.decided_on)
    found = deadline(book, "D05", row, decided) if decided is not None and row.delivered_on is None else None
    return found.day.isoformat() if found is not None else None


def _rule(book: RuleBook, name: str, row: Filing, event: date) -> Rule | None:
    return book.find("deadlines", name, row.region, _day(row.rules_on) or event)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
