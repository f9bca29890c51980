"""One row of a rule, and the files that rows come in.

Promises:

1. A row says where and when it holds, since when it is known, where it was read, and how certain that is.
2. A file is read strictly: a field that is missing, unknown or of another type is refused with its place.

A file holds the rows of one kind::

    {"kind": "deadlines",
     "rows": [{"id": "D03", "region": "CN", "valid_from": "2004-07-01", "valid_to": null, "published_on": "2003-08-27",
               "value": {...}, "source": "ALL 42", "certainty": "V", "note": "..."}]}

Several rows may share an id: one for each region and each stretch of time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from icard_crypto.encoding import strict_json
from icard_crypto.errors import Invalid

__all__ = ["CERTAINTIES", "Certainty", "Rule", "read_file", "rule_from", "rule_json"]

#: V: read in a copy of the law or of an authority's page; S: a secondary source; R: recalled, without a copy; J: this
#: product's own rule.
Certainty = Literal["V", "S", "R", "J"]
CERTAINTIES: Final[tuple[Certainty, ...]] = ("V", "S", "R", "J")

_KIND: Final = re.compile("[a-z][a-z0-9_]{0,39}")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}")
_REQUIRED: Final = frozenset({"id", "region", "valid_from", "valid_to", "published_on", "value", "source", "certainty"})
_OPTIONAL: Final = frozenset({"note", "ended_on", "uncertain"})
_LONGEST_SOURCE: Final = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds in a region from a day to a day.

    Args:
        kind: the family, such as ``deadlines``; ``id``: which of it.
        region: a code of GB/T 2260, or ``CN``; it holds there and below, where no nearer row does.
        valid_from, valid_to: the first and the last day; None: no end is known.
        published_on: the day since when it can be known; None: not recorded, ``valid_from`` is taken.
        value: its content, JSON; never changed.
        source: where it was read.
        certainty: how sure that is.
        note: what a reader should know besides.
        ended_on: the day since when ``valid_to`` can be known; None: as long as the row itself.
        uncertain: sources differ or practice is not known, whatever the certainty; a file's rows of certainty R are.
    """

    kind: str
    id: str
    region: str
    valid_from: date
    valid_to: date | None
    published_on: date | None
    value: Mapping[str, Any]
    source: str
    certainty: Certainty
    note: str | None = None
    ended_on: date | None = None
    uncertain: bool = False

    @property
    def known_from(self) -> date:
        """The day since when the row can be known."""
        return self.published_on or self.valid_from

    @property
    def key(self) -> tuple[str, str, str, date]:
        """What names the row: kind, id, region, first day."""
        return (self.kind, self.id, self.region, self.valid_from)

    @property
    def name(self) -> str:
        """The row's name in messages: ``deadlines/D03/CN/2004-07-01``."""
        return f"{self.kind}/{self.id}/{self.region}/{self.valid_from.isoformat()}"

    def holds(self, on: date, known_on: date | None = None) -> bool:
        """Whether it holds on a day, by what was known on another (None: by all that is known now)."""
        if known_on is not None and known_on < self.known_from:
            return False
        end = self.valid_to
        if end is not None and known_on is not None and self.ended_on is not None and known_on < self.ended_on:
            end = None
        return self.valid_from <= on and (end is None or on <= end)


def read_file(text: str, name: str) -> list[Rule]:
    """The rows of a file.

    Args:
        name: the file's name, for messages.

    Raises:
        Invalid: ``rules.file``, ``rules.field``.
    """
    try:
        content = strict_json.loads(text)
    except ValueError:
        raise Invalid("rules.file", path=name, expected="JSON") from None
    allowed = isinstance(content, dict) and {"kind", "rows"} <= content.keys() <= {"kind", "rows", "about"}
    if not allowed or not isinstance(content["rows"], list):
        raise Invalid("rules.file", path=name, expected="kind and rows")
    kind = content["kind"]
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise Invalid("rules.file", path=f"{name}: kind", expected="a word in small letters")
    return [rule_from(kind, entry, f"{name}: rows.{number}") for number, entry in enumerate(content["rows"])]


def rule_from(kind: str, entry: object, path: str) -> Rule:
    """A row from its JSON.

    Raises:
        Invalid: ``rules.source``, ``rules.field``, with the field's place.
    """
    if not isinstance(entry, dict):
        raise Invalid("rules.field", path=path, expected="an object")
    given = entry.keys()
    if not given >= _REQUIRED or given - _REQUIRED - _OPTIONAL:
        wrong = sorted(_REQUIRED - given) or sorted(given - _REQUIRED - _OPTIONAL)
        raise Invalid("rules.field", path=path, expected=", ".join(sorted(_REQUIRED)), found=", ".join(wrong)[:80])
    value = entry["value"]
    if not isinstance(value, dict):
        raise Invalid("rules.field", path=f"{path}.value", expected="an object")
    if entry["certainty"] not in CERTAINTIES:
        raise Invalid("rules.field", path=f"{path}.certainty", expected=", ".join(CERTAINTIES))
    source = _text(entry, "source", path)
    if not source.strip() or len(source) > _LONGEST_SOURCE:
        raise Invalid("rules.source", path=path, expected=f"a source of 1 to {_LONGEST_SOURCE} characters")
    rule_id = _text(entry, "id", path)
    if not _ID.fullmatch(rule_id):
        raise Invalid("rules.field", path=f"{path}.id", expected="letters, digits and . _ : -")
    uncertain = entry.get("uncertain", entry["certainty"] == "R")
    if not isinstance(uncertain, bool):
        raise Invalid("rules.field", path=f"{path}.uncertain", expected="true or false")
    return Rule(
        kind=kind,
        id=rule_id,
        region=_text(entry, "region", path),
        valid_from=_day(entry, "valid_from", path),
        valid_to=_optional_day(entry, "valid_to", path),
        published_on=_optional_day(entry, "published_on", path),
        value=value,
        source=source,
        certainty=entry["certainty"],
        note=None if entry.get("note") is None else _text(entry, "note", path),
        ended_on=_optional_day(entry, "ended_on", path),
        uncertain=uncertain,
    )


def rule_json(rule: Rule) -> dict[str, Any]:
    """The row as its file has it, and its kind."""
    days = {name: getattr(rule, name) for name in ("valid_from", "valid_to", "published_on")}
    entry: dict[str, Any] = {
        "kind": rule.kind,
        "id": rule.id,
        "region": rule.region,
        **{name: None if day is None else day.isoformat() for name, day in days.items()},
        "value": dict(rule.value),
        "source": rule.source,
        "certainty": rule.certainty,
        "uncertain": rule.uncertain,
    }
    if rule.note is not None:
        entry["note"] = rule.note
    if rule.ended_on is not None:
        entry["ended_on"] = rule.ended_on.isoformat()
    return entry


def _text(entry: Mapping[str, Any], name: str, path: str) -> str:
    value = entry[name]
    if not isinstance(value, str):
        raise Invalid("rules.field", path=f"{path}.{name}", expected="text")
    return value


def _day(entry: Mapping[str, Any], name: str, path: str) -> date:
    value = _text(entry, name, path)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    # fromisoformat takes 20240101 and 2024-W01-1 as well.
    if day is None or day.isoformat() != value:
        raise Invalid("rules.field", path=f"{path}.{name}", expected="a day as YYYY-MM-DD")
    return day


def _optional_day(entry: Mapping[str, Any], name: str, path: str) -> date | None:
    return None if entry.get(name) is None else _day(entry, name, path)
