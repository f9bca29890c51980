"""The claims of a card's code: what stands in the signed payload, to and from a :class:`~icard_crypto.card.Card`.

Promises:

1. ``decode_claims`` takes whatever strict CBOR gives and returns claims or raises ``DecodeError`` ``claims.*`` with the
   path of the field; nothing else. It needs a signature that holds: it checks form, never trust or time.
2. Required: iss, exp, iat, cti, status, identity, card, and the card's profile. All else may be absent.
3. A known field of the wrong type, beyond its length or range, or out of its form is refused; the bounds are
   ``fields.json``.
4. An unknown claim or subkey is ignored and listed in ``unknown``; an unknown value of a known field is kept.
5. Where year and date of birth both stand, they agree.
6. ``decode_claims(cbor.decode(encode_claims(x)))`` equals x, and ``encode_claims`` writes nothing that
   ``decode_claims`` would refuse.

Claims are those of CWT (RFC 8392), the status reference of the IETF Token Status List, MOSIP Claim 169 and icard's own
claim -65537. Times are seconds since 1970-01-01T00:00Z; in the card, dates are days and months since 1970-01-01.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

from icard_crypto import cbor
from icard_crypto.card import ATTRIBUTES, Card, Exemption, Holder, Insurance, Month, Permit
from icard_crypto.errors import DecodeError
from icard_crypto.fields import FIELDS, Field, is_plain

__all__ = ["CardClaims", "StatusRef", "decode_claims", "encode_claims", "to_map"]

EPOCH_ORDINAL: Final = datetime.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class StatusRef:
    """Where the code's status stands: a status list and the index in it."""

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class CardClaims:
    """All that a code claims.

    Args:
        issuer: short id of the issuing authority, such as ``cn.310000``.
        issued_at, not_before, expires: seconds since 1970-01-01T00:00Z.
        cti: 8 bytes, the identity of the code.
        profile: 1 public, 2 work, 3 authority; another number, read from a code, is unknown.
        confirmation: the holder's key as a COSE_Key map (RFC 8747).
        unknown: paths of what was in the code and is not understood, such as ``card.permit.44``; never written.
    """

    issuer: str
    issued_at: int
    not_before: int | None
    expires: int
    cti: bytes
    status: StatusRef
    profile: int
    card: Card
    confirmation: dict[Any, Any] | None = None
    unknown: tuple[str, ...] = ()


def _day(days: int) -> datetime.date:
    return datetime.date.fromordinal(EPOCH_ORDINAL + days)


def _month(months: int) -> Month:
    return Month(1970 + months // 12, months % 12 + 1)


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
    "month": lambda month: (month.year - 1970) * 12 + month.month - 1,
    "birthday": lambda day: f"{day:%Y%m%d}",
    "list": list,
}


def _is_birthday(text: str) -> bool:
    pattern = FIELDS["identity"]["date_of_birth"].read_pattern
    if pattern is None or not pattern.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


_Check: TypeAlias = "Callable[[Any], object] | None"
# slot in the result, type, least and greatest length or value, further check, conversion, the field
_Rule: TypeAlias = "tuple[int, type[Any], int, int, _Check, Callable[[Any], Any] | None, Field]"


class _Table:
    """The fields of one map, ready for one pass over it."""

    __slots__ = ("required", "rules", "width")

    def __init__(self, map_name: str, order: Iterable[str] | None = None) -> None:
        known = {ATTRIBUTES.get(name, name): field for name, field in FIELDS[map_name].items()}
        slots = list(order) if order is not None else list(known)
        self.width = len(slots)
        self.rules: dict[int | str, _Rule] = {
            field.key: self._rule(slots.index(name), field) for name, field in known.items()
        }
        self.required = tuple((slots.index(name), field) for name, field in known.items() if field.required)

    @staticmethod
    def _rule(slot: int, field: Field) -> _Rule:
        check: _Check = None
        if field.type == "text":
            check = field.read_pattern.fullmatch if field.read_pattern else is_plain
        elif field.type == "birthday":
            check = _is_birthday
        return slot, _KINDS[field.type], field.low, field.high, check, _READ.get(field.type), field


def _attributes(part: type[Holder | Permit | Insurance]) -> list[str]:
    return [attribute.name for attribute in fields(part)]


_CLAIMS: Final = _Table("claims")
_CONFIRMATION: Final = _Table("confirmation")
_STATUS: Final = _Table("status")
_STATUS_LIST: Final = _Table("status_list")
_IDENTITY: Final = _Table("identity", _attributes(Holder))
_CARD: Final = _Table("card")
_PERMIT: Final = _Table("permit", _attributes(Permit))
_INSURANCE: Final = _Table("insurance", _attributes(Insurance))
_EXEMPTION: Final = _Table("exemption")
_SERVICE: Final = FIELDS["service"]["service"]
_YEAR_SLOT: Final = _attributes(Holder).index("year_of_birth")
_BIRTHDAY_SLOT: Final = _attributes(Holder).index("date_of_birth")
_EXEMPTIONS_SLOT: Final = _attributes(Insurance).index("exemptions")


def _read(source: dict[Any, Any], table: _Table, path: str, unknown: list[str]) -> list[Any]:
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
            raise _fault(path, field, value)
        if check is not None and not check(value):
            raise _fault(path, field, value)
        values[slot] = value if convert is None else convert(value)
    for slot, field in table.required:
        if values[slot] is None:
            raise DecodeError("claims.missing", path=f"{path}.{field.name}", expected=f"key {field.key!r}")
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


