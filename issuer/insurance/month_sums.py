"""What the schemes of a month owe by the day of a report, one by one and together.

Promises:

1. A sum that is not known stays unknown in whatever it is part of.
2. The rows that a sum rests on are kept with it, each once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from issuer.rules.rows import Rule

from .contributions import Owed
from .coverage import MonthDuty
from .findings import FindingKind
from .schemes import Scheme

__all__ = ["ExpectedSum", "JointSum", "OwedMonth"]


@dataclass(frozen=True, slots=True)
class ExpectedSum:
    """What a scheme of a month owes by the day.

    Args:
        whole: the scheme with those whose contribution is part of its own; bits.
        total: in fen; None: no sum is known.
        dues: what makes up the total; ``rules``: its rows, each once, by identity.
        unpaid_fee: the late fee where nothing was paid and no grace holds, in fen.
    """

    bit: int
    whole: int
    total: int | None
    dues: tuple[Owed, ...]
    rules: Mapping[int, Rule]
    unpaid_fee: int


@dataclass(frozen=True, slots=True)
class OwedMonth:
    """What a month owes by the day. ``unpaid``: what is owed where nothing was paid, by the schemes' bits enrolled."""

    schemes: tuple[ExpectedSum, ...]
    unpaid: dict[int, tuple[Scheme, Sequence[JointSum]]] = field(default_factory=dict)


@dataclass(slots=True)
class JointSum:
    """What several schemes of a month owe together.

    Args:
        owed: None as soon as one of the sums is not known.
        parts: the rows of the schemes, by identity.
        ruled: the duty that it was last asked for, with all rows of a finding under that. One value: threads share it.
    """

    kind: FindingKind
    month: int
    schemes: int = 0
    owed: int | None = 0
    fee: int | None = 0
    parts: list[Mapping[int, Rule]] = field(default_factory=list)
    ruled: tuple[MonthDuty, tuple[Rule, ...]] | None = None

    def add(self, expected: ExpectedSum, owed: int | None, fee: int | None) -> None:
        """Add what a scheme owes, and its late fee, in fen."""
        self.schemes |= expected.whole
        self.owed = None if owed is None or self.owed is None else self.owed + owed
        self.fee = None if fee is None or self.fee is None else self.fee + fee
        self.parts.append(expected.rules)
