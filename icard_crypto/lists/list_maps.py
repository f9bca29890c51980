"""What status tokens, timestamps and trust lists share: their maps, field by field, and their times.

Promises:

1. :func:`read_map` gives the known values of a map by name, None where an optional one is absent; or it raises
   ``DecodeError`` ``<layer>.missing``, ``.wrong_type``, ``.out_of_range`` or ``.form`` with the path of the field.
   Bounds and forms are those of ``list_fields.json``.
2. An unknown key is ignored, and its path is added to ``unknown``, shortened and escaped.
3. :func:`write_map` is the inverse for known values; None is left out.
4. A list ends after it begins, and not later than its kind may (:func:`check_lifetime`); a list from the future is
   refused (:func:`check_not_future`) when the caller has a clock to hold against it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from icard_crypto.card.characters import is_plain
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.errors import DecodeError
from icard_crypto.moments import DAY

__all__ = [
    "CLOCK_TOLERANCE",
    "DAY",
    "FIELDS",
    "ListField",
    "check_lifetime",
    "check_not_future",
    "check_value",
    "read_map",
    "write_map",
]

#: Seconds by which an honest publisher's clock may be ahead of ours.
CLOCK_TOLERANCE: Final = 300

_SHOWN: Final = 60
_TYPES: Final[dict[str, type[Any]]] = {"int": int, "text": str, "bytes": bytes, "list": list, "map": dict}
_UNITS: Final = {"int": "", "text": " characters", "bytes": " bytes", "list": " entries", "map": " entries"}


@dataclass(frozen=True, slots=True)
class ListField:
    """One field: its name, its key, its type, its least and greatest length or value, its form, whether it may lack."""

    name: str
    key: int | str
    type: str
    low: int
    high: int
    pattern: re.Pattern[str] | None
    form: str | None
    plain: bool
    optional: bool


def _load() -> dict[str, dict[str, ListField]]:
    data = json.loads((resources.files(__package__) / "list_fields.json").read_text("utf-8"))
    return {
        table: {
            name: ListField(
                name,
                row["key"],
                row["type"],
                row["min"],
                row["max"],
                re.compile(row["pattern"]) if "pattern" in row else None,
                row.get("form"),
                row.get("plain", False),
                row.get("optional", False),
            )
            for name, row in rows.items()
        }
        for table, rows in data.items()
        if table != "about"
    }


FIELDS: Final = _load()
"""``{map: {field name: ListField}}``."""

_KNOWN: Final = {table: {field.key for field in rows.values()} for table, rows in FIELDS.items()}


def read_map(source: object, table: str, layer: str, path: str, unknown: list[str]) -> dict[str, Any]:
    """The values of one map by field name.

    Args:
        source: a value of :func:`icard_crypto.encoding.cbor.decode`.
        table: the map's name in ``list_fields.json``.
        layer: the layer of the error codes.
        path: where the map stands; empty for the payload itself.
        unknown: paths of keys that are not understood are added here.

    Raises:
        DecodeError: ``<layer>.*``.
    """
    if type(source) is not dict:
        raise DecodeError(f"{layer}.wrong_type", path=path or "payload", expected="a map", found=type(source).__name__)
    before = f"{path}." if path else ""
    values: dict[str, Any] = {}
    for name, field in FIELDS[table].items():
        value = source.get(field.key)
        # Null is no value of any field, so that a key with null is a fault and not an absence.
        if value is None and field.key not in source:
            if not field.optional:
                raise DecodeError(f"{layer}.missing", path=before + name, expected=f"key {diagnostic(field.key)}")
            values[name] = None
            continue
        check_value(value, field, layer, before + name)
        values[name] = value
    if len(source) > len(values) or not source.keys() <= _KNOWN[table]:
        unknown += [before + diagnostic(key)[:_SHOWN] for key in source if key not in _KNOWN[table]]
    return values


def check_value(value: object, field: ListField, layer: str, path: str) -> None:
    """Check one value against its field.

    Raises:
        DecodeError: ``<layer>.wrong_type``, ``<layer>.out_of_range``, ``<layer>.form``.
    """
    # By exact type: true is an int to isinstance.
    if type(value) is not _TYPES[field.type]:
        raise DecodeError(f"{layer}.wrong_type", path=path, expected=field.type, found=type(value).__name__)
    size = value if isinstance(value, int) else len(value)  # type: ignore[arg-type]
    if not field.low <= size <= field.high:
        span = str(field.low) if field.low == field.high else f"{field.low} to {field.high}"
        unit = _UNITS[field.type]
        raise DecodeError(f"{layer}.out_of_range", path=path, expected=span + unit, found=f"{size}{unit}")
    if isinstance(value, str):
        if field.pattern is not None and not field.pattern.fullmatch(value):
            raise DecodeError(f"{layer}.form", path=path, expected=field.form, found=diagnostic(value[:_SHOWN]))
        if field.plain and not is_plain(value):
            raise DecodeError(f"{layer}.form", path=path, expected="text without control or format characters")


def write_map(table: str, values: Mapping[str, Any]) -> dict[int | str, Any]:
    """A map ready for CBOR from values by field name."""
    return {field.key: values[name] for name, field in FIELDS[table].items() if values[name] is not None}


def check_lifetime(layer: str, iat: int, exp: int, longest: int) -> None:
    """Refuse a list that ends before it begins or lives longer than ``longest`` seconds.

    Raises:
        DecodeError: ``<layer>.lifetime``.
    """
    if not iat < exp <= iat + longest:
        raise DecodeError(
            f"{layer}.lifetime",
            path="exp",
            expected=f"after iat, at most {longest // DAY} days on",
            found=f"{exp - iat} seconds",
        )


def check_not_future(layer: str, iat: int, now: int) -> None:
    """Refuse a list issued more than :data:`CLOCK_TOLERANCE` after ``now`` (Unix time).

    Raises:
        DecodeError: ``<layer>.future``.
    """
    if iat > now + CLOCK_TOLERANCE:
        expected = f"at most {now} + {CLOCK_TOLERANCE} seconds"
        raise DecodeError(f"{layer}.future", path="iat", expected=expected, found=str(iat))
