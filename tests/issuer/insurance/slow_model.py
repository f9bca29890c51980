"""Compliance as one would say it aloud: scheme by scheme, day by day, every rule looked up anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from issuer.insurance.history import Employment, Person
from issuer.insurance.months import first_day, last_day, month_of
from issuer.rules.days import months_after
from issuer.rules.regions import ancestors
from issuer.rules.rows import Rule

__all__ = ["Cell", "cells"]

NAMES = ("pension", "medical", "unemployment", "work_injury", "maternity")
YUAN = Decimal(1)


@dataclass
class Cell:
    """A scheme in a month of an employment: what it is, what is wrong with it, and what that costs (in fen)."""

    state: str
    wrong: str | None = None
    owed: int | None = None
    fee: int | None = None
    pays: set[str] = field(default_factory=set)


def find(rules: list[Rule], kind: str, name: str, region: str, on: date, known_on: date) -> Rule | None:
    for place in ancestors(region):
        for rule in rules:
            if (rule.kind, rule.id, rule.region) == (kind, name, place) and rule.holds(on, known_on):
                return rule
    return None


def cells(rules: list[Rule], person: Person, as_of: date, known_on: date) -> dict[tuple[int, int, str], Cell]:
    """By place of the employment, month and scheme."""
    found = {}
    person = person.as_known(known_on)
    for place, employment in enumerate(person.employments):
        for month in range(month_of(employment.began), month_of(as_of) + 1):
            ends = [day for day in (employment.ended, person.died) if day is not None]
            if employment.began > as_of or any(month > month_of(day) for day in ends):
                continue
            states = {name: state(rules, person, employment, month, name, known_on) for name in NAMES}
            for name in NAMES:
                found[place, month, name] = judge(rules, person, employment, month, name, states, as_of, known_on)
    return found


def state(rules: list[Rule], person: Person, employment: Employment, month: int, name: str, known_on: date) -> str:
    """Due, disputed, exempt, not eligible, or nothing."""
    worked = None
    day = first_day(month)
    while day <= last_day(month):
        at_work = employment.began <= day and (employment.ended is None or day <= employment.ended)
        alive = person.died is None or day <= person.died
        if at_work and alive and any(b.first <= day and (b.last is None or day <= b.last) for b in person.bases):
            worked = day
        day += timedelta(days=1)
    if worked is None:
        return "nothing"
    duty = find(rules, "insurance_duty", "duty", employment.region, worked, known_on)
    if duty is None:
        return "nothing"
    agreed = {
        scheme.name.lower()
        for one in person.agreements
        if one.kind == "join" and one.employer == employment.employer
        if one.first <= worked and (one.last is None or worked <= one.last)
        for scheme in one.schemes
        if scheme.name
    }
    if duty.value["state"] == "due":
        base = "due" if name in duty.value["schemes"] else "nothing"
    elif name in agreed and name in duty.value.get("by_agreement", duty.value["schemes"]):
        base = "due"
    else:
        base = "disputed" if duty.value["state"] == "disputed" and name in duty.value["schemes"] else "nothing"
    if base == "nothing":
        return base
    if name in ("pension", "unemployment"):
        for one in person.certificates:
            treaty = find(rules, "insurance_treaties", one.country, "CN", first_day(month), known_on)
            covers = one.first <= first_day(month) <= one.last
            if (
                treaty
                and covers
                and name in treaty.value["schemes"]
                and name in {s.name.lower() for s in one.schemes if s.name}
            ):
                return "exempt"
    age = find(rules, "insurance_registration_age", "age", employment.region, worked, known_on)
    if age and person.born and person.sex:
        birthday = months_after(person.born, 12 * age.value[person.sex])
        if worked >= birthday and all(one.registered >= birthday for one in person.enrolments):
            return "not_eligible"
    return base


def amount(rules: list[Rule], employment: Employment, month: int, name: str, known_on: date) -> int | None:
    """A month's contribution in fen by what was known on a day."""
    limits = find(rules, "insurance_limits", "base", employment.region, first_day(month), known_on)
    rate = find(rules, "insurance_rates", name, employment.region, first_day(month), known_on)
    if limits is None or rate is None or employment.wage is None:
        return None
    base = Decimal(employment.wage) / 100
    base = min(max(base, Decimal(limits.value["floor"])), Decimal(limits.value["cap"]))
    total = Decimal(0)
    for side in ("employer", "employee"):
        share = rate.value.get(side, employment.injury_rate if side == "employer" else "0")
        if share is None:
            return None
        up = side == "employee" and employment.region.startswith("31")
        step = Decimal("0.1") if up else Decimal("0.01")
        how = ROUND_CEILING if up else ROUND_HALF_UP
        total += (base * Decimal(share) / step).quantize(YUAN, rounding=how) * step
    return int(total * 100)


def due_on(month: int) -> date:
    return last_day(month + 1)


def judge(
    rules: list[Rule],
    person: Person,
    employment: Employment,
    month: int,
    name: str,
    states: dict[str, str],
    as_of: date,
    known_on: date,
) -> Cell:
    cell = Cell(states[name])
    if states[name] != "due" or due_on(month) >= as_of:
        return cell
    if name == "maternity" and states["medical"] == "due":
        host = judge(rules, person, employment, month, "medical", states, as_of, known_on)
        return Cell("due", host.wrong)
    moves = [
        (one.day, one.total if one.kind == "paid" else -one.total)
        for one in person.entries
        if one.kind != "reported" and one.employer == employment.employer and one.month == month
        if one.scheme.name and one.scheme.name.lower() == name and one.day <= as_of
    ]
    pieces: list[tuple[date, int]] = []
    known = False
    before = 0
    news = {day for rule in rules for day in (rule.known_from, rule.ended_on) if day is not None}
    for day in sorted({min(due_on(month), known_on), *(day for day in news if due_on(month) < day <= known_on)}):
        now = amount(rules, employment, month, name, day)
        known = known or now is not None
        if now is not None and now != before:
            pieces.append((due_on(month) if day <= due_on(month) else due_on(month_of(day)), now - before))
            before = now
    standing = sum(sum_ for _, sum_ in moves)
    enrolled = any(
        one.employer == employment.employer
        and one.first_month <= month
        and one.registered <= as_of
        and (one.last_month is None or month <= one.last_month)
        and name in {s.name.lower() for s in one.schemes if s.name}
        for one in person.enrolments
    )
    if not known:
        if not (moves and standing > 0):
            cell.wrong = "unpaid" if enrolled else "uncovered"
        return cell
    expected = sum(sum_ for due, sum_ in pieces if due < as_of)
    cell.fee = fee(pieces, moves, as_of)
    if standing < expected:
        cell.owed = expected - standing
        cell.wrong = "underpaid" if standing > 0 else "unpaid" if enrolled else "uncovered"
    elif cell.fee:
        cell.wrong = "paid_late"
    return cell


def fee(pieces: list[tuple[date, int]], moves: list[tuple[date, int]], as_of: date) -> int:
    whole = 0
    first = min([as_of, *(due for due, _ in pieces)])
    day = first
    while day <= as_of:
        open_sum = sum(s for due, s in pieces if due < day) - sum(s for paid, s in moves if paid < day)
        whole += max(open_sum, 0)
        day += timedelta(days=1)
    return int((whole * Decimal("0.0005")).quantize(YUAN, rounding=ROUND_HALF_UP))
