"""Compliance of one person's employments: month by month and scheme by scheme, who had to be covered and was not.

Promises:

1. A line for every month of every employment up to the day of the report: what was due, disputed, exempt, not eligible,
   enrolled and paid, and the rows that said so there and then.
2. A report for a day uses what was known on ``known_on`` (by default that day itself), of rules and of records: made
   again later it is the same, unless ``known_on`` is later.
3. A month is judged once its due day has passed. Sums owed and late fees are computed where limits and rates are known;
   elsewhere the sum is open and the finding says that no rule is known here. Bands of fines are information.
4. A finding never says more than the rules do: a disputed month is no breach, an agreement not to pay is flagged from
   the day on which it is void, a month that inspection no longer takes up is marked and still shown.
5. The two clocks stay apart: registration runs from the permit and from the start of work, contributions from the month
   in which work begins.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final

from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule

from .answers import NO_RULE
from .contributions import Owed, Rates
from .coverage import Duties, MonthDuty
from .employment_checks import paper_findings, registration_findings
from .findings import Finding, FindingKind, Fine, Line, Report
from .history import Employment, Person
from .ledger import Due, Entry, late_fee_of
from .money import round_fen
from .months import first_day, last_day, month_of, month_text
from .schemes import NONE, Scheme, scheme_names, scheme_set

__all__ = ["Compliance", "compliance_of_day"]

#: Days and signed sums of payments and refunds, by employer and month, then by the scheme's bit.
_Moves = Mapping[int, list[tuple[date, int]]]
_Books = Mapping[tuple[str, int], _Moves]
_BREACHES: Final = frozenset({"uncovered", "unpaid", "underpaid"})


class Compliance:
    """Reports by one book for one day; keeps what it looked up, so use one for many people.

    Args:
        as_of: the day whose state is reported.
        known_on: what was known then counts; None: as of the same day.
    """

    def __init__(self, book: RuleBook, as_of: date, known_on: date | None = None) -> None:
        self._book = book
        self._as_of = as_of
        self._known_on = known_on or as_of
        self._duties = Duties(book, self._known_on)
        self._rates = Rates(book)
        self._fees: dict[int, Rule | None] = {}
        self._graces: dict[int, Rule | None] = {}
        self._fines: dict[tuple[str, int], Rule | None] = {}

    def report(self, person: Person) -> Report:
        """What is found about a person."""
        person = person.as_known(self._known_on)
        books = self._books(person.entries)
        lines: list[Line] = []
        findings: list[Finding] = []
        for employment in person.employments:
            if employment.began <= self._as_of:
                more, found = self._employment(person, employment, books)
                lines += more
                findings += found
        findings.sort(key=lambda one: (one.employer, -1 if one.month is None else one.month, one.kind, one.key))
        return Report(self._as_of, self._known_on, tuple(lines), tuple(findings))

    def _books(self, entries: Iterable[Entry]) -> _Books:
        """Payments and refunds up to the day."""
        found: defaultdict[tuple[str, int], dict[int, list[tuple[date, int]]]] = defaultdict(dict)
        for entry in entries:
            if entry.kind != "reported" and entry.day <= self._as_of:
                signed = entry.total if entry.kind == "paid" else -entry.total
                rows = found[entry.employer, entry.month].setdefault(int(entry.scheme), [])
                rows.append((entry.day, signed))
        return found

    def _employment(self, person: Person, employment: Employment, books: _Books) -> tuple[list[Line], list[Finding]]:
        lines: list[Line] = []
        findings: list[Finding] = []
        duties: list[tuple[int, MonthDuty]] = []
        unknown: list[int] = []
        last = self._as_of if employment.ended is None else min(employment.ended, self._as_of)
        if person.died is not None:
            last = min(last, person.died)
        for month in range(month_of(employment.began), month_of(last) + 1):
            duty = self._duties.month(person, employment, month)
            line, found = self._month(person, employment, month, duty, books)
            lines.append(line)
            findings += found
            duties.append((month, duty))
            if duty.reason == NO_RULE or any("no_sum" in finding.facts for finding in found):
                unknown.append(month)
        findings = self._inspected(findings)
        findings += registration_findings(self._book, person, employment, duties, self._as_of, self._known_on)
        findings += paper_findings(person, employment, duties)
        if unknown:
            findings.append(
                Finding(
                    "no_rule_known",
                    employment.employer,
                    employment.region,
                    facts={
                        "from": month_text(unknown[0]),
                        "until": month_text(unknown[-1]),
                        "count": str(len(unknown)),
                    },
                )
            )
        return lines, findings

    def _month(
        self, person: Person, employment: Employment, month: int, duty: MonthDuty, books: _Books
    ) -> tuple[Line, list[Finding]]:
        employer, region = employment.employer, employment.region
        enrolled = 0
        for enrolment in person.enrolments:
            if (
                enrolment.employer == employer
                and enrolment.registered <= self._as_of
                and enrolment.first_month <= month
                and (enrolment.last_month is None or month <= enrolment.last_month)
            ):
                enrolled |= int(enrolment.schemes)
        moves = books.get((employer, month), _NO_MOVES)
        paid = sum(bit for bit, rows in moves.items() if sum(amount for _, amount in rows) > 0)
        missing = NONE
        findings: list[Finding] = []
        moments = self._rates.moments(region, month, self._known_on)
        if duty.due and moments[0].due < self._as_of:
            missing, findings = self._judged(person, employment, month, duty, enrolled, moves)
        open_dispute = int(duty.disputed) & ~paid
        if open_dispute:
            facts = {"schemes_due": ", ".join(scheme_names(duty.due))}
            findings.append(
                Finding("disputed", employer, region, month, scheme_set(open_dispute), rules=duty.rules, facts=facts)
            )
        line = Line(
            employer,
            region,
            month,
            duty.due,
            duty.disputed,
            duty.exempt,
            duty.not_eligible,
            scheme_set(enrolled),
            scheme_set(paid),
            missing,
            duty.reason,
            duty.rules,
        )
        return line, findings

    def _judged(
        self,
        person: Person,
        employment: Employment,
        month: int,
        duty: MonthDuty,
        enrolled: int,
        moves: _Moves,
    ) -> tuple[Scheme, list[Finding]]:
        """The schemes of a month that are not covered in full, and what was found."""
        moment = self._rates.moments(employment.region, month, self._known_on)[0]
        hosts = moment.terms.hosts
        owed = self._owed(employment, month, duty.due)
        groups: dict[FindingKind, _Sum] = {}
        missing = 0
        # Plain integers: operators of flags cost ten times as much, and this runs for every scheme of every month.
        due = int(duty.due)
        for bit in _BITS:
            host = hosts.get(bit, 0)
            if not bit & due or host & due:
                continue
            rows = moves.get(bit, _NOTHING)
            pieces = owed.get(bit, ())
            dues = [one for one in pieces if one.due < self._as_of]
            expected = sum(one.total for one in dues) if pieces else None
            paid_sum = sum(amount for _, amount in rows)
            kind = _kind(expected, paid_sum, bool(rows), bool(enrolled & bit))
            fee = self._late_fee(person, employment, month, dues, rows) if expected is not None else None
            if kind is None and not fee:
                continue
            whole = bit | sum(one for one, of in hosts.items() if of == bit and one & due)
            group = groups.setdefault(kind or "paid_late", _Sum())
            group.add(whole, None if expected is None else max(expected - paid_sum, 0), fee, dues)
            if kind is not None:
                missing |= whole
        return scheme_set(missing), [
            self._finding(kind, employment, month, duty, group) for kind, group in groups.items()
        ]

    def _owed(self, employment: Employment, month: int, due: Scheme) -> dict[int, list[Owed]]:
        found: dict[int, list[Owed]] = {}
        if employment.wage is not None:
            for one in self._rates.owed(
                employment.region,
                month,
                employment.wage,
                due,
                employment.injury_rate,
                known_on=self._known_on,
            ):
                found.setdefault(int(one.scheme), []).append(one)
        return found

    def _finding(self, kind: FindingKind, employment: Employment, month: int, duty: MonthDuty, group: _Sum) -> Finding:
        owed = group.owed if kind in _BREACHES else None
        due_rule = self._rates.moments(employment.region, month, self._known_on)[0].due_rule
        fee_rule = self._fee_rule(month) if group.fee else None
        rules = (*duty.rules, due_rule, *group.rules, *([fee_rule] if fee_rule else []))
        by_name = {rule.name: rule for rule in rules}
        return Finding(
            kind,
            employment.employer,
            employment.region,
            month,
            scheme_set(group.schemes),
            owed,
            group.fee,
            None if owed is None else self._fine(kind, owed, month),
            None,
            tuple(by_name.values()),
            {"no_sum": "1"} if group.owed is None else {},
        )

    def _late_fee(
        self,
        person: Person,
        employment: Employment,
        month: int,
        dues: Sequence[Owed],
        rows: Sequence[tuple[date, int]],
    ) -> int:
        """The late fee up to the day, in fen."""
        in_time = [amount for day, amount in rows if day <= dues[0].due] if dues else []
        never_open = len(in_time) == len(rows) or all(amount >= 0 for _, amount in rows)
        if not dues or (never_open and sum(in_time) >= sum(one.total for one in dues)):
            return 0
        rule = self._fee_rule(month)
        if rule is None:
            return 0
        sums = [Due(one.total, self._fee_from(person, employment, month, one.due)) for one in dues]
        return late_fee_of(sums, rows, self._as_of, rule.value["rate_per_day"])

    def _fee_rule(self, month: int) -> Rule | None:
        if month not in self._fees:
            self._fees[month] = self._book.find("insurance_late_fees", "fee", NATION, last_day(month), self._known_on)
        return self._fees[month]

    def _fee_from(self, person: Person, employment: Employment, month: int, due: date) -> date:
        """From which day the late fee of a month is counted: its due day, but for the months of the grace of 2011."""
        if month not in self._graces:
            self._graces[month] = self._book.find(
                "insurance_late_fee_grace", "start", employment.region, last_day(month), self._known_on
            )
        rule = self._graces[month]
        if rule is None:
            return due
        until, start = (date.fromisoformat(rule.value[name]) for name in ("registered_until", "counted_from"))
        filed = [one.registered for one in person.enrolments if one.employer == employment.employer]
        if filed and min(filed) <= until:
            return max(due, until)
        return min(due, start) if first_day(month) <= start else due

    def _fine(self, kind: FindingKind, owed: int, month: int) -> Fine | None:
        name = "not_registered" if kind == "uncovered" else "not_paid"
        if (name, month) not in self._fines:
            self._fines[name, month] = self._book.find("insurance_fines", name, NATION, last_day(month), self._known_on)
        rule = self._fines[name, month]
        if rule is None:
            return None
        low, high = (round_fen(owed * Decimal(rule.value[side])) for side in ("times_from", "times_to"))
        return Fine(low, high, rule)

    def _inspected(self, findings: list[Finding]) -> list[Finding]:
        """Mark what inspection no longer takes up: two years after the end of an unbroken run of missing months."""
        rule = self._book.find("insurance_inspection", "limit", NATION, self._as_of, self._known_on)
        months = sorted({one.month for one in findings if one.kind in _BREACHES and one.month is not None})
        if rule is None or not months:
            return findings
        ends: dict[int, int] = {}
        end = months[-1]
        for place in range(len(months) - 1, -1, -1):
            if place + 1 < len(months) and months[place + 1] != months[place] + 1:
                end = months[place]
            ends[months[place]] = end
        years = int(rule.value["years"])
        inspected = {end: self._as_of <= months_after(last_day(end), 12 * years) for end in set(ends.values())}

        def mark(one: Finding) -> Finding:
            if one.kind not in _BREACHES or one.month is None:
                return one
            return replace(one, inspected=inspected[ends[one.month]], rules=(*one.rules, rule))

        return [mark(one) for one in findings]


@functools.lru_cache(maxsize=8)
def compliance_of_day(book: RuleBook, as_of: date, known_on: date | None = None) -> Compliance:
    """The reports by one book for one day, with what earlier calls looked up: for one person at a time."""
    return Compliance(book, as_of, known_on)


@dataclass(slots=True)
class _Sum:
    """What several schemes of a month owe together. ``owed`` is None as soon as one of the sums is not known."""

    schemes: int = 0
    owed: int | None = 0
    fee: int | None = 0
    rules: list[Rule] = field(default_factory=list)

    def add(self, schemes: int, owed: int | None, fee: int | None, dues: Sequence[Owed]) -> None:
        self.schemes |= schemes
        self.owed = None if owed is None or self.owed is None else self.owed + owed
        self.fee = None if fee is None or self.fee is None else self.fee + fee
        self.rules += [rule for one in dues for rule in one.rules]


_BITS: Final = tuple(int(scheme) for scheme in Scheme)
_NOTHING: Final[list[tuple[date, int]]] = []
_NO_MOVES: Final[_Moves] = {}


def _kind(expected: int | None, paid_sum: int, any_rows: bool, enrolled: bool) -> FindingKind | None:
    """What is wrong with a scheme's month; None: nothing."""
    if expected is None:
        if any_rows and paid_sum > 0:
            return None
    elif paid_sum >= expected:
        return None
    elif paid_sum > 0:
        return "underpaid"
    return "unpaid" if enrolled else "uncovered"


def _span(months: Sequence[int]) -> dict[str, str]:
    return {"from": month_text(months[0]), "until": month_text(months[-1]), "count": str(len(months))}
