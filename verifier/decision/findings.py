"""What the checks of one verification found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .reasons import Reason, catalogue

__all__ = ["CLOCK_TOLERANCE", "Findings"]

CLOCK_TOLERANCE: Final = 300
"""Seconds by which this clock may differ from an issuer's before it is called unreliable."""

_LASTING: Final = frozenset(code for code, entry in catalogue().items() if entry["lasting"])


class Findings:
    """Two lists in the order of the checks, and what stale data last said.

    Attributes:
        invalid: what makes the verdict INVALID.
        doubts: what makes it INDETERMINATE.
        last_known: the first reason that rested on stale data and so does not count.
    """

    __slots__ = ("doubts", "invalid", "last_known")

    def __init__(self, doubts: Iterable[Reason] = ()) -> None:
        self.invalid: list[Reason] = []
        self.doubts: list[Reason] = [*doubts]
        self.last_known: str | None = None

    def reject(self, reason: Reason, *, fresh: bool = True) -> None:
        """Add a reason for INVALID; from stale data it counts only when newer data could not undo it.

        A caller that passes ``fresh=False`` has already added the doubt that says why the data are stale.
        """
        if fresh or reason in _LASTING:
            self.invalid.append(reason)
        else:
            self.remember(reason)

    def undecided(self, reason: Reason) -> None:
        """Add a reason for INDETERMINATE; once for each code."""
        if reason not in self.doubts or reason.variant is not None:
            self.doubts.append(reason)

    def are_only(self, doubts: Sequence[Reason]) -> bool:
        """Whether nothing was found beyond the doubts that this began with."""
        return not self.invalid and self.last_known is None and len(self.doubts) == len(doubts)

    def remember(self, reason: str) -> None:
        """Remember what stale data said; the first call counts."""
        if self.last_known is None:
            self.last_known = str(reason)
