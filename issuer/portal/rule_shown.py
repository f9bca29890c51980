"""Rules and deadlines as pages show them: each number with the row that it comes from.

Promises:

1. A deadline names its day, how it is counted, whether it is firm, whose turn it is, what happens otherwise, its rule.
2. Rules are read once for a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Final

from icard_crypto.errors import StateError
from issuer.permits.clocks import Clock, calendar_of
from issuer.permits.due import DueItem
from issuer.rules.citations import source_text
from issuer.rules.days import WorkCalendar
from issuer.rules.regions import NATION, region_name
from issuer.rules.rows import Rule as Row
from issuer.rules.store import read_book, rule_named

from .catalogue import Words, beijing_day
from .parts import Certainty, Deadline, Rule
from .visits import Visit

__all__ = ["ShownRules", "region_words", "rule_part", "rule_title"]

_CERTAINTIES: Final[dict[str, Certainty]] = {"V": "law", "S": "secondary", "R": "recalled", "J": "own"}
#: Units of a deadline that have words of their own.
_UNITS: Final = frozenset({"working_days", "calendar_days", "months", "hours"})


def region_words(region: str, t: Words) -> str:
    """A region's name and code, or the whole country."""
    if region == NATION:
        return t("rules.nation")
    name = region_name(region, t.language)
    # Of a county the name is that of the region above, with the code.
    return t.with_code(name.removesuffix(f" ({region})"), region) if name != region else region


def rule_part(row: Row, t: Words) -> Rule:
    """A row as the component shows it: what it says, where it was read, where and since when, how certain."""
    return Rule(_says(row, t), source_text(row, t.language), region_words(row.region, t), row.valid_from,
                _CERTAINTIES[row.certainty])  # fmt: skip


def rule_title(row: Row, t: Words) -> str:
    """What a row is about, in a few words."""
    title = row.value.get("title", {}).get(t.language) or row.value.get(t.language)
    return str(title) if title else t("rules.row", id=row.id, kind=row.kind)


def _says(row: Row, t: Words) -> str:
    value, title = row.value, rule_title(row, t)
    unit, number = value.get("unit"), value.get("number")
    if row.kind != "deadlines" or unit not in _UNITS or number is None:
        return title
    if "opens" in value:
        return t("rules.window", title=title, opens=value["opens"], n=number)
    return t(f"rules.{unit}", title=title, n=number)


class ShownRules:
    """The rules of the service, today, for one page."""

    def __init__(self, visit: Visit) -> None:
        self.t = visit.words
        self.today = beijing_day(visit.now)
        self.book = read_book(visit.core)

    def named(self, names: Iterable[str]) -> list[Rule]:
        """Rows by their names, as the answers of insurance give them; one that is no more is left out."""
        found = []
        for name in names:
            try:
                found.append(rule_part(rule_named(self.book, name), self.t))
            except StateError:
                continue
        return found

    def of_deadline(self, name: str, region: str) -> Row | None:
        """The row of a deadline that holds in a region today."""
        return self.book.find("deadlines", name, region, self.today)

    def calendar(self, region: str) -> WorkCalendar:
        """The working days of a region."""
        return calendar_of(self.book, region)

    def deadline(
        self, row: Row, day: date, region: str, *, whose: str, otherwise: str = "", provisional: bool | None = None
    ) -> Deadline:
        """A day by a rule.

        Args:
            whose: whose turn it is, in words.
            otherwise: what happens when the day passes; empty: what the row says, or that nothing does by itself.
            provisional: None: whether the day lies beyond what is known about the calendar.
        """
        t, calendar = self.t, calendar_of(self.book, region)
        value: dict[str, Any] = dict(row.value)
        working = value.get("unit") == "working_days" or "working_days" in value
        if working:
            ahead = day >= self.today
            first, last = (self.today, day) if ahead else (day, self.today)
            left = calendar.between(first, last) * (1 if ahead else -1)
        else:
            left = (day - self.today).days
        if provisional is None:
            provisional = (working or bool(value.get("roll"))) and day > calendar.known_through
        by_rule = value.get("then", {}).get(t.language)
        then = otherwise or (t("due.after", text=by_rule) if by_rule else t("due.nothing_else"))
        return Deadline(
            day, left, "working" if working else "calendar", not provisional, whose, str(then), rule_part(row, t)
        )

    def clock(self, clock: Clock, region: str, on: date, *, whose: str) -> Deadline | None:
        """A running clock of an application; None: its row is gone."""
        row = self.book.find("deadlines", clock.name, region, on)
        if row is None:
            return None
        name = f"due.then_{clock.name}"
        otherwise = "" if "then" in row.value or not self.t.has(name) else self.t(name)
        return self.deadline(row, clock.due, region, whose=whose, otherwise=otherwise, provisional=clock.provisional)

    def due(self, item: DueItem, *, whose: str) -> Deadline:
        """An entry of the due list."""
        t = self.t
        otherwise = {
            "answer": "",
            "paper": t("due.then_paper"),
            "extension": "",
            "extension_opens": t("due.then_extension_opens"),
            "end": "",
            "notification": t("due.then_notification"),
        }[item.kind]
        found = self.deadline(item.rule, item.day, item.region, whose=whose, otherwise=otherwise)
        return replace(found, begins=item.kind == "extension_opens")
