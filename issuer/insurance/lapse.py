"""Whether a person's insurance has lapsed: a pure function of what was enrolled, owed and paid.

Promises:

1. A month lets the insurance lapse that was enrolled and due, fell due by its own rule and is not paid after the day
   that the region's row names; icard's own default where none is known, and the answer carries that row.
2. No lapse: a scheme that is exempt, disputed or not eligible; a month that someone contests; a difference that a late
   published limit made; a shortfall up to the rule's threshold.
3. Where no amount is known, a month is paid as soon as anything was paid for it.
4. Paying restores: the answer depends on the books alone, not on what it was before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from issuer.rules.book import RuleBook
from issuer.rules.rows import Rule

from .due_days import lapse_day
from .money import parse_yuan
from .schemes import NONE, Scheme

__all__ = ["Lapse", "LapseMonth", "lapse_of"]


@dataclass(frozen=True, slots=True)
class LapseMonth:
    """A month of a scheme that was enrolled and due.

    Args:
        owed: in fen, without differences that were published late; None: no amount is known.
        paid: in fen, refunds taken off.
        payments: how many payments stand.
        contested: whether the month is under dispute.
    """

    month: int
    scheme: Scheme
    region: str
    owed: int | None
    paid: int
    payments: int
    contested: bool = False


@dataclass(frozen=True, slots=True)
class Lapse:
    """Whether the insurance has lapsed, since which day, for what.

    Args:
        since: the first day of the lapse.
        months: the months that caused it, with their schemes.
        schemes: all of these schemes.
        rules: the rows that set the days.
    """

    lapsed: bool
    since: date | None = None
    months: tuple[tuple[int, Scheme], ...] = ()
    schemes: Scheme = NONE
    rules: tuple[Rule, ...] = ()


def lapse_of(book: RuleBook, months: Iterable[LapseMonth], on: date) -> Lapse:
    """The state of the insurance on a day."""
    causes: list[tuple[date, int, Scheme, Rule]] = []
    for one in months:
        limit = lapse_day(book, one.region, one.month)
        if on > limit.day and not one.contested and not _is_paid(one, limit.rule):
            causes.append((limit.day, one.month, one.scheme, limit.rule))
    if not causes:
        return Lapse(False)
    schemes = NONE
    for _, _, scheme, _ in causes:
        schemes |= scheme
    first = min(day for day, *_ in causes)
    return Lapse(
        True,
        date.fromordinal(first.toordinal() + 1),
        tuple(sorted((month, scheme) for _, month, scheme, _ in causes)),
        schemes,
        tuple({rule.name: rule for *_, rule in causes}.values()),
    )


def _is_paid(one: LapseMonth, rule: Rule) -> bool:
    if one.owed is None:
        return one.payments > 0
    return one.owed - one.paid <= parse_yuan(rule.value["shortfall_ignored"])