def _fault(path: str, field: Field, value: object) -> DecodeError:
    """The error for a value that its rule refuses; a value is shown only where the field allows it."""
    where = f"{path}.{field.name}"
    kind = _KINDS[field.type]
    if type(value) is not kind:
        return DecodeError(
            "claims.wrong_type",
            path=where,
            expected=_TYPE_NAMES[kind],
            found=_TYPE_NAMES.get(type(value), "another type"),
        )
    if isinstance(value, int):
        found = str(value) if field.show else "an integer outside"
        return DecodeError("claims.out_of_range", path=where, expected=field.length, found=found)
    size = len(value)  # type: ignore[arg-type]
    if not field.low <= size <= field.high:
        code = "claims.too_long" if size > field.high else "claims.too_short"
        return DecodeError(code, path=where, expected=field.length, found=f"{size}{field.unit}")
    found = ascii(value) if field.show else f"text of {size} characters"
    expected = field.form or "text without control characters"
    return DecodeError("claims.bad_format", path=where, expected=expected, found=found[:40])


def _exemptions(entries: tuple[object, ...], unknown: list[str]) -> tuple[Exemption, ...]:
    exemptions = []
    for number, entry in enumerate(entries):
        path = f"card.insurance.exemptions[{number}]"
        if type(entry) is not list:
            found = _TYPE_NAMES.get(type(entry), "another type")
            raise DecodeError("claims.wrong_type", path=path, expected="a list", found=found)
        exemptions.append(Exemption(*_read(dict(enumerate(entry)), _EXEMPTION, path, unknown)))
    return tuple(exemptions)


def _services(numbers: tuple[Any, ...]) -> tuple[int, ...]:
    for place, number in enumerate(numbers):
        if type(number) is not int or not _SERVICE.low <= number <= _SERVICE.high:
            error = _fault("card", _SERVICE, number)
            error.path = f"card.services[{place}]"
            raise error
    return numbers


def decode_claims(mapping: object) -> CardClaims:
    """The claims in a decoded payload (a value of :func:`icard_crypto.cbor.decode`).

    Raises:
        DecodeError: ``claims.*``, with ``path`` such as ``card.permit.until``.
    """
    if not isinstance(mapping, dict):
        found = _TYPE_NAMES.get(type(mapping), "another type")
        raise DecodeError("claims.wrong_type", path="claims", expected="a map", found=found)
    unknown: list[str] = []
    issuer, expires, not_before, issued_at, cti, confirmation, status, identity, body = _read(
        mapping, _CLAIMS, "claims", unknown
    )
    (status_list,) = _read(status, _STATUS, "status", unknown)
    index, uri = _read(status_list, _STATUS_LIST, "status.status_list", unknown)
    if confirmation is not None:
        (confirmation,) = _read(confirmation, _CONFIRMATION, "confirmation", unknown)
    holder = _read(identity, _IDENTITY, "identity", unknown)
    permit, insurance, services, year_of_birth, profile = _read(body, _CARD, "card", unknown)
    birthday = holder[_BIRTHDAY_SLOT]
    if birthday is not None and year_of_birth is not None and birthday.year != year_of_birth:
        raise DecodeError("claims.disagrees", path="card.year_of_birth", expected="the year of identity.date_of_birth")
    holder[_YEAR_SLOT] = year_of_birth
    if insurance is not None:
        values = _read(insurance, _INSURANCE, "card.insurance", unknown)
        values[_EXEMPTIONS_SLOT] = _exemptions(values[_EXEMPTIONS_SLOT] or (), unknown)
        insurance = Insurance(*values)
    card = Card(
        Holder(*holder),
        Permit() if permit is None else Permit(*_read(permit, _PERMIT, "card.permit", unknown)),
        insurance,
        () if services is None else _services(services),
    )
    return CardClaims(
        issuer,
        issued_at,
        not_before,
        expires,
        cti,
        StatusRef(uri, index),
        profile,
        card,
        confirmation,
        tuple(unknown),
    )


def _write(map_name: str, values: Mapping[str, Any]) -> dict[int | str, Any]:
    written: dict[int | str, Any] = {}
    for name, field in FIELDS[map_name].items():
        value = values.get(name)
        if value is not None:
            convert = _WRITE.get(field.type)
            written[field.key] = value if convert is None else convert(value)
    return written


def _write_part(map_name: str, part: object) -> dict[int | str, Any]:
    names = FIELDS[map_name]
    return _write(map_name, {name: getattr(part, ATTRIBUTES.get(name, name)) for name in names})


def to_map(claims: CardClaims) -> dict[int | str, Any]:
    """The payload as a map, before it is CBOR. ``unknown`` is not written."""
    card = claims.card
    body: dict[str, Any] = {
        "permit": _write_part("permit", card.permit) or None,
        "services": card.services or None,
        "year_of_birth": card.holder.year_of_birth,
        "profile": claims.profile,
    }
    if card.insurance is not None:
        exemptions = [list(_write_part("exemption", exemption).values()) for exemption in card.insurance.exemptions]
        insurance = {name: getattr(card.insurance, name) for name in FIELDS["insurance"]}
        body["insurance"] = _write("insurance", insurance | {"exemptions": exemptions or None})
    reference = _write("status_list", {"idx": claims.status.index, "uri": claims.status.uri})
    return _write(
        "claims",
        {
            "iss": claims.issuer,
            "exp": claims.expires,
            "nbf": claims.not_before,
            "iat": claims.issued_at,
            "cti": claims.cti,
            "cnf": None if claims.confirmation is None else {1: claims.confirmation},
            "status": _write("status", {"status_list": reference}),
            "identity": _write_part("identity", card.holder),
            "card": _write("card", body),
        },
    )


def encode_claims(claims: CardClaims) -> bytes:
    """The payload to sign: deterministic CBOR (RFC 8949, 4.2.1).

    Raises:
        DecodeError: ``claims.*``, when a reader would refuse it.
    """
    written = to_map(claims)
    decode_claims(written)
    return cbor.encode(written)
