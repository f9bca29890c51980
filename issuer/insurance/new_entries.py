"""Rows for the books as they are reported: read from texts, before anything is compared with the record.

Promises:

1. Every field is there and of its form; sums are whole fen, and not both nothing. What is wrong is named by its field.
2. The audit knows rows by a hash of their lines, without what an import knows them by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, Literal

from icard_crypto.errors import Faults, IcardError, Invalid, together
from issuer.rules.days import parse_day

from .money import parse_yuan
from .months import parse_month
from .schemes import Scheme, schemes_of

__all__ = ["NewEntry", "digest_of", "entries_from", "entry_from"]

_KINDS: Final = ("reported", "paid", "refunded")
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A reported row.

    Args:
        number: the person's insurance number.
        employer_code: unified social credit code.
        employer_part, employee_part: in fen.
        source_key: what the row is known by when it is reported again; None: it is not.
    """

    number: str
    employer_code: str
    kind: Literal["reported", "paid", "refunded"]
    month: int
    scheme: Scheme
    employer_part: int
    employee_part: int
    day: date
    source_key: str | None = None

    @property
    def line(self) -> str:
        """The row as a line, without what it is known by."""
        parts = f"{self.employer_part},{self.employee_part}"
        return f"{self.number},{self.employer_code},{self.kind},{self.month},{int(self.scheme)},{parts},{self.day}"


def entry_from(values: Mapping[str, Any], source_key: str | None = None) -> NewEntry:
    """A row from its JSON or its cells: texts.

    Raises:
        Invalid: ``insurance.entry``, ``insurance.month``, ``insurance.scheme``, ``insurance.amount``,
            ``insurance.day``; each field that is wrong is in ``also``.
    """
    try:
        return _entry(values, source_key)
    except Invalid as fault:
        raise _with_others(values, fault) from None


def entries_from(rows: Iterable[Mapping[str, Any]]) -> list[NewEntry | IcardError]:
    """Rows from their JSON; one that cannot be read is its fault, with those of its other fields in ``also``."""
    return [_entry_or_fault(row) for row in rows]


def _entry_or_fault(values: Mapping[str, Any]) -> NewEntry | IcardError:
    try:
        return entry_from(values)
    except IcardError as fault:
        return fault.with_traceback(None)


def _with_others(values: Mapping[str, Any], first: Invalid) -> IcardError:
    """The first fault of a row, with those of its other fields."""
    faults = Faults()
    for name, read in _READERS.items():
        faults.of(_read_field, values, name, read)
    return together([first, *(one for one in faults.found if one.path != first.path)])


def _read_field(values: Mapping[str, Any], name: str, read: Callable[[str], object]) -> None:
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise Invalid("insurance.entry", path=name, expected=f"a text of 1 to {_LONGEST} characters")
    read(value)


def _entry(values: Mapping[str, Any], source_key: str | None) -> NewEntry:
    if values.keys() != _FIELDS:
        missing = sorted(_FIELDS - values.keys())
        raise Invalid("insurance.entry", path=(missing or ["row"])[0], expected=", ".join(sorted(_FIELDS)))
    for name in _READERS:
        value = values[name]
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
            raise Invalid("insurance.entry", path=name, expected=f"a text of 1 to {_LONGEST} characters")
    kind: Any = _kind_of(values["kind"])
    parts = [parse_yuan(values[name], name) for name in ("employer_part", "employee_part")]
    if not any(parts):
        raise Invalid("insurance.amount", path="employer_part", expected="more than nothing")
    return NewEntry(
        values["number"].strip().upper(),
        values["employer_code"].strip().upper(),
        kind,
        parse_month(values["month"]),
        _scheme_of(values["scheme"]),
        parts[0],
        parts[1],
        _day_of(values["day"]),
        source_key,
    )


def _day_of(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise Invalid("insurance.day", path="day", expected="a day as YYYY-MM-DD") from None


def _kind_of(text: str) -> str:
    if text not in _KINDS:
        raise Invalid("insurance.entry", path="kind", expected=", ".join(_KINDS))
    return text


def _scheme_of(text: str) -> Scheme:
    return schemes_of([text])


#: What reads each field that has a form of its own.
_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "number": str.strip,
    "employer_code": str.strip,
    "kind": _kind_of,
    "month": parse_month,
    "scheme": _scheme_of,
    "employer_part": partial(parse_yuan, path="employer_part"),
    "employee_part": partial(parse_yuan, path="employee_part"),
    "day": _day_of,
}
_FIELDS: Final = frozenset(_READERS)


def digest_of(rows: Iterable[NewEntry]) -> str:
    """The hash by which the audit knows rows: SHA-256 of their lines."""
    return hashlib.sha256("\n".join(row.line for row in rows).encode()).hexdigest()
