"""Unix times as people and programs read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

__all__ = ["moment_text"]


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
