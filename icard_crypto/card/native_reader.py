"""The rows of ``fields.json`` for the native core, by which it reads the facts of a card.

Promises:

1. No bound, key or pattern is written here or in Rust: rows are handed over, and forms are asked of Python's own
   patterns.
2. What the native core reads, the reader in Python reads the same, but for what several fields say together
   (:func:`icard_crypto.card.facts.times_hold`), which its caller asks. It reads less: codes with a date of birth,
   exemptions or a holder's key, and texts beyond the common characters, are left to Python.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from icard_crypto import native
from icard_crypto.encoding import cbor

from .characters import COMMON
from .facts import DAY, OFFSET
from .fields import FIELDS, Field

if TYPE_CHECKING:
    from icard_native import Reader

__all__ = ["reader"]

#: The maps of a card's payload; a field of the type map is the map of its name.
_MAPS: Final = ("claims", "status", "status_list", "identity", "card", "permit", "insurance")

#: What :class:`icard_crypto.card.facts.Facts` holds, in its order: a field, and how it is reported.
_TOLD: Final[tuple[tuple[str, str, str, int, int], ...]] = (
    ("claims", "iss", "value", 0, 0),
    ("claims", "iat", "value", 0, 0),
    ("claims", "nbf", "value", 0, 0),
    ("claims", "exp", "value", 0, 0),
    ("claims", "cti", "value", 0, 0),
    ("status_list", "uri", "value", 0, 0),
    ("status_list", "idx", "value", 0, 0),
    ("card", "profile", "value", 0, 0),
    ("card", "services", "list", 0, 0),
    ("identity", "photo", "presence", 0, 0),
    ("permit", "category", "value", 0, 0),
    ("permit", "employer", "presence", 0, 0),
    ("permit", "from", "scaled", DAY, -OFFSET),
    ("permit", "until", "scaled", DAY, DAY - OFFSET),
    ("permit", "region", "value", 0, 0),
    ("card", "insurance", "presence", 0, 0),
    ("insurance", "schemes", "value", 0, 0),
    ("insurance", "paid_through", "value", 0, 0),
    ("insurance", "region", "value", 0, 0),
    ("insurance", "exemptions", "list", 0, 0),
)


@functools.cache
def reader() -> Reader | None:
    """The reader, made once; None without the native core."""
    if native.core is None:
        return None
    fields = {(name, field.name): field for name in _MAPS for field in FIELDS[name].values()}
    places = {each: place for place, each in enumerate(fields)}
    forms = [field.read_pattern for field in fields.values() if field.read_pattern and field.type == "text"]
    maps = [
        [
            (cbor.encode(field.key), field.required, *_kind(field, forms), places[name, field.name])
            for field in FIELDS[name].values()
        ]
        for name in _MAPS
    ]
    told = [(places[name, field], how, factor, summand) for name, field, how, factor, summand in _TOLD]
    visible = [(chr(first), chr(last)) for first, last in COMMON]
    return native.core.Reader(maps, told, visible, [form.fullmatch for form in forms])


def _kind(field: Field, forms: Sequence[re.Pattern[str]]) -> tuple[str, tuple[int, int], tuple[int, int]]:
    """The kind of a row, what it refers to, and its bounds."""
    bounds = (field.low, field.high)
    if field.type in ("int", "day", "month"):
        return "number", (0, 0), bounds
    if field.type == "text" and field.read_pattern is not None:
        return "form", (forms.index(field.read_pattern), 0), bounds
    if field.type == "text":
        return "plain", (0, 0), bounds
    if field.type == "bytes":
        return "bytes", (0, 0), bounds
    if field.type == "map" and field.name in _MAPS:
        return "map", (_MAPS.index(field.name), 0), bounds
    if field.name == "services":
        service = FIELDS["service"]["service"]
        return "numbers", (service.low, service.high), bounds
    return "elsewhere", (0, 0), bounds
