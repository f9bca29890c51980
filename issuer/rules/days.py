"""Days and deadlines: calendar days, working days, months, in Beijing time.

Promises:

1. A day begins and ends at midnight in Asia/Shanghai, UTC+8 without summer time since 1992; a deadline ends at the end
   of its day.
2. The day of the event does not count: the first day is the one after (Civil Code 201). A period of months ends on the
   day of the same number, or on the month's last day (Civil Code 202).
3. Working days come from the ``calendar`` rows of a book, one a year, by the nearest region. Beyond the
   last year of the unbroken run, weekends and the holidays by law are off, and a deadline says *provisional*.
4. Days before the first year of the table are refused: nothing is known about them.
5. A day that anybody gives lies between 1900 and 2199: no sum of days, months or years leads out of the calendar.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import takewhile
from typing import Final

from icard_crypto.errors import Invalid, StateError
from icard_crypto.moments import DAY, ONE_DAY

from .book import RuleBook

__all__ = [
    "BEIJING",
    "FIRST_DAY",
    "LAST_DAY",
    "Deadline",
    "Pause",
    "WorkCalendar",
    "day_of",
    "days_after",
    "days_before",
    "end_of_day",
    "months_after",
    "months_before",
    "parse_day",
    "start_of_day",
]

BEIJING: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
#: The first and the last day that anybody may give (promise 5).
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
_MONTHS: Final = 12
_IN_EVERY_MONTH: Final = 28
#: Days that a search for working days covers at most: 30 years, far beyond any deadline.
_LONGEST: Final = 11_000


@dataclass(frozen=True, slots=True)
class Deadline:
    """A last day. ``provisional``: it runs beyond the days that are known for certain, and is computed again later."""

    day: date
    provisional: bool = False

    @property
    def ends_at(self) -> int:
        """The first Unix second after it: midnight at the end of the day in Beijing."""
        return end_of_day(self.day)


@dataclass(frozen=True, slots=True)
class Pause:
    """Days that do not count, both included; ``last`` None: it goes on."""

    first: date
    last: date | None = None


def day_of(moment: int) -> date:
    """The day in Beijing at a Unix time."""
    return datetime.fromtimestamp(moment, UTC).astimezone(BEIJING).date()


def parse_day(text: str) -> date:
    """The day that a text such as ``2026-03-01`` names.

    Raises:
        ValueError: it names none, or one that nobody may give (promise 5).
    """
    day = date.fromisoformat(text)
    # fromisoformat takes 20240101 and 2024-W01-1 as well.
    if day.isoformat() != text or not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError("no day as YYYY-MM-DD, 1900 to 2199")
    return day


def start_of_day(day: date) -> int:
    """The Unix time at which the day begins in Beijing."""
    return int(datetime(day.year, day.month, day.day, tzinfo=BEIJING).timestamp())


def end_of_day(day: date) -> int:
    """The Unix time at which the day has ended in Beijing: the first second of the next."""
    return start_of_day(day) + DAY


def days_after(day: date, number: int) -> date:
    """The last day of a period of calendar days that begins on the day after ``day``."""
    return day + number * ONE_DAY


def days_before(day: date, number: int) -> date:
    """The day that lies a number of calendar days before ``day``."""
    return day - number * ONE_DAY


def months_after(day: date, number: int) -> date:
    """The day of the same number some months on, or that month's last day."""
    year, month = divmod(day.year * _MONTHS + day.month - 1 + number, _MONTHS)
    if day.day <= _IN_EVERY_MONTH:
        return date(year, month + 1, day.day)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_before(day: date, number: int) -> date:
    """The day of the same number some months back, or that month's last day."""
    return months_after(day, -number)


