"""Claims with their names, for people who look into a code: key, name, diagnostic notation, meaning, size.

Promises:

1. Names come from ``icard_crypto/card/fields.json``, the table that also decides what is read.
2. A key that is not in the table is shown and marked as not understood.
3. Sizes are exact: strict CBOR has one encoding of each value, so encoding an item again tells its length.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from icard_crypto.card.card import Scheme
from icard_crypto.card.fields import FIELDS, SERVICE_NUMBERS, Field
from icard_crypto.encoding import cbor
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.moments import moment_text

from .tree import Layer

__all__ = ["claim_parts"]

_TIMES: Final = frozenset({"exp", "nbf", "iat"})
#: A value longer than this is cut in the tree: a photo is some hundred bytes.
_LONGEST: Final = 120


def claim_parts(payload: cbor.Value, encoded: bytes) -> list[Layer]:
    """The claims of a payload that was read from ``encoded``."""
    if not isinstance(payload, dict):
        return [Layer("no map", len(encoded), _cut(diagnostic(payload)), 0, understood=False)]
    return _map_parts(payload, "claims", len(encoded) - _content_size(payload))


def _content_size(mapping: dict[int | str, Any]) -> int:
    return sum(len(cbor.encode(key)) + len(cbor.encode(value)) for key, value in mapping.items())


def _map_parts(mapping: dict[int | str, Any], map_name: str, at: int) -> list[Layer]:
    names = {entry.key: entry for entry in FIELDS.get(map_name, {}).values()}
    parts = []
    for key, value in mapping.items():
        entry = names.get(key)
        size = len(cbor.encode(key)) + len(cbor.encode(value))
        title = f"{diagnostic(key)} {entry.name}" if entry and entry.name != key else diagnostic(key)
        part = Layer(title, size, offset=at, understood=entry is not None)
        if entry is not None and isinstance(value, dict) and entry.name in FIELDS:
            start = at + size - _content_size(value)
            part.parts = _map_parts(value, entry.name, start)
        else:
            part.value = _cut(diagnostic(value)) + _meaning(entry, value)
        parts.append(part)
        at += size
    return parts


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _meaning(entry: Field | None, value: object) -> str:
    """What a number means, in brackets; nothing where it says all there is, or is out of range."""
    if entry is None:
        return ""
    words = ""
    if entry.name == "services" and isinstance(value, list):
        names = [SERVICE_NUMBERS[number].name for number in value if type(number) is int and number in SERVICE_NUMBERS]
        words = ", ".join(names)
    elif type(value) is int and entry.low <= value <= entry.high:
        words = _number(entry, value)
    return f" ({words})" if words else ""


def _number(entry: Field, value: int) -> str:
    if entry.name in _TIMES:
        return moment_text(value)
    if entry.type == "day":
        return (datetime.date(1970, 1, 1) + datetime.timedelta(value)).isoformat()
    if entry.type == "month":
        return f"{1970 + value // 12}-{value % 12 + 1:02d}"
    if entry.name == "schemes":
        return ", ".join(str(scheme.name).lower() for scheme in Scheme if scheme & value)
    return next((name for name, number in entry.values.items() if number == value), "")
