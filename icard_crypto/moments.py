"""Unix times as people and programs read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final, overload

__all__ = ["DAY", "HOUR", "ONE_DAY", "china_moment", "moment_text"]

HOUR: Final = 3600
"""Seconds."""
DAY: Final = 86_400
"""Seconds."""
ONE_DAY: Final = timedelta(days=1)
"""The step from one date to the next."""

_CHINA: Final = timezone(timedelta(hours=8))
"""Dates of a card are days of this fixed offset; China has had no other since 1991."""
_FIRST: Final = int(datetime(1, 1, 1, tzinfo=_CHINA).timestamp()) + DAY
_LAST: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=_CHINA).timestamp())


def china_moment(moment: int) -> datetime:
    """A Unix time in China. What a token says may lie beyond the calendar, or end it in UTC and not here: such a time
    is the calendar's last second, and no exception."""
    return datetime.fromtimestamp(min(max(moment, _FIRST), _LAST), _CHINA)


@overload
def moment_text(moment: int) -> str: ...
@overload
def moment_text(moment: None) -> None: ...


def moment_text(moment: int | None) -> str | None:
    """RFC 3339 in UTC, to the second; None for no time.

    Raises:
        ValueError, OverflowError, OSError: it lies beyond the calendar.
    """
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
