"""A card's JSON form, written.

Promises:

1. What is None or empty is left out; keys are in the order of ``fields.json``.
2. A value that nobody has defined yet is written as ``unknown-<value>``, which :mod:`icard_crypto.card.card_json`
   refuses.
3. ``card_json.read(write(*parts)) == parts`` for every card that may be issued.
"""

from __future__ import annotations

import base64
import datetime
import functools
from typing import Any, Final

from .fields import FIELDS, SERVICE_NUMBERS
from .parts import ATTRIBUTES, Holder, Insurance, Month, Permit

__all__ = ["write"]

_UNKNOWN: Final = "unknown-"
_SPELLED: Final = (datetime.date, Month)
#: Every field of a map by its name, and the attribute that holds it.
_MEMBERS: Final = {
    map_name: [(name, ATTRIBUTES.get(name, name)) for name in FIELDS[map_name]]
    for map_name in ("permit", "insurance", "exemption")
}


def _named(value: int | None, values: dict[str, int]) -> str | None:
    if value is None:
        return None
    return next((name for name, number in values.items() if number == value), f"{_UNKNOWN}{value}")


@functools.lru_cache(256)
def _scheme_names(schemes: int) -> tuple[str, ...]:
    values = FIELDS["insurance"]["schemes"].values
    bits = [1 << place for place in range(schemes.bit_length()) if schemes >> place & 1]
    return tuple(str(_named(bit, values)) for bit in bits)


def _write_photo(holder: Holder) -> dict[str, str | None] | None:
    if holder.photo is None:
        return None
    return _present(
        {
            "format": _named(holder.photo_format, FIELDS["identity"]["photo_format"].values),
            "data": base64.b64encode(holder.photo).decode("ascii"),
        }
    )


def _present(obj: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in obj.items() if value is not None}


def _write_part(map_name: str, part: object) -> dict[str, Any]:
    obj: dict[str, Any] = {}
    for name, attribute in _MEMBERS[map_name]:
        value = getattr(part, attribute)
        if value is not None:
            obj[name] = str(value) if isinstance(value, _SPELLED) else value
    return obj


def _write_insurance(insurance: Insurance) -> dict[str, Any]:
    obj = _write_part("insurance", insurance)
    if insurance.schemes is not None:
        obj["schemes"] = list(_scheme_names(insurance.schemes))
    obj["exemptions"] = [
        _write_part("exemption", exemption) | {"schemes": list(_scheme_names(exemption.schemes))}
        for exemption in insurance.exemptions
    ] or None
    return _present(obj)


def _write_native(holder: Holder) -> dict[str, Any] | None:
    return _present({"text": holder.name_native, "language": holder.native_language}) or None


def write(holder: Holder, permit: Permit, insurance: Insurance | None, services: tuple[int, ...]) -> dict[str, Any]:
    """The JSON form of a card's parts; what is None or empty is left out."""
    named = [
        SERVICE_NUMBERS[number].name if number in SERVICE_NUMBERS else f"{_UNKNOWN}{number}" for number in services
    ]
    return _present(
        {
            "holder": _present(
                {
                    "name": holder.name,
                    "name_native": _write_native(holder),
                    "year_of_birth": holder.year_of_birth,
                    "date_of_birth": None if holder.date_of_birth is None else str(holder.date_of_birth),
                    "gender": _named(holder.gender, FIELDS["identity"]["gender"].values),
                    "nationality": holder.nationality,
                    "photo": _write_photo(holder),
                }
            ),
            "permit": _write_part("permit", permit),
            "insurance": None if insurance is None else _write_insurance(insurance),
            "services": named or None,
        }
    )
