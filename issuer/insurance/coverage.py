"""Mandatory coverage of one month of one employment, scheme by scheme, with the rule that applied there and then.

Promises:

1. A month is judged on its last day that was worked with a basis (work permit, press card, permanent residence), by the
   rule in force there on that day and, with ``known_on``, known by then.
2. The schemes of a month are parted without overlap: due, disputed, exempt, not eligible. What no rule speaks of is in
   none of them, and the reason is "no rule known here".
3. Where local and national law differed, an agreement makes its schemes due; the others stay disputed, which is
   neither a breach nor its absence.
4. Exempt is what a certificate covers on the month's first day. Not eligible is who was past the age at which the
   region takes registrations before being registered anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.rows import Rule

from .answers import NO_RULE
from .history import Agreement, Basis, Employment, Person
from .months import first_day, last_day
from .schemes import NONE, Scheme, schemes_of
from .treaties import exempt_on

__all__ = ["Duties", "MonthDuty", "judged_day"]


@dataclass(frozen=True, slots=True)
class MonthDuty:
    """What a month of an employment had to be covered by.

    Args:
        reason: of ``answers.json``: ``due``, ``disputed``, ``by_agreement``, ``not_eligible``, ``no_basis``,
            ``no_rule``.
        judged_on: the day that decided; None: no day of the month was worked with a basis.
        rules: the row of the duty first, then those of exemption and age.
        void_agreement: the row by which an agreement not to pay has no effect.
    """

    due: Scheme
    disputed: Scheme
    exempt: Scheme
    not_eligible: Scheme
    reason: str
    judged_on: date | None
    rules: tuple[Rule, ...] = ()
    void_agreement: Rule | None = None


@dataclass(frozen=True, slots=True)
class _Duty:
    """A row of the duty, read once."""

    rule: Rule
    state: str
    schemes: Scheme
    by_agreement: Scheme
    bases: frozenset[str]


class Duties:
    """The duty by what was known on a day; looks each region and day up once.

    Args:
        known_on: None: by all rows.
    """

    def __init__(self, book: RuleBook, known_on: date | None = None) -> None:
        self._book = book
        self._known_on = known_on
        self._duties: dict[tuple[str, date], _Duty | None] = {}
        self._ages: dict[tuple[str, date], Rule | None] = {}
        self._void: dict[date, Rule | None] = {}
        self._plain: dict[tuple[str, date], MonthDuty] = {}

    def month(self, person: Person, employment: Employment, month: int) -> MonthDuty:
        """What a month of an employment had to be covered by."""
        day, basis = judged_day(person, employment, month)
        if day is None or basis is None:
            return MonthDuty(NONE, NONE, NONE, NONE, "no_basis", None)
        duty = self._duty(employment.region, day)
        if duty is None or basis.kind not in duty.bases:
            reason, because = (NO_RULE, ()) if duty is None else ("no_basis", (duty.rule,))
            return MonthDuty(NONE, NONE, NONE, NONE, reason, day, because)
        age = self._too_old(person, employment.region, day)
        if age is None and not person.agreements and not person.evidence:
            # Nothing of the person matters: everybody's month is the same.
            key = employment.region, day
            if key not in self._plain:
                self._plain[key] = MonthDuty(*_parted(duty, NONE), NONE, NONE, duty.state, day, (duty.rule,))
            return self._plain[key]
        agreed = _agreed(person.agreements, employment.employer, day) if person.agreements else NONE
        due, disputed = _parted(duty, agreed)
        rules = [duty.rule]
        void = self._void_agreement(person, employment.employer, day) if person.agreements else None
        exempt = not_eligible = NONE
        if person.evidence:
            found = exempt_on(self._book, person.certificates, first_day(month), self._known_on)
            exempt = found.schemes & (due | disputed)
            if exempt and found.rule is not None:
                rules.append(found.rule)
        if age is not None:
            not_eligible = (due | disputed) & ~exempt
            rules.append(age)
        due, disputed = due & ~exempt & ~not_eligible, disputed & ~exempt & ~not_eligible
        reason = "not_eligible" if not_eligible else duty.state
        return MonthDuty(due, disputed, exempt, not_eligible, reason, day, tuple(rules), void)

    def _duty(self, region: str, day: date) -> _Duty | None:
        key = region, day
        if key not in self._duties:
            rule = self._book.find("insurance_duty", "duty", region, day, self._known_on)
            self._duties[key] = None if rule is None else _read(rule)
        return self._duties[key]

    def _too_old(self, person: Person, region: str, day: date) -> Rule | None:
        """The row by which a person is past the age of registration there, and was not registered before it."""
        if person.born is None or person.sex is None:
            return None
        key = region, day
        if key not in self._ages:
            self._ages[key] = self._book.find("insurance_registration_age", "age", region, day, self._known_on)
        rule = self._ages[key]
        if rule is None:
            return None
        birthday = months_after(person.born, 12 * int(rule.value[person.sex]))
        if day < birthday or any(enrolment.registered < birthday for enrolment in person.enrolments):
            return None
        return rule

    def _void_agreement(self, person: Person, employer: str, day: date) -> Rule | None:
        promised = any(
            agreement.kind == "not_to_pay" and _is_on(agreement, employer, day) for agreement in person.agreements
        )
        if not promised:
            return None
        if day not in self._void:
            self._void[day] = self._book.find("insurance_agreements", "not_to_pay", "CN", day, self._known_on)
        return self._void[day]


def judged_day(person: Person, employment: Employment, month: int) -> tuple[date | None, Basis | None]:
    """The last day of a month that was worked with a basis, and that basis."""
    begin, end = first_day(month), last_day(month)
    first = max(begin, employment.began)
    last = min(day for day in (end, employment.ended, person.died) if day is not None)
    best: tuple[date | None, Basis | None] = (None, None)
    for basis in person.bases:
        day = last if basis.last is None or basis.last > last else basis.last
        if day >= first and day >= basis.first and (best[0] is None or day > best[0]):
            best = day, basis
    return best


def _read(rule: Rule) -> _Duty:
    value = rule.value
    return _Duty(
        rule,
        value["state"],
        schemes_of(value["schemes"]),
        schemes_of(value.get("by_agreement", value["schemes"])),
        frozenset(value["bases"]),
    )


def _parted(duty: _Duty, agreed: Scheme) -> tuple[Scheme, Scheme]:
    """Due and disputed schemes (promise 3)."""
    if duty.state == "due":
        return duty.schemes, NONE
    by_agreement = agreed & duty.by_agreement
    return by_agreement, NONE if duty.state == "by_agreement" else duty.schemes & ~by_agreement


def _agreed(agreements: Sequence[Agreement], employer: str, day: date) -> Scheme:
    found = NONE
    for agreement in agreements:
        if agreement.kind == "join" and _is_on(agreement, employer, day):
            found |= agreement.schemes
    return found


def _is_on(agreement: Agreement, employer: str, day: date) -> bool:
    return (
        agreement.employer == employer and agreement.first <= day and (agreement.last is None or day <= agreement.last)
    )
