"""Points of the classification standard, row by row.

Promises:

1. Each row of kind ``points`` gives its points and the fact that they come from; a fact that is not known gives none.
2. No row gives more than its own most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from icard_crypto.errors import Invalid, Language
from issuer.rules.book import RuleBook
from issuer.rules.regions import covers
from issuer.rules.rows import Rule

__all__ = ["PointsRow", "points_of"]


@dataclass(frozen=True, slots=True)
class PointsRow:
    """Points by one row. ``fact``: what they follow from; ``known``: whether that was given."""

    rule: Rule
    points: int
    most: int
    fact: str
    known: bool

    def title(self, language: Language) -> str:
        """What the row is about."""
        return str(self.rule.value["title"][language])


def points_of(
    book: RuleBook, facts: Mapping[str, Any], region: str, on: date, known_on: date | None = None
) -> tuple[PointsRow, ...]:
    """The points by every row that holds in a region on a day.

    Args:
        facts: values by the names that the rows give: salary in CNY a year, education, experience_years,
            months_in_china, chinese, poor_county, age, merit, local_points.

    Raises:
        Invalid: ``rules.value``, ``permit.fact``.
    """
    return tuple(_row(rule, facts, region) for rule in book.effective("points", region, on, known_on))


def _row(rule: Rule, facts: Mapping[str, Any], region: str) -> PointsRow:
    value = rule.value
    fact = str(value["fact"])
    given = facts.get(fact)
    if value["type"] == "regions":
        inside = any(covers(outer, region) for outer in value["regions"])
        points = value["points"] if inside or given is True else 0
        return PointsRow(rule, points, value["most"], fact, True)
    if given is None:
        return PointsRow(rule, 0, value["most"], fact, False)
    return PointsRow(rule, min(_points(rule, value, fact, given), value["most"]), value["most"], fact, True)


def _points(rule: Rule, value: Mapping[str, Any], fact: str, given: Any) -> int:
    kind = value["type"]
    if kind == "choice":
        if given not in value["choices"]:
            raise Invalid("permit.fact", path=fact, expected=", ".join(value["choices"]))
        return int(value["choices"][given])
    if kind == "flag":
        return int(value["points"]) if given is True else 0
    if isinstance(given, bool) or not isinstance(given, int | float) or given < 0:
        raise Invalid("permit.fact", path=fact, expected="a number, 0 or more")
    if kind == "bands":
        return int(next((points for low, points in value["bands"] if given >= low * value["scale"]), 0))
    if kind == "steps":
        years = int(given)
        return 0 if years < value["first"] else int(value["points"] + (years - value["first"]) * value["step"])
    if kind == "given":
        return int(given)
    raise Invalid("rules.value", path=rule.name, expected="a type of points", found=str(kind)[:40])
