"""Deadlines from their rows: the last day, or the window, that a rule gives for an event.

Promises:

1. A date never stands alone: it comes with the rule that gave it, and says whether it is provisional.
2. A rule without a number (promptly, no deadline) gives no date.

The value of a ``deadlines`` row::

    unit        working_days | calendar_days | months | hours | promptly | none
    number      how many; null for promptly and none
    from        the event, a word
    direction   after (default) | before
    opens       of a window before an event: how many units before it the window opens; it closes at ``number``
    by_category numbers that differ by category of permit
    prolong     the most that may be added, in the same unit
    roll        whether a last day that is not worked moves to the next that is
    title, then what it is, and what follows when it has passed, in both languages
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from icard_crypto.errors import Invalid, Language
from icard_crypto.moments import HOUR

from .days import Deadline, Pause, WorkCalendar, day_of, days_after, days_before, months_after, months_before
from .rows import Rule

__all__ = ["Due", "Window", "due", "due_moment", "window"]


@dataclass(frozen=True, slots=True)
class Due:
    """A last day and the rule that set it."""

    rule: Rule
    day: date
    provisional: bool = False

    @property
    def ends_at(self) -> int:
        """The first Unix second after it."""
        return Deadline(self.day).ends_at

    def passed(self, now: int) -> bool:
        """Whether the day is over at a Unix time."""
        return now >= self.ends_at

    def title(self, language: Language) -> str:
        """What has to happen by then."""
        return str(self.rule.value["title"][language])


@dataclass(frozen=True, slots=True)
class Window:
    """The first and the last day on which something may be filed, both included."""

    rule: Rule
    opens: date
    closes: date

    def covers(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.opens <= day <= self.closes


def due(
    rule: Rule,
    calendar: WorkCalendar,
    event: date,
    *,
    category: str | None = None,
    pauses: Sequence[Pause] = (),
    prolonged: int = 0,
) -> Due | None:
    """The last day that a rule gives.

    Args:
        event: the day of the event, which does not count.
        category: of the permit, where the number depends on it.
        pauses: days that do not count, for working days.
        prolonged: units that were added, at most the rule's ``prolong``.

    Returns:
        None where the rule has no number, or while an open pause stops the count.

    Raises:
        Invalid: ``rules.prolong``, ``rules.value``.
        StateError: ``days.*``.
    """
    value = rule.value
    number = value.get("by_category", {}).get(category, value["number"])
    if number is None:
        return None
    if not 0 <= prolonged <= value.get("prolong", 0):
        raise Invalid("rules.prolong", path=rule.name, expected=f"at most {value.get('prolong', 0)}")
    number += prolonged
    backwards = value.get("direction") == "before"
    if value["unit"] == "working_days":
        deadline = calendar.before(event, number) if backwards else calendar.after(event, number, pauses)
    elif value["unit"] == "calendar_days":
        deadline = Deadline(days_before(event, number) if backwards else days_after(event, number))
    elif value["unit"] == "months":
        deadline = Deadline(months_before(event, number) if backwards else months_after(event, number))
    else:
        raise Invalid("rules.value", path=rule.name, expected="a unit of days or months", found=str(value["unit"]))
    if deadline is None:
        return None
    if value.get("roll"):
        deadline = calendar.rolled(deadline.day)
    return Due(rule, deadline.day, deadline.provisional)


def due_moment(rule: Rule, calendar: WorkCalendar, event: int) -> int | None:
    """As :func:`due` for an event at a Unix time: the first Unix second after the last moment, hours to the second.

    Raises:
        Invalid: ``rules.value``.
        StateError: ``days.*``.
    """
    if rule.value["unit"] == "hours":
        return event + int(rule.value["number"]) * HOUR
    found = due(rule, calendar, day_of(event))
    return None if found is None else found.ends_at


def window(rule: Rule, event: date) -> Window:
    """The window in calendar days before an event.

    Raises:
        Invalid: ``rules.value``; the rule has no window.
    """
    value = rule.value
    if value["unit"] != "calendar_days" or value.get("direction") != "before" or "opens" not in value:
        raise Invalid("rules.value", path=rule.name, expected="a window of calendar days before an event")
    return Window(rule, days_before(event, value["opens"]), days_before(event, value["number"]))
