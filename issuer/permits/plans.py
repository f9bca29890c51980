"""Estimate how long a permit could run and when it would have to be extended; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid
from issuer.core import Core
from issuer.rules.deadlines import window
from issuer.rules.regions import is_known
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .categories import longest_term

__all__ = ["Plan", "plan_term"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The longest term from a day.

    Args:
        until: the last day; limit: what ends first (category, contract or passport), by the row ``term``.
        opens, closes: the days on which its extension may be filed, by the row ``extension``.
    """

    first: date
    until: date
    limit: str
    opens: date
    closes: date
    term: Rule
    extension: Rule


def plan_term(
    core: Core,
    region: str,
    category: Literal["A", "B", "C"],
    first: date,
    contract: date | None = None,
    passport: date | None = None,
) -> Plan:
    """The longest term that could begin on a day, by the rules of that day.

    Args:
        contract, passport: their last days; None: not known, or without an end.

    Raises:
        PermitRefused: ``permit.no_term``.
        Invalid: ``filing.field``, ``rules.none``.
    """
    if not is_known(region):
        raise Invalid("filing.field", path="region", expected="a code of GB/T 2260")

    def look(session: Session) -> Plan:
        book = book_of(session)
        term = longest_term(book, category, region, first, contract=contract, passport=passport)
        rule = book.require("deadlines", "D06", region, term.until)
        span = window(rule, term.until)
        return Plan(first, term.until, term.limit, span.opens, span.closes, term.rule, rule)

    return core.database.read(look)
