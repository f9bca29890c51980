"""A card's JSON form, strictly read.

Promises:

1. What :func:`read` accepts may be issued: every field known, of its type, within its length and form, dates in
   order, services in the registry, employer codes with the right check character.
2. Anything else is a ``CardError`` ``card.*`` with the path of the field, what was expected and what was found;
   a name or number is never repeated in it.
3. ``write(read(obj)) == obj`` for every object in the form that :mod:`icard_crypto.card_json_write` gives.

Dates are ``YYYY-MM-DD``, months ``YYYY-MM``, sets of schemes and services are lists of names.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from typing import Any, Final, cast

from icard_crypto.card import Card, Exemption, Holder, Insurance, Month, Permit
from icard_crypto.errors import CardError
from icard_crypto.fields import FIELDS, SERVICES, Field, is_plain

__all__ = ["credit_code_holds", "read"]

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_YEARS: Final = range(1970, 2200)
_BIRTH_YEARS: Final = range(1900, 2200)

# GB 32100-2015, 4.6 and annex A: 31 characters, weights 3^i mod 31, the sum with the check character is 0 mod 31.
_CREDIT_CHARACTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"

_PHOTO_STARTS: Final = {
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "jpeg2000": re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    "avif": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}

_PARTS: Final = {
    "card": ("holder", "permit", "insurance", "services"),
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


def _object(value: object, path: str, names: tuple[str, ...]) -> dict[str, Any]:
    obj: dict[str, Any] = _expect(value, dict, path or "card")
    prefix = f"{path}." if path else ""
    for name in obj:
        if name not in names:
            where = f"{prefix}{ascii(str(name)[:24])[1:-1]}"
            raise CardError("card.unknown_field", path=where, expected=f"one of {', '.join(names)}")
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
    elif not is_plain(value) or value != value.strip():
        expected = "plain text: no control characters, no space but U+0020, none at the ends"
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


def _in_order(first: datetime.date | None, last: datetime.date | None, path: str) -> None:
    if first is not None and last is not None and last < first:
        raise CardError("card.disagrees", path=f"{path}.until", expected=f"{first} or later", found=str(last))


def _value(name: object, path: str, values: dict[str, int]) -> int:
    text = cast("str", _expect(name, str, path))
    if text not in values:
        raise CardError("card.unknown_value", path=path, expected=f"one of {', '.join(values)}", found=ascii(text)[:24])
    return values[text]


def _values(obj: dict[str, Any], path: str, name: str, values: dict[str, int]) -> list[int]:
    entries = _expect(obj[name], list, f"{path}.{name}" if path else name)
    numbers: list[int] = []
    for place, entry in enumerate(entries):
        where = f"{path}.{name}[{place}]" if path else f"{name}[{place}]"
        number = _value(entry, where, values)
        if number in numbers:
            raise CardError("card.duplicate", path=where, expected="each name once", found=entry)
        numbers.append(number)
    return sorted(numbers)


def _photo(value: object) -> tuple[bytes, int]:
    field = FIELDS["identity"]["photo"]
    obj: dict[str, Any] = {"data": value}
    where = "holder.photo"
    if isinstance(value, dict):
        obj = _object(value, "holder.photo", _PARTS["holder.photo"])
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


def _holder(value: object) -> Holder:
    obj = _object(value, "holder", _PARTS["holder"])
    identity = FIELDS["identity"]
    native, language = None, None
    if "name_native" in obj:
        pair = _object(obj["name_native"], "holder.name_native", _PARTS["holder.name_native"])
        native = _text(pair, "holder.name_native", "text", identity["name_native"], required=True)
        language = _text(pair, "holder.name_native", "language", identity["native_language"], required=True)
    born = _date(obj, "holder", "date_of_birth", birth=True)
    year = None if born is None else born.year
    if "year_of_birth" in obj:
        given = cast("int", _expect(obj["year_of_birth"], int, "holder.year_of_birth"))
        _year_in(_BIRTH_YEARS, given, "holder.year_of_birth", show=False)
        if year is not None and given != year:
            raise CardError("card.disagrees", path="holder.year_of_birth", expected="the year of holder.date_of_birth")
        year = given
    if year is None:
        raise CardError("card.missing_field", path="holder.year_of_birth", expected="a year, or holder.date_of_birth")
    photo, photo_format = _photo(obj["photo"]) if "photo" in obj else (None, None)
    return Holder(
        name=_text(obj, "holder", "name", identity["name"], required=True),
        name_native=native,
        native_language=language,
        year_of_birth=year,
        date_of_birth=born,
        gender=_value(obj["gender"], "holder.gender", identity["gender"].values) if "gender" in obj else None,
        nationality=_text(obj, "holder", "nationality", identity["nationality"], required=True),
        photo=photo,
        photo_format=photo_format,
    )


def credit_code_holds(code: str) -> bool:
    """Whether the check character of a unified social credit code of 18 characters is right (GB 32100-2015)."""
    total = sum(_CREDIT_CHARACTERS.index(character) * 3**place for place, character in enumerate(code[:17]))
    return code[17] == _CREDIT_CHARACTERS[-total % 31]


def _check_credit_code(code: str | None) -> None:
    if code is not None and not credit_code_holds(code):
        raise CardError(
            "card.bad_check_character",
            path="permit.employer_code",
            expected="the check character of GB 32100-2015 at the end",
            found="another character",
        )


def _permit(value: object) -> Permit:
    obj = _object(value, "permit", _PARTS["permit"])
    known = FIELDS["permit"]
    required = {"category", "region"}
    texts = {
        name: _text(obj, "permit", name, field, required=name in required)
        for name, field in known.items()
        if field.type == "text"
    }
    _check_credit_code(texts["employer_code"])
    number, last4 = texts["number"], texts["number_last4"]
    if number is not None:
        if last4 is not None and last4 != number[-4:]:
            raise CardError("card.disagrees", path="permit.number_last4", expected="the end of permit.number")
        texts["number_last4"] = number[-4:]
    first = _date(obj, "permit", "from")
    last = _date(obj, "permit", "until", required=True)
    _in_order(first, last, "permit")
    return Permit(**texts, valid_from=first, valid_until=last)


def _exemption(value: object, path: str) -> Exemption:
    obj = _object(value, path, _PARTS["insurance.exemptions"])
    known = FIELDS["exemption"]
    if "schemes" not in obj:
        raise CardError("card.missing_field", path=f"{path}.schemes", expected="a list of schemes")
    schemes = sum(_values(obj, path, "schemes", known["schemes"].values))
    if not schemes:
        raise CardError("card.too_short", path=f"{path}.schemes", expected="at least one scheme", found="none")
    certificate = cast("str", _text(obj, path, "certificate", known["certificate"], required=True))
    first = cast("datetime.date", _date(obj, path, "from", required=True))
    last = cast("datetime.date", _date(obj, path, "until", required=True))
    _in_order(first, last, path)
    return Exemption(schemes, certificate, first, last)


def _insurance(value: object) -> Insurance:
    obj = _object(value, "insurance", _PARTS["insurance"])
    known = FIELDS["insurance"]
    if "schemes" not in obj:
        raise CardError(
            "card.missing_field", path="insurance.schemes", expected="a list of schemes, which may be empty"
        )
    month = None
    if "paid_through" in obj:
        text = cast("str", _expect(obj["paid_through"], str, "insurance.paid_through"))
        if not _MONTH.fullmatch(text):
            raise CardError(
                "card.bad_format", path="insurance.paid_through", expected="a month as YYYY-MM", found=ascii(text)[:24]
            )
        month = Month(int(text[:4]), int(text[5:]))
        _year_in(_YEARS, month.year, "insurance.paid_through", show=True)
    entries = _expect(obj.get("exemptions", []), list, "insurance.exemptions")
    if len(entries) > known["exemptions"].high:
        raise CardError(
            "card.too_long",
            path="insurance.exemptions",
            expected=f"at most {known['exemptions'].high} entries",
            found=f"{len(entries)} entries",
        )
    return Insurance(
        number_last4=_text(obj, "insurance", "number_last4", known["number_last4"]),
        schemes=sum(_values(obj, "insurance", "schemes", known["schemes"].values)),
        enrolled_from=_date(obj, "insurance", "enrolled_from"),
        paid_through=month,
        region=_text(obj, "insurance", "region", known["region"]),
        exemptions=tuple(_exemption(entry, f"insurance.exemptions[{place}]") for place, entry in enumerate(entries)),
    )


def read(obj: object) -> Card:
    """The card that ``obj`` describes; see :meth:`icard_crypto.card.Card.from_json`.

    Raises:
        CardError: ``card.*``.
    """
    card = _object(obj, "", _PARTS["card"])
    for name in ("holder", "permit"):
        if name not in card:
            raise CardError("card.missing_field", path=name, expected="an object")
    numbers = {name: service.number for name, service in SERVICES.items()}
    return Card(
        holder=_holder(card["holder"]),
        permit=_permit(card["permit"]),
        insurance=_insurance(card["insurance"]) if "insurance" in card else None,
        services=tuple(_values(card, "", "services", numbers)) if "services" in card else (),
    )
