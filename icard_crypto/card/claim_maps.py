"""One pass over one map of claims: keys, types, bounds and forms from ``fields.json``.

Promises:

1. :func:`read_map` gives a map's known values in the order of its table, converted, None where absent; or it raises
   ``DecodeError`` ``claims.*`` with the path of the field.
2. Unknown keys are listed, never read; their names are shortened and escaped.
3. :func:`write_map` is the inverse for known values; None is left out.
4. A value is in an error only where ``fields.json`` says ``show``.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from icard_crypto.errors import DecodeError

from .characters import is_plain
from .claim_readers import is_birthday
from .facts import EPOCH_ORDINAL, months_of
from .fields import FIELDS, Field
from .parts import ATTRIBUTES, Month

__all__ = ["Table", "fault", "read_map", "type_name", "write_map", "write_part"]


def _day(days: int) -> datetime.date:
    return datetime.date.fromordinal(EPOCH_ORDINAL + days)


def _month(months: int) -> Month:
    return Month(1970 + months // 12, months % 12 + 1)


# As keys of a dict True and 1.0 are equal to 1, and are never the same claim: types of keys are looked at first.
_KEY_TYPES: Final = frozenset({int, str})

_KINDS: Final[dict[str, type[Any]]] = {
    "text": str,
    "birthday": str,
    "int": int,
    "day": int,
    "month": int,
    "bytes": bytes,
    "map": dict,
    "list": list,
}
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "day": _day,
    "month": _month,
    "birthday": datetime.date.fromisoformat,
    "list": tuple,
}
_WRITE: Final[dict[str, Callable[[Any], Any]]] = {
    "day": lambda day: day.toordinal() - EPOCH_ORDINAL,
    "month": months_of,
    "birthday": lambda day: f"{day:%Y%m%d}",
    "list": list,
}


_Check: TypeAlias = "Callable[[Any], object] | None"
# slot in the result, type, least and greatest length or value, further check, conversion, the field
_Rule: TypeAlias = "tuple[int, type[Any], int, int, _Check, Callable[[Any], Any] | None, Field]"


class Table:
    """The fields of one map, ready for one pass over it; values come in ``order``."""

    __slots__ = ("required", "rules", "width")

    def __init__(self, map_name: str, order: Iterable[str]) -> None:
        known = {ATTRIBUTES.get(name, name): field for name, field in FIELDS[map_name].items()}
        slots = list(order)
        self.width = len(slots)
        self.rules: dict[int | str, _Rule] = {
            field.key: self._rule(slots.index(name), field) for name, field in known.items()
        }
        self.required = {field.key: field for field in known.values() if field.required}

    @staticmethod
    def _rule(slot: int, field: Field) -> _Rule:
        check: _Check = None
        if field.type == "text":
            check = field.read_pattern.fullmatch if field.read_pattern else is_plain
        elif field.type == "birthday":
            check = is_birthday
        return slot, _KINDS[field.type], field.low, field.high, check, _READ.get(field.type), field


def read_map(source: dict[Any, Any], table: Table, path: str, unknown: list[str]) -> list[Any]:
    """The values of a map in the order of its table; paths of unknown keys are added to ``unknown``.

    Raises:
        DecodeError: ``claims.*``.
    """
    if not _KEY_TYPES.issuperset(map(type, source)):
        raise DecodeError("claims.bad_key", path=path, expected="integers and texts")
    if not table.required.keys() <= source.keys():
        missing = next(field for key, field in table.required.items() if key not in source)
        raise DecodeError("claims.missing", path=f"{path}.{missing.name}", expected=f"key {missing.key!r}")
    values: list[Any] = [None] * table.width
    rules = table.rules
    for key, value in source.items():
        rule = rules.get(key)
        if rule is None:
            unknown.append(_unknown_path(path, key))
            continue
        slot, kind, low, high, check, convert, field = rule
        # An exact type: True is an int to isinstance, and never one here.
        if type(value) is not kind or not low <= (value if kind is int else len(value)) <= high:
            raise fault(path, field, value)
        if check is not None and not check(value):
            raise fault(path, field, value)
        values[slot] = value if convert is None else convert(value)
    return values


def _unknown_path(path: str, key: int | str) -> str:
    if isinstance(key, int):
        return f"{path}.{key}"
    # The key is the issuer's text: shortened, and written so that it cannot forge a path or move a cursor.
    return f"{path}.{key[:24]!a}"


_TYPE_NAMES: Final[dict[type, str]] = {
    str: "text",
    int: "an integer",
    bytes: "bytes",
    dict: "a map",
    list: "a list",
    bool: "true or false",
    type(None): "null",
}


def type_name(value: object) -> str:
    """The CBOR type of a value, in words."""
    return _TYPE_NAMES.get(type(value), "another type")


def fault(path: str, field: Field, value: object) -> DecodeError:
    """The error for a value that its rule refuses; a value is shown only where the field allows it."""
    where = f"{path}.{field.name}"
    kind = _KINDS[field.type]
    if type(value) is not kind:
        return DecodeError(
            "claims.wrong_type",
            path=where,
            expected=_TYPE_NAMES[kind],
            found=type_name(value),
        )
    if isinstance(value, int):
        found = str(value) if field.show else "an integer outside"
        return DecodeError("claims.out_of_range", path=where, expected=field.length, found=found)
    size = len(value)  # type: ignore[arg-type]
    if not field.low <= size <= field.high:
        code = "claims.too_long" if size > field.high else "claims.too_short"
        return DecodeError(code, path=where, expected=field.length, found=f"{size}{field.unit}")
    found = ascii(value) if field.show else f"text of {size} characters"
    expected = field.form or "plain text: no control characters, no space but U+0020, something to see"
    return DecodeError("claims.bad_format", path=where, expected=expected, found=found[:40])


def write_map(map_name: str, values: Mapping[str, Any]) -> dict[int | str, Any]:
    """A map's values, by field name, under their keys; None is left out."""
    written: dict[int | str, Any] = {}
    for name, field in FIELDS[map_name].items():
        value = values.get(name)
        if value is not None:
            convert = _WRITE.get(field.type)
            # A named number (Scheme, Service, Profile) is written, and later read strictly, as the number it is.
            if isinstance(value, int):
                value = int(value)
            written[field.key] = value if convert is None else convert(value)
    return written


def write_part(map_name: str, part: object) -> dict[int | str, Any]:
    """The attributes of a part of the card under their keys; None is left out."""
    names = FIELDS[map_name]
    return write_map(map_name, {name: getattr(part, ATTRIBUTES.get(name, name)) for name in names})
