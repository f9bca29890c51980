"""Whether a person's insurance has lapsed: a pure function of what was enrolled, owed and paid.

Promises:

1. A month lets the insurance lapse that was enrolled and due, fell due by its own rule and is not paid after the day
   that the region's row names; icard's own default where none is known, and the answer carries that row.
2. No lapse: a scheme that is exempt, disputed or not eligible; a month that someone contests; a difference that a late
   published limit made; a shortfall up to the rule's threshold; with two employers in a month, where the rule says so,
   a scheme that one of them paid in full.
3. Where no amount is known, a month is paid as soon as anything was paid for it.
4. Paying restores: the answer depends on the books alone, not on what it was before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from issuer.rules.book import RuleBook
from issuer.rules.rows import Rule

from .due_days import DayByRule, lapse_day
from .money import parse_yuan
from .schemes import NONE, Scheme, scheme_set

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
    limits: dict[tuple[str, int], DayByRule] = {}
    open_months: list[tuple[LapseMonth, DayByRule]] = []
    settled: set[tuple[int, Scheme]] = set()
    for one in months:
        place = one.region, one.month
        limit = limits.get(place) or limits.setdefault(place, lapse_day(book, *place))
        if _is_paid(one, limit.rule):
            settled.add((one.month, one.scheme))
        elif on > limit.day and not one.contested:
            open_months.append((one, limit))
    late: dict[tuple[str, int], DayByRule] = {}
    causes: set[tuple[int, Scheme]] = set()
    schemes = 0
    for one, limit in open_months:
        cause = one.month, one.scheme
        if cause not in settled or not limit.rule.value.get("another_employer_suffices"):
            late[one.region, one.month] = limit
            causes.add(cause)
            schemes |= int(one.scheme)
    if not causes:
        return Lapse(False)
    first = min(limit.day for limit in late.values())
    return Lapse(
        True,
        date.fromordinal(first.toordinal() + 1),
        tuple(sorted(causes)),
        scheme_set(schemes),
        tuple({limit.rule.name: limit.rule for limit in late.values()}.values()),
    )


def _is_paid(one: LapseMonth, rule: Rule) -> bool:
    if one.owed is None:
        return one.payments > 0
    return one.owed - one.paid <= parse_yuan(rule.value["shortfall_ignored"])
