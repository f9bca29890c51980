"""The fields of a card as data: keys, types, longest lengths, ranges, forms, and who sees them.

Promises:

1. ``fields.json`` is the only place where a key, a length, a range or a form of a field stands, each with its reason.
2. Lengths count characters (Unicode code points) of text, bytes of byte strings, entries of lists and maps.
3. Text that people will read is plain (:mod:`.characters`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

__all__ = ["FIELDS", "SERVICES", "SERVICE_NUMBERS", "Field", "RegisteredService"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one map.

    Args:
        name: its name in the JSON form.
        key: its key in the code; for a list, its position.
        type: ``text``, ``int``, ``bytes``, ``map``, ``list``, ``day``, ``month`` or ``birthday``.
        low, high: the least and the greatest length or value.
        pattern: the form when a card is issued; None when any plain text will do.
        read_pattern: the form when a code is read.
        form: the form in words.
        values: names of known values.
        profile: the lowest profile that discloses it.
        show: an error may repeat its value.
        required: a code without it is refused.
    """

    name: str
    key: int | str
    type: str
    low: int
    high: int
    pattern: re.Pattern[str] | None
    read_pattern: re.Pattern[str] | None
    form: str | None
    values: dict[str, int]
    profile: int
    show: bool
    required: bool

    @property
    def unit(self) -> str:
        """What ``low`` and ``high`` count, empty for a plain number."""
        units = {"text": " characters", "birthday": " characters", "bytes": " bytes", "list": " entries"}
        return units.get(self.type, " entries" if self.type == "map" else "")

    @property
    def length(self) -> str:
        """The lengths or values allowed, in words: ``8 bytes``, ``1 to 66 characters``."""
        span = str(self.low) if self.low == self.high else f"{self.low} to {self.high}"
        return f"{span}{self.unit}"


@dataclass(frozen=True, slots=True)
class RegisteredService:
    """A service of the registry: its number in a code, its name in JSON, its names for people."""

    number: int
    name: str
    en: str
    zh: str


def _load(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((resources.files(__package__) / name).read_text("utf-8"))
    return data


def _field(name: str, row: dict[str, Any]) -> Field:
    read_pattern = row.get("read_pattern")
    pattern = row.get("pattern", read_pattern)
    return Field(
        name=name,
        key=row["key"],
        type=row["type"],
        low=row["min"],
        high=row["max"],
        pattern=re.compile(pattern) if pattern else None,
        read_pattern=re.compile(read_pattern) if read_pattern else None,
        form=row.get("form"),
        values=row.get("values", {}),
        profile=row.get("profile", 1),
        show=row.get("show", False),
        required=row.get("required", False),
    )


FIELDS: dict[str, dict[str, Field]] = {
    map_name: {name: _field(name, row) for name, row in rows.items()}
    for map_name, rows in _load("fields.json").items()
    if map_name != "about"
}
"""``{map: {field name: Field}}`` for claims, identity, card, permit, insurance, exemption, status, status_list."""

SERVICES: dict[str, RegisteredService] = {
    name: RegisteredService(row["number"], name, row["en"], row["zh"])
    for name, row in _load("services.json")["services"].items()
}
"""The registry of services by name."""

SERVICE_NUMBERS: dict[int, RegisteredService] = {service.number: service for service in SERVICES.values()}
"""The registry of services by number."""
