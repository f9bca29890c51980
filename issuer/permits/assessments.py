"""Estimate category and points without an application; nothing is filed or stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, Language
from issuer.core import Core
from issuer.rules.citations import cite
from issuer.rules.days import day_of
from issuer.rules.regions import is_known
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .categories import assess

__all__ = ["AssessmentView", "PointsView", "RouteView", "assess_person"]

Words = dict[Language, str]
_MOST_FACTS = 40
#: Facts that are numbers, and those that are words.
_NUMBERS: Final = frozenset({"salary", "experience_years", "months_in_china", "age", "local_points"})
_TEXTS: Final = frozenset({"education", "chinese"})
_GREATEST: Final = 10**9


@dataclass(frozen=True, slots=True)
class PointsView:
    """Points by one row. ``known``: whether the fact was given."""

    title: Words
    fact: str
    points: int
    most: int
    known: bool
    rule: Words


@dataclass(frozen=True, slots=True)
class RouteView:
    """A route. ``met`` null: undecided, for the facts in ``missing``; ``evidence``: codes of materials."""

    category: str
    title: Words
    met: bool | None
    missing: list[str]
    threshold: int | None
    evidence: list[str]
    rule: Words


@dataclass(frozen=True, slots=True)
class AssessmentView:
    """What the standard of region and day says; an officer confirms it when an application is decided."""

    on: date
    category: str | None
    total: int
    points: list[PointsView]
    routes: list[RouteView]
    refusals: list[Words]


def assess_person(core: Core, region: str, facts: Mapping[str, Any], on: date | None) -> AssessmentView:
    """Try every route for a person.

    Raises:
        Invalid: ``filing.field``, ``permit.fact``.
    """
    if not is_known(region):
        raise Invalid("filing.field", path="region", expected="a code of GB/T 2260")
    if len(facts) > _MOST_FACTS:
        raise Invalid("filing.field", path="facts", expected=f"at most {_MOST_FACTS}")
    for name, fact in facts.items():
        _check(name, fact)

    def look(session: Session) -> AssessmentView:
        day = on or day_of(core.clock.now(session))
        found = assess(book_of(session), facts, region, day)
        return AssessmentView(
            day,
            found.category,
            found.total,
            [
                PointsView(_title(row.rule), row.fact, row.points, row.most, row.known, _cited(row.rule))
                for row in found.points
            ],
            [
                RouteView(
                    route.category,
                    _title(route.rule),
                    route.met,
                    list(route.missing),
                    route.threshold,
                    list(route.evidence),
                    _cited(route.rule),
                )
                for route in found.routes
            ],
            [{"en": one.sentence("en"), "zh": one.sentence("zh")} for one in found.refusals],
        )

    return core.database.read(look)


def _check(name: str, fact: Any) -> None:
    """Refuse a fact that cannot be compared with what rules say, whichever rules a region has.

    Raises:
        Invalid: ``permit.fact``.
    """
    if fact is None:
        return
    if name in _TEXTS and not isinstance(fact, str):
        raise Invalid("permit.fact", path=name, expected="a word")
    if name in _NUMBERS and not (
        isinstance(fact, int | float) and not isinstance(fact, bool) and 0 <= fact <= _GREATEST
    ):
        raise Invalid("permit.fact", path=name, expected=f"a number, 0 to {_GREATEST}")


def _title(rule: Rule) -> Words:
    return dict(rule.value["title"])


def _cited(rule: Rule) -> Words:
    return {"en": cite(rule, "en"), "zh": cite(rule, "zh")}