class WorkCalendar:
    """Which days are worked in a region.

    Args:
        known_from, known_through: the first and the last day that is known for certain.
        off: weekdays that are not worked; ``worked``: days of weekends that are.
    """

    def __init__(self, known_from: date, known_through: date, off: Iterable[date], worked: Iterable[date]) -> None:
        self.known_from = known_from
        self.known_through = known_through
        self._off = frozenset(off)
        self._worked = frozenset(worked)

    @classmethod
    def of(cls, book: RuleBook, region: str, known_on: date | None = None) -> WorkCalendar:
        """The calendar of a region by the rows of a book.

        Args:
            known_on: only what had been published by then.

        Raises:
            Invalid: ``rules.none``; the book has no year at all.
        """
        years = sorted({int(rule.id) for rule in book.all("calendar")})
        rows = (
            {
                year: book.find("calendar", str(year), region, date(year, 1, 1), known_on)
                for year in range(years[0], years[-1] + 1)
            }
            if years
            else {}
        )
        known = list(takewhile(lambda year: rows[year] is not None, rows))
        if not known:
            raise Invalid("rules.none", path="calendar", expected=f"a year for {region}")
        complete = [rule.value for year in known if (rule := rows[year]) is not None]
        by_law = [
            rule.value
            for rule in book.all("statutory_holidays", known_on=known_on)
            if int(rule.id) > known[-1] and rule.region == "CN"
        ]
        return cls(
            date(known[0], 1, 1),
            date(known[-1], 12, 31),
            (date.fromisoformat(day) for value in (*complete, *by_law) for day in value["off"]),
            (date.fromisoformat(day) for value in complete for day in value["worked"]),
        )

    def is_worked(self, day: date) -> bool:
        """Whether the day is a working day.

        Raises:
            StateError: ``days.unknown``; it lies before the table.
        """
        if day < self.known_from:
            raise StateError("days.unknown", expected=f"{self.known_from.isoformat()} or later", found=day.isoformat())
        return day in self._worked or (day.weekday() < 5 and day not in self._off)

    def after(self, day: date, number: int, pauses: Sequence[Pause] = ()) -> Deadline | None:
        """The last of a number of working days that begin on the day after ``day``.

        Args:
            number: 0 or more; 0 gives ``day`` itself.
            pauses: days that do not count.

        Returns:
            None while a pause goes on that the count runs into.

        Raises:
            StateError: ``days.unknown``, ``days.range``.
        """
        return self._count(day, number, ONE_DAY, pauses)

    def before(self, day: date, number: int) -> Deadline:
        """The day from which a number of working days lie before ``day``, itself included and ``day`` not.

        Raises:
            StateError: ``days.unknown``, ``days.range``.
        """
        found = self._count(day, number, -ONE_DAY, ())
        assert found is not None  # noqa: S101  only an open pause gives none
        return Deadline(found.day, day - ONE_DAY > self.known_through)

    def rolled(self, day: date) -> Deadline:
        """The day itself where it is worked, else the next one that is (Civil Code 203).

        Raises:
            StateError: ``days.unknown``.
        """
        while not self.is_worked(day):
            day += ONE_DAY
        return Deadline(day, day > self.known_through)

    def between(self, first: date, last: date, pauses: Sequence[Pause] = ()) -> int:
        """How many working days come after ``first``, up to and with ``last``.

        Raises:
            StateError: ``days.unknown``, ``days.range``.
        """
        length = (last - first).days
        if length > _LONGEST:
            raise StateError("days.range", expected=f"at most {_LONGEST} days", found=str(length))
        days = (first + number * ONE_DAY for number in range(1, length + 1))
        return sum(self.is_worked(day) and not _paused(day, pauses) for day in days)

    def _count(self, day: date, number: int, step: timedelta, pauses: Sequence[Pause]) -> Deadline | None:
        if not 0 <= number <= _LONGEST // 2:
            raise StateError("days.range", expected=f"0 to {_LONGEST // 2} days", found=str(number))
        open_from = min((pause.first for pause in pauses if pause.last is None), default=None)
        left = number
        while left:
            day += step
            if open_from is not None and day >= open_from:
                return None
            left -= self.is_worked(day) and not _paused(day, pauses)
        return Deadline(day, day > self.known_through)


def _paused(day: date, pauses: Sequence[Pause]) -> bool:
    return any(pause.first <= day and (pause.last is None or day <= pause.last) for pause in pauses)
