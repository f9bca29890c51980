"""Months as whole numbers since January 1970, as the card's format counts them.

Promises:

1. Month arithmetic is that of integers; days, and texts such as ``2021-08``, are made only at the edges.
2. A period of n months from a day ends on the day before the same day n months later, at the latest at that month's
   end: six months from 31 August end on 27 (or 28) February.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Final

from icard_crypto.errors import Invalid
from icard_crypto.moments import ONE_DAY
from issuer.rules.days import months_after

__all__ = ["age_on", "first_day", "last_day", "month_of", "month_text", "parse_month", "period_end"]

_TEXT: Final = re.compile(r"(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])")


def month_of(day: date) -> int:
    """The month of a day."""
    return (day.year - 1970) * 12 + day.month - 1


@lru_cache(4096)
def first_day(month: int) -> date:
    """A month's first day."""
    return date(1970 + month // 12, month % 12 + 1, 1)


@lru_cache(4096)
def last_day(month: int) -> date:
    """A month's last day."""
    year, place = 1970 + month // 12, month % 12 + 1
    return date(year, place, monthrange(year, place)[1])


def month_text(month: int) -> str:
    """A month as ``2021-08``."""
    return f"{1970 + month // 12:04d}-{month % 12 + 1:02d}"


@lru_cache(4096)
def parse_month(text: str, path: str = "month") -> int:
    """The month that a text such as ``2021-08`` names; 1970-01 to 2199-12.

    Raises:
        Invalid: ``insurance.month``.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise Invalid("insurance.month", path=path, expected="YYYY-MM")
    return (int(match[1]) - 1970) * 12 + int(match[2]) - 1


def period_end(first: date, months: int) -> date:
    """The last day of a period of so many months that begins on ``first``."""
    return months_after(first, months) - ONE_DAY


def age_on(born: date, day: date) -> int:
    """Whole years of age on a day; who is born on 29 February comes of age on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
