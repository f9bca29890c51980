"""The rows of ``fields.json`` for the native core, by which it reads the facts of a card.

Promises:

1. No bound, key or pattern is written here or in Rust: rows are handed over, and forms are asked of Python's own
   patterns.
2. What the native core reads, the reader in Python reads the same. It reads less: codes with a date of birth,
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
from .facts import DAY, HOUR, LONGEST_LIFE, OFFSET, Facts
from .fields import FIELDS, Field

if TYPE_CHECKING:
    from icard_native import Reader

__all__ = ["facts_in", "reader"]

#: The maps of a card's payload; a field of the type map is the map of its name.
_MAPS: Final = ("claims", "status", "status_list", "identity", "card", "permit", "insurance")

#: What :class:`icard_crypto.card.facts.Facts` holds, in its order: a field, how it is reported, and what it is to codes
#: that are alike: ``same`` in all of them; a number that may stand ``between`` those of others; the one ``beside``; or
#: ``aside``, of no account.
_TOLD: Final[tuple[tuple[str, str, str, int, int, str], ...]] = (
    ("claims", "iss", "value", 0, 0, "same"),
    ("claims", "iat", "value", 0, 0, "between"),
    ("claims", "nbf", "value", 0, 0, "between"),
    ("claims", "exp", "value", 0, 0, "between"),
    ("claims", "cti", "value", 0, 0, "aside"),
    ("status_list", "uri", "value", 0, 0, "same"),
    ("status_list", "idx", "value", 0, 0, "beside"),
    ("card", "profile", "value", 0, 0, "same"),
    ("card", "services", "list", 0, 0, "same"),
    ("identity", "photo", "presence", 0, 0, "same"),
    ("permit", "category", "value", 0, 0, "same"),
    ("permit", "employer", "presence", 0, 0, "same"),
    ("permit", "from", "scaled", DAY, -OFFSET, "between"),
    ("permit", "until", "scaled", DAY, DAY - OFFSET, "between"),
    ("permit", "region", "value", 0, 0, "same"),
    ("card", "insurance", "presence", 0, 0, "same"),
    ("insurance", "schemes", "value", 0, 0, "same"),
    ("insurance", "paid_through", "value", 0, 0, "between"),
    ("insurance", "region", "value", 0, 0, "same"),
    ("insurance", "exemptions", "list", 0, 0, "same"),
)

#: :func:`icard_crypto.card.facts.times_hold` as rows: numbers that are multiples, and how far one exceeds another.
_MULTIPLES: Final = (("iat", HOUR),)
_SPANS: Final = (("iat", "exp", 1, LONGEST_LIFE), ("nbf", "exp", 1, FIELDS["claims"]["exp"].high))


def reader() -> Reader | None:
    """The reader, made once; None where the native core is not used."""
    return None if native.state().keyring is None else _made()


@functools.cache
def _made() -> Reader:
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
    told = [(places[name, field], how, factor, add, role) for name, field, how, factor, add, role in _TOLD]
    multiples = [(places["claims", field], unit) for field, unit in _MULTIPLES]
    spans = [(places["claims", first], places["claims", then], low, high) for first, then, low, high in _SPANS]
    visible = [(chr(first), chr(last)) for first, last in COMMON]
    return native.core.Reader(maps, told, multiples, spans, visible, [form.fullmatch for form in forms])


def facts_in(payload: bytes) -> Facts | None:
    """The facts of a payload as the native core reads them; None where the reader in Python is to be asked."""
    fields = reader()
    told = None if fields is None else fields.facts(payload)
    return None if told is None else Facts._make(told)


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
