"""The category of a permit: which routes of the standard are open, and for how long a permit may be given.

Promises:

1. Every route of the region and day is tried and shown, with the row that it comes from and the evidence that it
   needs; the category is that of the first route that is met. An officer confirms it.
2. What is not known leaves a route undecided, never met: a fact that is missing, or an average salary without a row.
3. A term never goes past contract, the employer's licence, passport, or the longest of its category.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from icard_crypto.errors import Invalid, Language
from icard_crypto.moments import ONE_DAY
from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.rows import Rule

from .points import PointsRow, points_of
from .refusals import Refusal

__all__ = ["Assessment", "Route", "Term", "assess", "longest_term"]

_DEGREES = ("bachelor", "master", "doctor")


@dataclass(frozen=True, slots=True)
class Route:
    """A route into a category. ``met`` None: undecided, for a fact is missing; ``missing`` names it.

    Args:
        threshold: the number that had to be reached, of CNY a year or points, where the route has one.
        evidence: codes of the materials that show it.
    """

    rule: Rule
    category: str
    met: bool | None
    missing: tuple[str, ...] = ()
    threshold: int | None = None
    evidence: tuple[str, ...] = ()

    def title(self, language: Language) -> str:
        """What the route is."""
        return str(self.rule.value["title"][language])


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the standard says. ``category`` None: no route is met. ``refusals``: what an officer has to look at."""

    category: str | None
    routes: tuple[Route, ...]
    points: tuple[PointsRow, ...]
    refusals: tuple[Refusal, ...]

    @property
    def total(self) -> int:
        """The sum of the points."""
        return sum(row.points for row in self.points)


@dataclass(frozen=True, slots=True)
class Term:
    """The last day that a permit may have. ``limit``: category, contract, licence or passport; the first that ends."""

    until: date
    limit: str
    rule: Rule


def assess(book: RuleBook, facts: Mapping[str, Any], region: str, on: date, known_on: date | None = None) -> Assessment:
    """Try every route for a person.

    Args:
        facts: those of :func:`issuer.permits.points.points_of`, and ``talent_programme`` and the like, true or false;
            ``mother_tongue`` and ``teaching_certificate`` for language teachers.

    Raises:
        Invalid: ``rules.value``, ``permit.fact``.
    """
    points = points_of(book, facts, region, on, known_on)
    total = sum(row.points for row in points)
    rules = sorted(book.effective("category_routes", region, on, known_on), key=lambda rule: int(rule.value["order"]))
    average = book.find("average_salary", "annual", region, on, known_on)
    routes = tuple(_route(rule, facts, total, points, average) for rule in rules)
    refusals = _age_refusals(book, facts, region, on, known_on)
    category = next((route.category for route in routes if route.met), None)
    if category is not None:
        refusals += _category_age_refusals(book, facts, region, on, category, known_on)
    return Assessment(category, routes, points, tuple(refusals))


def longest_term(
    book: RuleBook,
    category: str,
    region: str,
    begins: date,
    *,
    contract: date | None = None,
    licence: date | None = None,
    passport: date | None = None,
) -> Term:
    """The last day of a term that begins on a day.

    Args:
        contract, licence, passport: their last days; None: without an end.

    Raises:
        PermitRefused: ``permit.no_term``; one of them ends before the term begins.
        Invalid: ``rules.none``.
    """
    rule = book.require("terms", category, region, begins)
    ends = {"category": months_after(begins, rule.value["months"]) - ONE_DAY}
    ends |= {
        name: day
        for name, day in (("contract", contract), ("licence", licence), ("passport", passport))
        if day is not None
    }
    limit = min(ends, key=lambda name: ends[name])
    if ends[limit] < begins:
        refusal = Refusal("permit.no_term", rule, limit, f"{begins.isoformat()} or later", ends[limit].isoformat())
        raise refusal.error()
    return Term(ends[limit], limit, rule)


def _route(
    rule: Rule, facts: Mapping[str, Any], total: int, points: tuple[PointsRow, ...], average: Rule | None
) -> Route:
    value = rule.value
    met, missing, threshold = _met(rule, value["test"], facts, total, points, average)
    return Route(rule, value["category"], met, missing, threshold, tuple(value["evidence"]))


def _met(
    rule: Rule,
    test: Mapping[str, Any],
    facts: Mapping[str, Any],
    total: int,
    points: tuple[PointsRow, ...],
    average: Rule | None,
) -> tuple[bool | None, tuple[str, ...], int | None]:
    """Whether a route is met, the facts that are missing, and its threshold."""
    kind = test["type"]
    if kind == "flag":
        return (*_flag(facts, test["name"]), None)
    if kind == "salary":
        if average is None:
            return None, ("average_salary",), None
        threshold = int(test["times"] * average.value["amount"])
        salary = facts.get("salary")
        return (None, ("salary",), threshold) if salary is None else (salary >= threshold, (), threshold)
    if kind == "points":
        threshold = int(test["at_least"])
        unknown = tuple(row.fact for row in points if not row.known)
        possible = total + sum(row.most for row in points if not row.known)
        met = True if total >= threshold else None if possible >= threshold else False
        return met, () if met is not None else unknown, threshold
    if kind == "degree":
        return (*_all(_degree(facts), _years(facts, test["years"])), None)
    if kind == "language_teacher":
        certificate, years = _flag(facts, "teaching_certificate"), _years(facts, test["years"])
        return (*_all(_flag(facts, "mother_tongue"), _degree(facts), _any(years, certificate)), None)
    raise Invalid("rules.value", path=rule.name, expected="a type of test", found=str(kind)[:40])


_Answer = tuple[bool | None, tuple[str, ...]]


def _flag(facts: Mapping[str, Any], name: str) -> _Answer:
    given = facts.get(name)
    return (None, (name,)) if given is None else (given is True, ())


def _degree(facts: Mapping[str, Any]) -> _Answer:
    given = facts.get("education")
    return (None, ("education",)) if given is None else (given in _DEGREES, ())


def _years(facts: Mapping[str, Any], years: int) -> _Answer:
    given = facts.get("experience_years")
    return (None, ("experience_years",)) if given is None else (given >= years, ())


def _all(*answers: _Answer) -> _Answer:
    states = [met for met, _ in answers]
    if False in states:
        return False, ()
    return (None if None in states else True), tuple(name for _, missing in answers for name in missing)


def _any(*answers: _Answer) -> _Answer:
    states = [met for met, _ in answers]
    if True in states:
        return True, ()
    return (None if None in states else False), tuple(name for _, missing in answers for name in missing)


def _age_refusals(
    book: RuleBook, facts: Mapping[str, Any], region: str, on: date, known_on: date | None
) -> list[Refusal]:
    rule, age = book.find("eligibility", "age", region, on, known_on), facts.get("age")
    if rule is None or age is None or age >= rule.value["at_least"]:
        return []
    return [Refusal("permit.too_young", rule, "age", f"{rule.value['at_least']} or older", str(age))]


def _category_age_refusals(
    book: RuleBook, facts: Mapping[str, Any], region: str, on: date, category: str, known_on: date | None
) -> list[Refusal]:
    rule, age = book.find("terms", category, region, on, known_on), facts.get("age")
    if rule is None or age is None or rule.value["age"] is None or age <= rule.value["age"]:
        return []
    return [Refusal("permit.age", rule, "age", f"to {rule.value['age']}", str(age))]
