"""The books of a person's contributions: what is owed, paid and refunded, row by row.

Promises:

1. Rows are only added. A correction is a row that takes back another and says which; a row that was taken back, or that
   takes back another, cannot be corrected again.
2. Sums do not depend on the order of the rows.
3. A late fee is counted for each day on which a sum that fell due before is still open; the day of payment counts,
   the last day in time does not. The employee owes no late fee: the whole is the employer's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

from icard_crypto.errors import Conflict, NotFound

from .money import round_fen
from .schemes import Scheme

__all__ = [
    "Balance",
    "Due",
    "Entry",
    "EntryKind",
    "balances",
    "check_correction",
    "late_fee",
    "late_fee_of",
]

EntryKind = Literal["reported", "paid", "refunded"]

#: The reported wage is no sum of money that moves: it is there for reconciliation.
_MOVES: Final[dict[str, int]] = {"reported": 0, "paid": 1, "refunded": -1}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the books.

    Args:
        id: the row's own.
        kind: ``reported`` what the employer said it owes, ``paid``, or ``refunded``.
        employer: who reported or paid.
        employer_part, employee_part: in fen; negative where the row takes back another.
        day: when it was reported, paid or refunded.
        takes_back: the row that this one corrects.
    """

    id: str
    kind: EntryKind
    employer: str
    month: int
    scheme: Scheme
    employer_part: int
    employee_part: int
    day: date
    recorded_on: date
    takes_back: str | None = None

    @property
    def total(self) -> int:
        """Both parts together, in fen."""
        return self.employer_part + self.employee_part


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of an employer, a month and a scheme, in fen. ``payments``: how many rows of payment count."""

    reported: int
    paid_employer: int
    paid_employee: int
    payments: int

    @property
    def paid(self) -> int:
        """Paid and not refunded, both parts."""
        return self.paid_employer + self.paid_employee


@dataclass(frozen=True, slots=True)
class Due:
    """A sum in fen that fell due: ``due`` is the last day in time."""

    amount: int
    due: date


def balances(entries: Iterable[Entry]) -> dict[tuple[str, int, Scheme], Balance]:
    """The balances by employer, month and scheme (promise 2)."""
    sums: defaultdict[tuple[str, int, Scheme], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for entry in entries:
        row = sums[entry.employer, entry.month, entry.scheme]
        sign = _MOVES[entry.kind]
        if sign == 0:
            row[0] += entry.total
        row[1] += sign * entry.employer_part
        row[2] += sign * entry.employee_part
        if entry.kind == "paid":
            row[3] += 1 if entry.takes_back is None else -1
    return {key: Balance(*row) for key, row in sums.items()}


def check_correction(entries: Sequence[Entry], wrong: str) -> Entry:
    """The row that a correction may take back.

    Raises:
        NotFound: ``insurance.no_entry``.
        Conflict: ``insurance.corrected``.
    """
    found = next((entry for entry in entries if entry.id == wrong), None)
    if found is None:
        raise NotFound("insurance.no_entry", path="takes_back")
    if found.takes_back is not None or any(entry.takes_back == wrong for entry in entries):
        raise Conflict("insurance.corrected", path="takes_back", expected="a row that stands")
    return found


def late_fee(amount: int, due: date, paid: date, rate: str) -> int:
    """The late fee in fen on a sum that fell due on one day and was paid on another.

    8,000.00 due on 2022-01-17 and paid on 2022-04-27 at 0.0005 a day: 100 days, 400.00.
    """
    days = (paid - due).days
    return round_fen(amount * Decimal(rate) * days) if days > 0 and amount > 0 else 0


def late_fee_of(dues: Sequence[Due], payments: Sequence[tuple[date, int]], until: date, rate: str) -> int:
    """The late fee in fen of sums that fell due and what was paid of them, up to a day (promise 3).

    Args:
        payments: days and sums, refunds negative; those after ``until`` do not count.
    """
    if not payments and len(dues) == 1:
        return late_fee(dues[0].amount, dues[0].due, until, rate)
    changes: defaultdict[date, int] = defaultdict(int)
    for one in dues:
        changes[one.due] += one.amount
    for day, amount in payments:
        changes[day] -= amount
    days = [*sorted(day for day in changes if day < until), until]
    open_sum, fen_days = 0, 0
    for day, next_day in pairwise(days):
        open_sum += changes[day]
        fen_days += max(open_sum, 0) * (next_day - day).days
    return round_fen(fen_days * Decimal(rate))
