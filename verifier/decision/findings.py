"""What the checks of one verification found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .reasons import Reason, catalogue

__all__ = ["CLOCK_TOLERANCE", "Findings"]

CLOCK_TOLERANCE: Final = 300
"""Seconds by which this clock may differ from an issuer's before it is called unreliable."""

_LASTING: Final = frozenset(code for code, entry in catalogue().items() if entry["lasting"])


class Findings:
    """Two lists in the order of the checks, and what stale knowledge said last.

    Attributes:
        invalid: what makes the verdict INVALID.
        doubts: what makes it INDETERMINATE.
        last_known: the first reason that stood on stale knowledge and so does not count.
    """

    __slots__ = ("doubts", "invalid", "last_known")

    def __init__(self, doubts: Iterable[Reason] = ()) -> None:
        self.invalid: list[Reason] = []
        self.doubts: list[Reason] = [*doubts]
        self.last_known: str | None = None

    def fall(self, reason: Reason, *, fresh: bool = True) -> None:
        """An INVALID reason; on stale knowledge it counts only when nothing newer can undo it.

        Whoever passes ``fresh=False`` has raised the doubt that says why the knowledge is stale.
        """
        if fresh or reason in _LASTING:
            self.invalid.append(reason)
        else:
            self.knew(reason)

    def doubt(self, reason: Reason) -> None:
        """An INDETERMINATE reason; once for each code."""
        if reason not in self.doubts or reason.variant is not None:
            self.doubts.append(reason)

    def knew(self, reason: str) -> None:
        """What stale knowledge said."""
        if self.last_known is None:
            self.last_known = str(reason)
