"""Straight-line readers of claim maps, written from ``fields.json`` when icard is imported.

Promises:

1. A reader says only yes: it gives a map's values where every key is known and every value keeps to its field, and None
   otherwise. What is wrong, or unknown, is for :func:`icard_crypto.claim_maps.read_map` to say.
2. It accepts nothing that ``read_map`` would refuse, and gives the same values; a test holds that on every field.

Why code that writes code: a loop over a table spends most of its time on the table. The same checks written out, with
the bounds as constants, take two thirds of the time (public card, seven maps: 9.4 us against 6.0), which is why
``dataclasses`` writes its ``__init__`` too. Nothing but ``fields.json`` goes into the text.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any, Final

from icard_crypto.card import Month
from icard_crypto.fields import Field, is_plain

__all__ = ["EPOCH_ORDINAL", "KEY_TYPES", "Reader", "is_birthday", "make_reader"]

Reader = Callable[[dict[Any, Any]], "list[Any] | None"]

#: The day number of 1970-01-01 in :meth:`datetime.date.toordinal`.
EPOCH_ORDINAL: Final = datetime.date(1970, 1, 1).toordinal()
#: As keys of a dict True and 1.0 are equal to 1, and are never the same claim: types of keys are looked at first.
KEY_TYPES: Final = frozenset({int, str})

_TYPES: Final = {"text": "str", "birthday": "str", "bytes": "bytes", "map": "dict", "list": "list"}
_CONVERTED: Final = {
    "day": f"from_ordinal({EPOCH_ORDINAL} + {{0}})",
    "month": "Month(1970 + {0} // 12, {0} % 12 + 1)",
    "birthday": "from_iso({0})",
    "list": "tuple({0})",
}


def is_birthday(text: str) -> bool:
    """Whether a text of the right form is a date that exists (YYYYMMDD)."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def make_reader(fields: Sequence[tuple[int, Field]], width: int) -> Reader:
    """A reader for these fields, each with its place in the list of ``width`` values that it gives."""
    known: dict[str, Any] = {
        "key_types": KEY_TYPES.issuperset,
        "from_ordinal": datetime.date.fromordinal,
        "from_iso": datetime.date.fromisoformat,
        "is_birthday": is_birthday,
        "is_plain": is_plain,
        "Month": Month,
    }
    lines = [
        "def read(source):",
        # A text is equal to nothing but a text.
        *([" if not key_types(map(type, source)): return None"] if any(type(f.key) is int for _, f in fields) else []),
        " get = source.get",
        f" found = {sum(field.required for _, field in fields)}",
    ]
    for place, field in fields:
        value = f"v{place}"
        if field.read_pattern is not None:
            known[f"form{place}"] = field.read_pattern.fullmatch
        check = f"if {_refused(value, place, field)}: return None"
        convert = f"{value} = {_CONVERTED[field.type].format(value)}" if field.type in _CONVERTED else "pass"
        lines.append(f" {value} = get({field.key!r})")
        if field.required:
            lines += [f" {check}", f" {convert}"]
        else:
            lines += [f" if {value} is not None:", f"  {check}", f"  {convert}", "  found += 1"]
    filled = {place for place, _ in fields}
    values = ", ".join(f"v{place}" if place in filled else "None" for place in range(width))
    # Fewer found than there are: a key that is not known, or a null.
    lines.append(f" return [{values}] if found == len(source) else None")
    exec("\n".join(lines), known)  # noqa: S102 - the text is made of fields.json alone
    reader: Reader = known["read"]
    return reader


def _refused(value: str, place: int, field: Field) -> str:
    """The condition under which the field refuses a value."""
    kind = _TYPES.get(field.type)
    if kind is None:
        return f"type({value}) is not int or not {field.low} <= {value} <= {field.high}"
    refused = f"type({value}) is not {kind} or not {field.low} <= len({value}) <= {field.high}"
    if field.read_pattern is not None:
        refused += f" or not form{place}({value})"
    elif field.type == "text":
        refused += f" or not ({value}.isprintable() or is_plain({value}))"
    return f"{refused} or not is_birthday({value})" if field.type == "birthday" else refused
