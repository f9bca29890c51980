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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule

from .answers import NO_RULE
from .contributions import Owed, Rates
from .coverage import Duties, MonthDuty
from .employment_checks import paper_findings, registration_findings
from .findings import BREACHES, Finding, FindingKind, Fine, Line, Report
from .history import Employment, Person
from .ledger import Due, Entry, late_fee_of
from .money import Share
from .month_sums import ExpectedSum, JointSum, OwedMonth
from .months import first_day, last_day, month_of, month_text
from .schemes import NONE, Scheme, scheme_names, scheme_set

__all__ = ["Compliance", "compliance_of_day"]

#: Days and signed sums of payments and refunds, by employer and month, then by the scheme's bit.
_Moves = Mapping[int, list[tuple[date, int]]]
_Books = Mapping[tuple[str, int], _Moves]


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
        self._graces: dict[tuple[str, int], Rule | None] = {}
        self._fines: dict[tuple[str, int], tuple[Rule, Share, Share] | None] = {}
        self._expected: dict[tuple[Any, ...], OwedMonth] = {}

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
        findings.sort(key=_place)
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
        sums: list[tuple[MonthDuty, JointSum]] = []
        findings: list[Finding] = []
        duties: list[tuple[int, MonthDuty]] = []
        unknown: list[int] = []
        last = self._as_of if employment.ended is None else min(employment.ended, self._as_of)
        if person.died is not None:
            last = min(last, person.died)
        for month in range(month_of(employment.began), month_of(last) + 1):
            duty = self._duties.month(person, employment, month)
            line, found, disputed = self._month(person, employment, month, duty, books)
            lines.append(line)
            sums += [(duty, one) for one in found]
            findings += disputed
            duties.append((month, duty))
            if duty.reason == NO_RULE or any(one.owed is None for one in found):
                unknown.append(month)
        findings += self._breaches(employment, sums)
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
    ) -> tuple[Line, Sequence[JointSum], list[Finding]]:
        """The line of a month, what is not covered or paid of it, and what is disputed."""
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
        paid = sum(bit for bit, rows in moves.items() if sum([amount for _, amount in rows]) > 0)
        missing = NONE
        sums: Sequence[JointSum] = ()
        findings: list[Finding] = []
        if duty.due and self._rates.moments(region, month, self._known_on)[0].due < self._as_of:
            missing, sums = self._judged(person, employment, month, duty.due, enrolled, moves)
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
        return line, sums, findings

    def _judged(
        self,
        person: Person,
        employment: Employment,
        month: int,
        due: Scheme,
        enrolled: int,
        moves: _Moves,
    ) -> tuple[Scheme, Sequence[JointSum]]:
        """The schemes of a month that are not covered in full, and what is owed for them by what is wrong."""
        expected = self._expected_of(employment, month, due)
        # Where nothing moved, and no grace looks at the person, everybody's month is the same.
        alike = not moves and self._grace(employment.region, month) is None
        known = expected.unpaid.get(enrolled) if alike else None
        if known is not None:
            return known
        groups: dict[FindingKind, JointSum] = {}
        missing = 0
        for one in expected.schemes:
            rows = moves.get(one.bit, _NOTHING)
            paid = sum([amount for _, amount in rows])
            kind = _kind(one.total, paid, bool(rows), bool(enrolled & one.bit))
            fee = self._late_fee(person, employment, month, one, rows) if one.total is not None else None
            if kind is None and not fee:
                continue
            group = groups.get(kind or "paid_late")
            if group is None:
                group = groups[kind or "paid_late"] = JointSum(kind or "paid_late", month)
            group.add(one, None if one.total is None else max(one.total - paid, 0), fee)
            if kind is not None:
                missing |= one.whole
        found = scheme_set(missing), tuple(groups.values())
        if alike:
            expected.unpaid[enrolled] = found
        return found

    def _expected_of(self, employment: Employment, month: int, due: Scheme) -> OwedMonth:
        """What a month owes by the day, scheme by scheme; the same for everybody with this base there."""
        bits, wage = int(due), employment.wage
        moments = self._rates.moments(employment.region, month, self._known_on)
        bases = None if wage is None else tuple([moment.terms.base(wage) for moment in moments])
        key = employment.region, month, bits, bases, employment.injury_rate
        found = self._expected.get(key)
        if found is None:
            if len(self._expected) >= _REMEMBERED:
                self._expected.clear()
            found = self._expected[key] = OwedMonth(tuple(self._schemes_of(employment, month, bits)))
        return found

    def _schemes_of(self, employment: Employment, month: int, due: int) -> Iterator[ExpectedSum]:
        hosts = self._rates.moments(employment.region, month, self._known_on)[0].terms.hosts
        owed: defaultdict[int, list[Owed]] = defaultdict(list)
        if employment.wage is not None:
            for one in self._rates.owed(
                employment.region,
                month,
                employment.wage,
                scheme_set(due),
                employment.injury_rate,
                known_on=self._known_on,
            ):
                owed[int(one.scheme)].append(one)
        rule = self._fee_rule(month)
        # Plain integers: operators of flags cost ten times as much.
        for bit in _BITS:
            if not bit & due or hosts.get(bit, 0) & due:
                continue
            dues = tuple(one for one in owed[bit] if one.due < self._as_of)
            total = sum([one.total for one in dues]) if owed[bit] else None
            whole = bit | sum([one for one, of in hosts.items() if of == bit and one & due])
            fee = 0
            if rule is not None and total is not None and total > 0:
                unpaid = [Due(one.total, one.due) for one in dues]
                fee = late_fee_of(unpaid, (), self._as_of, rule.value["rate_per_day"])
            yield ExpectedSum(bit, whole, total, dues, {id(row): row for one in dues for row in one.rules}, fee)

    def _breaches(self, employment: Employment, sums: Sequence[tuple[MonthDuty, JointSum]]) -> Iterator[Finding]:
        """The findings of sums, marked where inspection no longer takes them up: two years after the end of an unbroken
        run of missing months."""
        limit = self._book.find("insurance_inspection", "limit", NATION, self._as_of, self._known_on)
        years = 0 if limit is None else int(limit.value["years"])
        months = sorted({one.month for _, one in sums if one.kind in BREACHES})
        inspected: dict[int, bool] = {}
        for place in range(len(months) - 1, -1, -1):
            month = months[place]
            if place + 1 < len(months) and months[place + 1] == month + 1:
                inspected[month] = inspected[month + 1]
            else:
                inspected[month] = self._as_of <= months_after(last_day(month), 12 * years)
        for duty, one in sums:
            ruled = one.ruled
            if ruled is None or ruled[0] is not duty:
                ruled = one.ruled = duty, self._rules_of(employment.region, duty, one, limit)
            yield self._finding(employment, one, ruled[1], inspected.get(one.month) if limit is not None else None)

    def _rules_of(self, region: str, duty: MonthDuty, group: JointSum, limit: Rule | None) -> tuple[Rule, ...]:
        # Rows of one book: the same row is the same object.
        rules = {id(rule): rule for rule in duty.rules}
        due_rule = self._rates.moments(region, group.month, self._known_on)[0].due_rule
        rules[id(due_rule)] = due_rule
        for more in group.parts:
            rules.update(more)
        for rule in (self._fee_rule(group.month) if group.fee else None, limit if group.kind in BREACHES else None):
            if rule is not None:
                rules[id(rule)] = rule
        return tuple(rules.values())

    def _finding(
        self, employment: Employment, group: JointSum, rules: tuple[Rule, ...], inspected: bool | None
    ) -> Finding:
        kind, month = group.kind, group.month
        owed = group.owed if kind in BREACHES else None
        return Finding(
            kind,
            employment.employer,
            employment.region,
            month,
            scheme_set(group.schemes),
            owed,
            group.fee,
            None if owed is None else self._fine(kind, owed, month),
            inspected if kind in BREACHES else None,
            rules,
            _NO_SUM if group.owed is None else _NO_FACTS,
        )

    def _late_fee(
        self,
        person: Person,
        employment: Employment,
        month: int,
        expected: ExpectedSum,
        rows: Sequence[tuple[date, int]],
    ) -> int:
        """The late fee up to the day, in fen."""
        dues = expected.dues
        if not dues:
            return 0
        if not rows and self._grace(employment.region, month) is None:
            return expected.unpaid_fee
        in_time = [amount for day, amount in rows if day <= dues[0].due]
        never_open = len(in_time) == len(rows) or all(amount >= 0 for _, amount in rows)
        if never_open and sum(in_time) >= sum([one.total for one in dues]):
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

    def _grace(self, region: str, month: int) -> Rule | None:
        key = region, month
        if key not in self._graces:
            self._graces[key] = self._book.find(
                "insurance_late_fee_grace", "start", region, last_day(month), self._known_on
            )
        return self._graces[key]

    def _fee_from(self, person: Person, employment: Employment, month: int, due: date) -> date:
        """From which day the late fee of a month is counted: its due day, but for the months of the grace of 2011."""
        rule = self._grace(employment.region, month)
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
            rule = self._book.find("insurance_fines", name, NATION, last_day(month), self._known_on)
            self._fines[name, month] = None if rule is None else (rule, *_times(rule))
        found = self._fines[name, month]
        return None if found is None else Fine(found[1].take(owed), found[2].take(owed), found[0])


@functools.lru_cache(maxsize=8)
def compliance_of_day(book: RuleBook, as_of: date, known_on: date | None = None) -> Compliance:
    """The reports by one book for one day, with what earlier calls looked up: for one person at a time."""
    return Compliance(book, as_of, known_on)


#: Sums that are remembered by region, month, schemes and wage; about 20 MB.
_REMEMBERED: Final = 1 << 14


def _times(rule: Rule) -> tuple[Share, Share]:
    low, high = (Share.of(rule.value[side], "0.01", "half_up") for side in ("times_from", "times_to"))
    return low, high


_BITS: Final = tuple(int(scheme) for scheme in Scheme)
_NOTHING: Final[list[tuple[date, int]]] = []
_NO_MOVES: Final[_Moves] = {}
_NO_FACTS: Final[Mapping[str, str]] = {}
_NO_SUM: Final[Mapping[str, str]] = {"no_sum": "1"}


def _place(one: Finding) -> tuple[str, int, str, str, str]:
    """Where a finding stands in a report: by employer and month, and then as its key is."""
    return one.employer, -1 if one.month is None else one.month, one.kind, one.region, one.facts.get("clock", "")


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
