"""A card's JSON form, strictly read.

Promises:

1. What :func:`read` accepts may be issued: every field known, of its type, within its length and form, dates in
   order, services in the registry, employer codes with the right check character.
2. Anything else is a ``CardError`` ``card.*`` with the path of the field, what was expected and what was found;
   a name or number is never repeated in it. The error is the first fault of the card, and ``also`` has the others, each
   field's first, 20 at most.
3. ``write(*read(obj)) == obj`` for every object in the form that :mod:`icard_crypto.card.card_json_write` gives.

Dates are ``YYYY-MM-DD``, months ``YYYY-MM``, sets of schemes and services are lists of names.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Callable
from typing import Any, Final, cast

from icard_crypto.errors import CardError, Faults

from .characters import fault_of
from .fields import FIELDS, SERVICES, Field
from .parts import Exemption, Holder, Insurance, Month, Permit, Scheme, Service

__all__ = ["credit_code_holds", "read"]

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_YEARS: Final = range(1970, 2200)
_BIRTH_YEARS: Final = range(1900, 2200)

# GB 32100-2015, 4.6 and annex A: 31 characters, weights 3^i mod 31, the sum with the check character is 0 mod 31.
_CREDIT_CHARACTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_LENGTH: Final = 18

_PHOTO_STARTS: Final = {
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "jpeg2000": re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    "avif": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}

_MOST_FAULTS: Final = 20

_PARTS: Final = {
    "holder": ("name", "name_native", "year_of_birth", "date_of_birth", "gender", "nationality", "photo"),
    "holder.name_native": ("text", "language"),
    "holder.photo": ("format", "data"),
    "permit": tuple(FIELDS["permit"]),
    "insurance": tuple(FIELDS["insurance"]),
    "insurance.exemptions": tuple(FIELDS["exemption"]),
}


def _type_name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "another type")


def _expect(value: object, kind: type, path: str) -> Any:
    if type(value) is not kind:
        raise CardError("card.wrong_type", path=path, expected=_type_name(kind()), found=_type_name(value))
    return value


def _object(value: object, path: str, names: tuple[str, ...], faults: Faults) -> dict[str, Any]:
    obj: dict[str, Any] = _expect(value, dict, path or "card")
    prefix = f"{path}." if path else ""
    for name in [name for name in obj if name not in names][:_MOST_FAULTS]:
        where = f"{prefix}{ascii(str(name)[:24])[1:-1]}"
        faults.found.append(CardError("card.unknown_field", path=where, expected=f"one of {', '.join(names)}"))
    return obj


def _shown(value: str, field: Field) -> str:
    return ascii(value)[:40] if field.show else f"text of {len(value)} characters"


def _text(obj: dict[str, Any], path: str, name: str, field: Field, *, required: bool = False) -> str | None:
    where = f"{path}.{name}"
    if name not in obj:
        if required:
            raise CardError("card.missing_field", path=where, expected=field.form or "text")
        return None
    value = cast("str", _expect(obj[name], str, where))
    if not field.low <= len(value) <= field.high:
        code = "card.too_long" if len(value) > field.high else "card.too_short"
        raise CardError(code, path=where, expected=field.length, found=f"text of {len(value)} characters")
    if field.pattern is not None:
        if not field.pattern.fullmatch(value):
            raise CardError("card.bad_format", path=where, expected=field.form, found=_shown(value, field))
    else:
        expected = "no space at the ends" if value != value.strip() else fault_of(value)
        if expected is not None:
            raise CardError("card.bad_format", path=where, expected=expected, found=_shown(value, field))
    return value


def _year_in(years: range, year: int, where: str, *, show: bool) -> None:
    if year not in years:
        found = str(year) if show else "a year outside"
        raise CardError("card.out_of_range", path=where, expected=f"a year from {years[0]} to {years[-1]}", found=found)


def _date(
    obj: dict[str, Any], path: str, name: str, *, required: bool = False, birth: bool = False
) -> datetime.date | None:
    where = f"{path}.{name}"
    if name not in obj:
        if required:
            raise CardError("card.missing_field", path=where, expected="a date as YYYY-MM-DD")
        return None
    value = cast("str", _expect(obj[name], str, where))
    found = "text that is no date" if birth else ascii(value)[:24]
    if not _DATE.fullmatch(value):
        raise CardError("card.bad_format", path=where, expected="a date as YYYY-MM-DD", found=found)
    _year_in(_BIRTH_YEARS if birth else _YEARS, int(value[:4]), where, show=not birth)
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise CardError("card.bad_format", path=where, expected="a day of the calendar", found=found) from None


def _value(name: object, path: str, values: dict[str, int]) -> int:
    text = cast("str", _expect(name, str, path))
    if text not in values:
        raise CardError("card.unknown_value", path=path, expected=f"one of {', '.join(values)}", found=ascii(text)[:24])
    return values[text]


def _values(entries: object, path: str, values: dict[str, int]) -> list[int]:
    numbers: list[int] = []
    for place, entry in enumerate(_expect(entries, list, path)):
        where = f"{path}[{place}]"
        number = _value(entry, where, values)
        if number in numbers:
            raise CardError("card.duplicate", path=where, expected="each name once", found=entry)
        numbers.append(number)
    return sorted(numbers)


def _photo(holder: dict[str, Any], faults: Faults) -> tuple[bytes | None, int | None]:
    if "photo" not in holder:
        return None, None
    field, value = FIELDS["identity"]["photo"], holder["photo"]
    obj: dict[str, Any] = {"data": value}
    where = "holder.photo"
    if isinstance(value, dict):
        obj = _object(value, "holder.photo", _PARTS["holder.photo"], faults)
        where = "holder.photo.data"
    if "data" not in obj:
        raise CardError("card.missing_field", path=where, expected="base64")
    text = cast("str", _expect(obj["data"], str, where))
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = f"text of {len(text)} characters"
        raise CardError("card.bad_format", path=where, expected="base64 (RFC 4648, 4)", found=found) from None
    if len(data) > field.high:
        raise CardError("card.too_long", path=where, expected=field.length, found=f"{len(data)} bytes")
    formats = FIELDS["identity"]["photo_format"].values
    recognised = next((name for name, start in _PHOTO_STARTS.items() if start.match(data)), None)
    if recognised is None:
        expected = f"a picture: {', '.join(formats)}"
        raise CardError("card.bad_format", path=where, expected=expected, found=f"{len(data)} bytes")
    if "format" in obj:
        _value(obj["format"], "holder.photo.format", formats)
        if obj["format"] != recognised:
            raise CardError(
                "card.disagrees", path="holder.photo.format", expected=f"{recognised}, as in data", found=obj["format"]
            )
    return data, formats[recognised]


def _native_name(obj: dict[str, Any], faults: Faults) -> tuple[str | None, str | None]:
    if "name_native" not in obj:
        return None, None
    path, identity = "holder.name_native", FIELDS["identity"]
    pair = _object(obj["name_native"], path, _PARTS[path], faults)
    name = faults.of(_text, pair, path, "text", identity["name_native"], required=True)
    return name, faults.of(_text, pair, path, "language", identity["native_language"], required=True)


def _year_of_birth(obj: dict[str, Any], born: datetime.date | None) -> int | None:
    where = "holder.year_of_birth"
    if "year_of_birth" not in obj:
        if "date_of_birth" not in obj:
            raise CardError("card.missing_field", path=where, expected="a year, or holder.date_of_birth")
        return None if born is None else born.year
    year = cast("int", _expect(obj["year_of_birth"], int, where))
    _year_in(_BIRTH_YEARS, year, where, show=False)
    if born is not None and year != born.year:
        raise CardError("card.disagrees", path=where, expected="the year of holder.date_of_birth")
    return year


def _holder(value: object, faults: Faults) -> Holder:
    obj = _object(value, "holder", _PARTS["holder"], faults)
    identity = FIELDS["identity"]
    native, language = faults.of(_native_name, obj, faults) or (None, None)
    born = faults.of(_date, obj, "holder", "date_of_birth", birth=True)
    year = faults.of(_year_of_birth, obj, born)
    photo, photo_format = faults.of(_photo, obj, faults) or (None, None)
    genders = identity["gender"].values
    return Holder(
        name=faults.of(_text, obj, "holder", "name", identity["name"], required=True),
        name_native=native,
        native_language=language,
        year_of_birth=year,
        date_of_birth=born,
        gender=faults.of(_value, obj["gender"], "holder.gender", genders) if "gender" in obj else None,
        nationality=faults.of(_text, obj, "holder", "nationality", identity["nationality"], required=True),
        photo=photo,
        photo_format=photo_format,
    )


def credit_code_holds(code: str) -> bool:
    """Whether a text is a unified social credit code whose check character is right (GB 32100-2015, 18 characters)."""
    if len(code) != _CREDIT_LENGTH or not set(code) <= set(_CREDIT_CHARACTERS):
        return False
    total = sum(_CREDIT_CHARACTERS.index(character) * 3**place for place, character in enumerate(code[:17]))
    return code[17] == _CREDIT_CHARACTERS[-total % 31]


def _employer_code(obj: dict[str, Any], field: Field) -> str | None:
    code = _text(obj, "permit", "employer_code", field)
    if code is not None and not credit_code_holds(code):
        raise CardError(
            "card.bad_check_character",
            path="permit.employer_code",
            expected="the check character of GB 32100-2015 at the end",
            found="another character",
        )
    return code


def _last4(obj: dict[str, Any], field: Field, number: str | None) -> str | None:
    last4 = _text(obj, "permit", "number_last4", field)
    if number is None:
        return last4
    if last4 is not None and last4 != number[-4:]:
        raise CardError("card.disagrees", path="permit.number_last4", expected="the end of permit.number")
    return number[-4:]


def _period(
    obj: dict[str, Any], path: str, faults: Faults, *, begins: bool
) -> tuple[datetime.date | None, datetime.date | None]:
    """From when until when; ``begins``: the first day is required, as the last always is."""
    first = faults.of(_date, obj, path, "from", required=begins)
    last = faults.of(_date, obj, path, "until", required=True)
    if first is not None and last is not None and last < first:
        wrong = CardError("card.disagrees", path=f"{path}.until", expected=f"{first} or later", found=str(last))
        faults.found.append(wrong)
    return first, last


def _permit(value: object, faults: Faults) -> Permit:
    obj = _object(value, "permit", _PARTS["permit"], faults)
    known = FIELDS["permit"]
    texts = {
        name: faults.of(_text, obj, "permit", name, field, required=name in ("category", "region"))
        for name, field in known.items()
        if field.type == "text" and name not in ("employer_code", "number_last4")
    }
    texts["employer_code"] = faults.of(_employer_code, obj, known["employer_code"])
    texts["number_last4"] = faults.of(_last4, obj, known["number_last4"], texts["number"])
    first, last = _period(obj, "permit", faults, begins=False)
    return Permit(**texts, valid_from=first, valid_until=last)


def _exempt_schemes(obj: dict[str, Any], path: str) -> Scheme:
    if "schemes" not in obj:
        raise CardError("card.missing_field", path=f"{path}.schemes", expected="a list of schemes")
    schemes = Scheme(sum(_values(obj["schemes"], f"{path}.schemes", FIELDS["exemption"]["schemes"].values)))
    if not schemes:
        raise CardError("card.too_short", path=f"{path}.schemes", expected="at least one scheme", found="none")
    return schemes


def _exemption(value: object, path: str, faults: Faults) -> Exemption:
    obj = _object(value, path, _PARTS["insurance.exemptions"], faults)
    schemes = faults.of(_exempt_schemes, obj, path)
    certificate = faults.of(_text, obj, path, "certificate", FIELDS["exemption"]["certificate"], required=True)
    period = _period(obj, path, faults, begins=True)
    # What is missing here is among the faults, and nobody gets this exemption.
    return Exemption(*cast("tuple[Scheme, str, datetime.date, datetime.date]", (schemes, certificate, *period)))


def _schemes(obj: dict[str, Any]) -> Scheme:
    if "schemes" not in obj:
        raise CardError(
            "card.missing_field", path="insurance.schemes", expected="a list of schemes, which may be empty"
        )
    return Scheme(sum(_values(obj["schemes"], "insurance.schemes", FIELDS["insurance"]["schemes"].values)))


def _month(value: object, path: str) -> Month:
    text = cast("str", _expect(value, str, path))
    if not _MONTH.fullmatch(text):
        raise CardError("card.bad_format", path=path, expected="a month as YYYY-MM", found=ascii(text)[:24])
    month = Month(int(text[:4]), int(text[5:]))
    _year_in(_YEARS, month.year, path, show=True)
    return month


def _exemptions(value: object, faults: Faults) -> list[Exemption | None]:
    path, most = "insurance.exemptions", FIELDS["insurance"]["exemptions"].high
    entries = _expect(value, list, path)
    if len(entries) > most:
        raise CardError("card.too_long", path=path, expected=f"at most {most} entries", found=f"{len(entries)} entries")
    return [faults.of(_exemption, entry, f"{path}[{place}]", faults) for place, entry in enumerate(entries)]


def _insurance(value: object, faults: Faults) -> Insurance:
    obj = _object(value, "insurance", _PARTS["insurance"], faults)
    known = FIELDS["insurance"]
    schemes = faults.of(_schemes, obj)
    month = faults.of(_month, obj["paid_through"], "insurance.paid_through") if "paid_through" in obj else None
    exemptions = faults.of(_exemptions, obj.get("exemptions", []), faults)
    return Insurance(
        number_last4=faults.of(_text, obj, "insurance", "number_last4", known["number_last4"]),
        schemes=schemes,
        enrolled_from=faults.of(_date, obj, "insurance", "enrolled_from"),
        paid_through=month,
        region=faults.of(_text, obj, "insurance", "region", known["region"]),
        exemptions=tuple(cast("list[Exemption]", exemptions or [])),
    )


def _services(value: object, _: Faults) -> tuple[Service, ...]:
    return tuple(map(Service, _values(value, "services", {name: service.number for name, service in SERVICES.items()})))


_READERS: Final[dict[str, Callable[[object, Faults], Any]]] = {
    "holder": _holder,
    "permit": _permit,
    "insurance": _insurance,
    "services": _services,
}


Parts = tuple[Holder, Permit, Insurance | None, tuple[Service, ...]]


def read(obj: object) -> Parts:
    """Holder, permit, insurance and services that ``obj`` describes; see :meth:`icard_crypto.card.card.Card.from_json`.

    Raises:
        CardError: ``card.*``.
    """
    faults = Faults()
    card = _object(obj, "", tuple(_READERS), faults)
    for name in ("holder", "permit"):
        if name not in card:
            faults.found.append(CardError("card.missing_field", path=name, expected="an object"))
    parts: dict[str, Any] = {
        name: faults.of(part, card[name], faults) for name, part in _READERS.items() if name in card
    }
    faults.settle()
    return parts["holder"], parts["permit"], parts.get("insurance"), parts.get("services", ())
