"""What became of a round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from icard_crypto.errors import IcardError
from verifier.store import Item, Report

__all__ = ["Round", "SourceFault"]


class SourceFault(NamedTuple):
    """An address, or the state's folder, and what is wrong with it."""

    source: str
    error: IcardError


@dataclass(slots=True)
class Round:
    """What became of one round of one domain; times are Unix times."""

    domain: str
    now: int
    reports: list[Report] = field(default_factory=list)
    faults: list[SourceFault] = field(default_factory=list)

    @property
    def taken(self) -> list[Item]:
        """What is new in the state."""
        return [item for report in self.reports for item in report.taken]
