"""Contributions of a month: base, rates, rounding; computed again when a limit or a rate is published late.

Promises:

1. base = the wage, at least the floor and at most the cap of the month's first day, by region. Rates are by scheme,
   employer and employee apart; sums are whole fen.
2. A region without a row for the month gives no amount: "no rule known here". An example or a band of rates is shown,
   never applied; the employer's own rate outside its band is refused.
3. A maternity contribution that is part of the medical one is never counted twice.
4. What was published after a month fell due is a difference of its own, due when that of the month of publication is;
   nothing is overwritten. The differences add up to the amount by what is known now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from icard_crypto.errors import Invalid
from issuer.rules.book import RuleBook
from issuer.rules.regions import covers
from issuer.rules.rows import Rule

from .due_days import due_day
from .money import Share, parse_yuan
from .months import first_day, month_of
from .schemes import Scheme, scheme_names, schemes_of

__all__ = ["Amount", "Amounts", "Moment", "Owed", "Rates", "Terms", "own_rate"]

LIMITS: Final = "insurance_limits"
RATES: Final = "insurance_rates"
ROUNDING: Final = "insurance_rounding"
PAID_WITH: Final = "insurance_paid_with"
_NOTHING: Final = Share(0, 1, False)


@dataclass(frozen=True, slots=True)
class Amount:
    """One scheme's contribution in fen, and the rows that it was computed by."""

    scheme: Scheme
    employer: int
    employee: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Amounts:
    """A month's contributions.

    Args:
        base: in fen; None: no limits are known.
        known: the schemes' amounts.
        unknown: schemes for which no rate is known here.
        included: schemes whose contribution is part of another's.
    """

    base: int | None
    known: tuple[Amount, ...]
    unknown: Scheme
    included: Scheme


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed for a scheme and a month, or a difference to that.

    Args:
        employer, employee: in fen; a difference may be negative.
        due: the last day to pay without late fee.
        known_from: the day since when this can be known.
        late: published after the month fell due: a difference that no one could pay before.
    """

    scheme: Scheme
    month: int
    employer: int
    employee: int
    due: date
    known_from: date
    late: bool
    rules: tuple[Rule, ...]

    @property
    def total(self) -> int:
        """Both parts together, in fen."""
        return self.employer + self.employee


@dataclass(frozen=True, slots=True)
class _Rate:
    """A scheme's shares. ``employer`` is None where the employer's own rate is needed."""

    scheme: Scheme
    employer: Share | None
    employee: Share
    rounding: Rule
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Limits and rates of a region's month, by what was known on a day; in fen.

    Args:
        limits: None: no rule known here.
        included: schemes whose contribution is part of another's; ``hosts`` says about which, bit by bit.
    """

    floor: int
    cap: int
    limits: Rule | None
    rates: tuple[_Rate, ...]
    included: Scheme
    hosts: Mapping[int, int]

    def base(self, wage: int) -> int:
        """What a wage is charged on, both in fen; the wage itself where no limits are known."""
        return wage if self.limits is None else min(max(wage, self.floor), self.cap)

    def amounts(self, wage: int, schemes: Scheme, injury_rate: str | None = None) -> Amounts:
        """A month's contributions.

        Args:
            wage: in fen.
            injury_rate: the employer's own rate of work injury insurance.
        """
        # Plain integers: operators of flags cost ten times as much.
        included = int(self.included) & int(schemes)
        wanted = int(schemes) & ~included
        if self.limits is None:
            return Amounts(None, (), Scheme(wanted), Scheme(included))
        base = self.base(wage)
        known, unknown = [], wanted
        for rate in self.rates:
            bit = int(rate.scheme)
            if not bit & wanted:
                continue
            employer = rate.employer
            if employer is None:
                if injury_rate is None:
                    continue
                employer = Share.of(injury_rate, rate.rounding.value["to"], rate.rounding.value["mode"])
            known.append(Amount(rate.scheme, employer.take(base), rate.employee.take(base), rate.rules))
            unknown &= ~bit
        return Amounts(base, tuple(known), Scheme(unknown), Scheme(included))


@dataclass(frozen=True, slots=True)
class Moment:
    """What a month's contributions rest on since a day: when it fell due, or when something was published later."""

    known_from: date
    due: date
    late: bool
    terms: Terms
    due_rule: Rule


