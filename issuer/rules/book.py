"""All rows of all rules, and which of them holds where and when.

Promises:

1. The nearest region wins: a county's row before its prefecture's, that before the province's, that before the
   nation's. Where the nearest row has ended, the next one around it holds.
2. At most one row of an id holds in a region on a day: rows that overlap are refused when a book is made strictly.
3. With ``known_on`` only what had been published by that day counts: an old decision can be computed again as it was
   made.
4. A book never changes; a look-up reads no file and no database.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from itertools import pairwise
from typing import Final, Literal

from icard_crypto.errors import Invalid
from icard_crypto.moments import ONE_DAY

from .regions import ancestors, is_known
from .rows import Rule, read_file

__all__ = ["Finding", "RuleBook", "shipped"]

#: Answers that a book remembers; about 20 MB.
_REMEMBERED: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about rows. ``code``: a ``rules.*`` error, or ``rules.gap``, which is allowed and worth a look."""

    code: str
    rules: tuple[Rule, ...]

    @property
    def severity(self) -> Literal["error", "warning"]:
        """A gap may be meant: nothing is known about that time. All else is an error."""
        return "warning" if self.code == "rules.gap" else "error"


class RuleBook:
    """Rows by kind, id and region. See the module's promises."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(sorted(rules, key=lambda rule: rule.key))
        groups: defaultdict[tuple[str, str, str], list[Rule]] = defaultdict(list)
        ids: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for rule in self._rules:
            groups[rule.kind, rule.id, rule.region].append(rule)
            ids[rule.kind].setdefault(rule.id)
        self._groups: Mapping[tuple[str, str, str], tuple[Rule, ...]] = {
            key: tuple(rows) for key, rows in groups.items()
        }
        self._ids: Mapping[str, tuple[str, ...]] = {kind: tuple(names) for kind, names in ids.items()}
        self._found: dict[tuple[str, str, str, date, date | None], Rule | None] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that have rows, sorted."""
        return tuple(sorted(self._ids))

    def find(self, kind: str, id: str, region: str, on: date, known_on: date | None = None) -> Rule | None:
        """The row that holds in a region on a day; None: no row does.

        Args:
            known_on: count only what had been published by then; None: all.
        """
        key = kind, id, region, on, known_on
        try:
            return self._found[key]
        except KeyError:
            found = self._find(kind, id, region, on, known_on)
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[key] = found
        return found

    def _find(self, kind: str, id: str, region: str, on: date, known_on: date | None) -> Rule | None:
        for place in ancestors(region):
            for rule in self._groups.get((kind, id, place), ()):
                if rule.holds(on, known_on):
                    return rule
        return None

    def require(self, kind: str, id: str, region: str, on: date, known_on: date | None = None) -> Rule:
        """As :meth:`find`.

        Raises:
            Invalid: ``rules.none``.
        """
        found = self.find(kind, id, region, on, known_on)
        if found is None:
            raise Invalid("rules.none", path=f"{kind}/{id}", expected=f"a row for {region} on {on.isoformat()}")
        return found

    def effective(self, kind: str, region: str, on: date, known_on: date | None = None) -> tuple[Rule, ...]:
        """The rows of a kind that hold in a region on a day, one for each id, in the order of the ids."""
        found = (self.find(kind, name, region, on, known_on) for name in self._ids.get(kind, ()))
        return tuple(rule for rule in found if rule is not None)

    def all(
        self,
        kind: str | None = None,
        id: str | None = None,
        region: str | None = None,
        on: date | None = None,
        known_on: date | None = None,
    ) -> tuple[Rule, ...]:
        """All rows that fit, in the order of kind, id, region and first day.

        Args:
            region: only this region's own rows; see :meth:`effective` for those that hold in it.
            on: only rows that hold on this day.
            known_on: only rows that had been published by then.
        """
        return tuple(
            rule
            for rule in self._rules
            if (kind is None or rule.kind == kind)
            and (id is None or rule.id == id)
            and (region is None or rule.region == region)
            and (on is None or rule.holds(on, known_on))
            and (known_on is None or rule.known_from <= known_on)
        )

    def check(self) -> list[Finding]:
        """Everything that is wrong with the rows, and gaps between rows of one id and region."""
        found = [Finding(code, (rule,)) for rule in self._rules for code in _faults(rule)]
        for rows in self._groups.values():
            for earlier, later in pairwise(rows):
                if earlier.valid_to is None or later.valid_from <= earlier.valid_to:
                    found.append(Finding("rules.overlap", (earlier, later)))
                elif later.valid_from > earlier.valid_to + ONE_DAY:
                    found.append(Finding("rules.gap", (earlier, later)))
        return found

    def strict(self) -> RuleBook:
        """The book itself, where nothing is wrong with it.

        Raises:
            Invalid: ``rules.overlap``, ``rules.order``, ``rules.source``.
            StateError: ``rules.region``.
        """
        for finding in self.check():
            if finding.severity == "error":
                raise Invalid(finding.code, path=", ".join(rule.name for rule in finding.rules))
        return self

    def with_rows(self, rules: Iterable[Rule]) -> RuleBook:
        """A book with further rows, an authority's own, or with the ended form of rows that it has."""
        rows = {rule.key: rule for rule in self._rules}
        rows.update((rule.key, rule) for rule in rules)
        return RuleBook(rows.values())


@functools.cache
def shipped() -> RuleBook:
    """The rows that come with the program.

    Raises:
        Invalid: ``rules.*``; a fault of the files.
    """
    folder = resources.files("issuer.rules") / "data"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name)
    rules = [rule for entry in files for rule in read_file(entry.read_text("utf-8"), entry.name)]
    return RuleBook(rules).strict()


def _faults(rule: Rule) -> list[str]:
    faults = []
    if rule.valid_to is not None and rule.valid_to < rule.valid_from:
        faults.append("rules.order")
    if not is_known(rule.region):
        faults.append("rules.region")
    if not rule.source.strip():
        faults.append("rules.source")
    return faults
