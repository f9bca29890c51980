"""JSON that means one thing: of two members of one name Python would silently keep the second (RFC 8259, section 4).

Promises:

1. An object with two members of one name is refused, at any depth; so are NaN and Infinity, which JSON does not have,
   and numbers that Python would read as Infinity.
2. What cannot be read is a ``ValueError``, also where it is nested too deeply.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

__all__ = ["DuplicateMember", "finite", "loads", "members_once"]


class DuplicateMember(ValueError):
    """An object has two members of one name, ``name``."""

    def __init__(self, name: str) -> None:
        super().__init__("a member of an object stands there twice")
        self.name = name


def members_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object with these members, for a decoder's ``object_pairs_hook``.

    Raises:
        DuplicateMember: two of them have one name.
    """
    made = dict(members)
    if len(made) != len(members):
        seen: set[str] = set()
        for name, _ in members:
            if name in seen:
                raise DuplicateMember(name)
            seen.add(name)
    return made


def finite(text: str) -> float:
    """The number with a fraction or an exponent that a text writes, for a decoder's ``parse_float``.

    Raises:
        ValueError: it is greater than any that Python keeps.
    """
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number that is too great")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_READER: Final = json.JSONDecoder(object_pairs_hook=members_once, parse_float=finite, parse_constant=_constant)


def loads(data: str | bytes) -> Any:
    """The value of a JSON text, or of its bytes in any encoding that :func:`json.loads` knows.

    Raises:
        ValueError: :class:`json.JSONDecodeError` with line and column, :class:`UnicodeDecodeError`,
            :class:`DuplicateMember`, or a plain one.
    """
    text = data.decode(json.detect_encoding(data), "surrogatepass") if isinstance(data, bytes) else data
    try:
        return _READER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
