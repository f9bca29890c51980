"""Money: whole fen, hundredths of a yuan.

Promises:

1. Sums are exact and the same in whatever order they are added: they are integers.
2. A text is an amount only with at most two decimals, not negative, and below ten million yuan: a slip is refused, not
   rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from icard_crypto.errors import Invalid

__all__ = ["MOST", "Share", "in_yuan", "known_yuan", "parse_yuan", "round_fen"]

#: Beyond any contribution, wage or fee of one person in one month.
MOST: Final = 1_000_000_000
_TEXT: Final = re.compile(r"(0|[1-9][0-9]{0,7})(?:\.([0-9]{1,2}))?")


@lru_cache(4096)
def parse_yuan(text: str, path: str = "amount") -> int:
    """Fen of a text such as ``4962.24``.

    Raises:
        Invalid: ``insurance.amount``.
    """
    match = _TEXT.fullmatch(text)
    fen = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if not 0 <= fen < MOST:
        raise Invalid("insurance.amount", path=path, expected="yuan with at most two decimals, below 10000000")
    return fen


def in_yuan(fen: int) -> str:
    """Fen as ``4962.24``; a difference may be negative."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def known_yuan(fen: int | None) -> str | None:
    """As :func:`in_yuan`, of a sum that may not be known."""
    return None if fen is None else in_yuan(fen)


@dataclass(frozen=True, slots=True)
class Share:
    """A rate and its rounding, as whole numbers.

    Args:
        millionths: of the base.
        step: in fen, to which the share is rounded.
        up: always up; otherwise half up.
    """

    millionths: int
    step: int
    up: bool

    @classmethod
    @lru_cache(1024)
    def of(cls, rate: str, to: str, mode: str) -> Share:
        """From the texts of rule rows: ``0.0016``, rounded to ``0.01`` or ``0.1`` yuan, ``up`` or ``half_up``.

        Raises:
            ValueError: a row that says something else; a fault of the row.
        """
        millionths, step = Decimal(rate) * 1_000_000, Decimal(to) * 100
        if millionths != int(millionths) or step != int(step) or mode not in ("up", "half_up"):
            raise ValueError(f"a rate, a step or a rounding that is not possible: {rate}, {to}, {mode}")
        return cls(int(millionths), int(step), mode == "up")

    def take(self, base: int) -> int:
        """The share of a base, both in fen."""
        unit = 1_000_000 * self.step
        part = base * self.millionths
        return (-(-part // unit) if self.up else (2 * part + unit) // (2 * unit)) * self.step


def round_fen(fen: Decimal) -> int:
    """Whole fen, half up."""
    return int(fen.quantize(Decimal(1), rounding=ROUND_HALF_UP))