class Rates:
    """Limits and rates of a book; looks each region and month up once."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._terms: dict[tuple[str, int, date | None], Terms] = {}
        self._moments: dict[tuple[str, int, date], tuple[Moment, ...]] = {}
        self._rows: dict[str, list[Rule]] = {}

    def terms(self, region: str, month: int, known_on: date | None = None) -> Terms:
        """Limits and rates of a month by what was known on a day; None: by all rows."""
        key = region, month, known_on
        if key not in self._terms:
            self._terms[key] = self._read(region, month, known_on)
        return self._terms[key]

    def moments(self, region: str, month: int, known_on: date) -> tuple[Moment, ...]:
        """The days on which a month's contributions could be computed again, up to ``known_on``; the first is when it
        fell due."""
        key = region, month, known_on
        if key not in self._moments:
            due = due_day(self._book, region, month)
            first = min(due.day, known_on)
            later = [day for day in self._published(region, month) if due.day < day <= known_on]
            found = [Moment(first, due.day, False, self.terms(region, month, first), due.rule)]
            for day in later:
                then = due_day(self._book, region, month_of(day))
                found.append(Moment(day, then.day, True, self.terms(region, month, day), then.rule))
            self._moments[key] = tuple(found)
        return self._moments[key]

    def owed(
        self,
        region: str,
        month: int,
        wage: int,
        schemes: Scheme,
        injury_rate: str | None = None,
        *,
        known_on: date,
    ) -> list[Owed]:
        """What a month owes, by what was known when it fell due, and each difference that later rows made (promise 4).

        Args:
            wage: in fen.
        """
        found: list[Owed] = []
        before: dict[Scheme, tuple[int, int]] = {}
        for moment in self.moments(region, month, known_on):
            for amount in moment.terms.amounts(wage, schemes, injury_rate).known:
                employer, employee = before.get(amount.scheme, (0, 0))
                if (employer, employee) == (amount.employer, amount.employee):
                    continue
                before[amount.scheme] = (amount.employer, amount.employee)
                found.append(
                    Owed(
                        amount.scheme,
                        month,
                        amount.employer - employer,
                        amount.employee - employee,
                        moment.due,
                        moment.known_from,
                        moment.late,
                        (*amount.rules, moment.due_rule),
                    )
                )
        return found

    def _read(self, region: str, month: int, known_on: date | None) -> Terms:
        first = first_day(month)
        find = self._book.find
        merged = self._book.effective(PAID_WITH, region, first, known_on)
        hosts = {int(schemes_of([rule.id])): int(schemes_of([rule.value["scheme"]])) for rule in merged}
        included = schemes_of(rule.id for rule in merged)
        limits = find(LIMITS, "base", region, first, known_on)
        if limits is None:
            return Terms(0, 0, None, (), included, hosts)
        sides = {side: self._book.require(ROUNDING, side, region, first) for side in ("employer", "employee")}
        found = []
        for scheme in Scheme:
            rule = find(RATES, scheme_names(scheme)[0], region, first, known_on)
            if rule is not None and not scheme & included:
                found.append(_rate(scheme, rule, limits, sides["employer"], sides["employee"]))
        floor, cap = parse_yuan(limits.value["floor"]), parse_yuan(limits.value["cap"])
        return Terms(floor, cap, limits, tuple(found), included, hosts)

    def _published(self, region: str, month: int) -> list[date]:
        """The days on which something was published, or ended, that the amounts of a month may rest on."""
        if region not in self._rows:
            rows = (rule for kind in (LIMITS, RATES, PAID_WITH) for rule in self._book.all(kind))
            self._rows[region] = [rule for rule in rows if covers(rule.region, region)]
        first, days = first_day(month), set()
        for rule in self._rows[region]:
            if rule.valid_from <= first:
                days.add(rule.known_from)
                if rule.ended_on is not None:
                    days.add(rule.ended_on)
        return sorted(days)


def own_rate(book: RuleBook, region: str, on: date, text: str) -> str:
    """An employer's own rate of work injury insurance, checked against the region's band where one is known.

    Raises:
        Invalid: ``insurance.rate``.
    """
    plain = 3 <= len(text) <= 8 and text.startswith("0.") and text[2:].isdecimal() and text.isascii()
    rule = book.find(RATES, "work_injury", region, on)
    low, high = Decimal(0), Decimal("0.1")
    if rule is not None and "employer_from" in rule.value:
        low, high = Decimal(rule.value["employer_from"]), Decimal(rule.value["employer_to"])
    if not plain or not low <= Decimal(text) <= high:
        raise Invalid("insurance.rate", path="injury_rate", expected="a rate such as 0.004, within the region's band")
    return text


def _rate(scheme: Scheme, rule: Rule, limits: Rule, employer: Rule, employee: Rule) -> _Rate:
    def share(side: str, how: Rule) -> Share:
        return Share.of(rule.value[side], how.value["to"], how.value["mode"])

    own = "employer" not in rule.value
    return _Rate(
        scheme,
        None if own else share("employer", employer),
        share("employee", employee) if "employee" in rule.value else _NOTHING,
        employer,
        (limits, rule, employer, employee),
    )
