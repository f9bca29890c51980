"""All-in-one services: which services of the card are offered where, since when, in which form.

Promises:

1. A service is offered in a region on a day only where a row of the registry says so; elsewhere nothing is known.
2. An item's id is the service's name in the card's format, so that what is granted can be in a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from icard_crypto.card.fields import SERVICES
from icard_crypto.errors import Invalid, Language
from issuer.rules.book import RuleBook
from issuer.rules.rows import Rule

__all__ = ["Item", "items_in", "require_item"]

_ITEMS: Final = "service_items"


@dataclass(frozen=True, slots=True)
class Item:
    """A service that is offered. ``must_take``: a place that refuses the card there can be reported."""

    name: str
    number: int
    field: str
    scenario: str
    forms: tuple[str, ...]
    must_take: bool
    rule: Rule

    def title(self, language: Language) -> str:
        """The item's name for people."""
        title: str = self.rule.value[language]
        return title


def items_in(book: RuleBook, region: str, on: date) -> list[Item]:
    """The services offered in a region on a day, by name."""
    return [_item(rule) for rule in book.effective(_ITEMS, region, on)]


def require_item(book: RuleBook, name: str, region: str, on: date, form: str | None = None) -> Item:
    """A service that is offered there on that day.

    Args:
        form: ``physical`` or ``electronic``, where it matters.

    Raises:
        Invalid: ``insurance.service``.
    """
    rule = book.find(_ITEMS, name, region, on)
    if rule is None or name not in SERVICES or (form is not None and form not in rule.value["forms"]):
        offered = ", ".join(item.name for item in items_in(book, region, on))
        raise Invalid("insurance.service", path="service", expected=offered or "a region with services")
    return _item(rule)


def _item(rule: Rule) -> Item:
    value = rule.value
    number = SERVICES[rule.id].number
    return Item(
        rule.id, number, value["field"], value["scenario"], tuple(value["forms"]), bool(value.get("must_take")), rule
    )
