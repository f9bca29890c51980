"""The claims of a card's code: what is in the signed payload, to and from a :class:`~icard_crypto.card.card.Card`.

Promises:

1. ``decode_claims`` takes whatever strict CBOR gives and returns claims or raises ``DecodeError`` ``claims.*`` with the
   path of the field; nothing else. It needs a signature that holds: it checks form, never trust or time.
2. Required: iss, exp, iat, cti, status, identity, card, and the card's profile. All else may be absent.
3. A known field of the wrong type, beyond its length or range, or out of its form is refused; the bounds are
   ``fields.json``.
4. An unknown claim or subkey is ignored and listed in ``unknown``; an unknown value of a known field is kept.
5. Where year and date of birth both are present, they agree. ``iat`` is a whole hour, ``exp`` comes after it and after
   ``nbf``, and not later than 400 days after ``iat``.
6. ``decode_claims(cbor.decode(encode_claims(x)))`` equals x, and ``encode_claims`` writes nothing that
   ``decode_claims`` would refuse.

Claims are those of CWT (RFC 8392), the status reference of the IETF Token Status List, MOSIP Claim 169 and icard's own
claim -65537. Times are seconds since 1970-01-01T00:00Z; in the card, dates are days and months since 1970-01-01.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import Any, Final

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError

from .card import Card, Exemption, Holder, Insurance, Permit, Service
from .claim_maps import Table, fault, read_map, type_name, write_map, write_part
from .claim_readers import Reader, make_facts_reader, make_reader, scheme_of
from .facts import HOUR, LONGEST_LIFE, Facts, day_end, day_start, months_of
from .fields import FIELDS

__all__ = [
    "CardClaims",
    "StatusRef",
    "decode_claims",
    "decode_facts",
    "decode_payload",
    "encode_claims",
    "facts_of",
    "to_map",
]


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


def _attributes(part: type[Holder | Permit | Insurance | Exemption]) -> list[str]:
    return [attribute.name for attribute in fields(part)]


@functools.cache
def _claims_reader() -> Reader:
    """Made with the first card: writing and compiling it takes longer than importing anything here."""
    return make_reader(CardClaims, StatusRef)


@functools.cache
def _facts_reader() -> Reader:
    return make_facts_reader()


def _read_quickly(value: Any, size: int) -> CardClaims | None:
    claims: CardClaims | None = _claims_reader()(value, size)
    return claims


def _read_facts(value: Any, size: int) -> Facts | None:
    facts: Facts | None = _facts_reader()(value, size)
    return facts


_CLAIMS: Final = Table("claims", ("iss", "exp", "nbf", "iat", "cti", "cnf", "status", "identity", "card"))
_CONFIRMATION: Final = Table("confirmation", ("key",))
_STATUS: Final = Table("status", ("status_list",))
_STATUS_LIST: Final = Table("status_list", ("idx", "uri"))
_IDENTITY: Final = Table("identity", _attributes(Holder))
_CARD: Final = Table("card", ("permit", "insurance", "services", "year_of_birth", "profile"))
_PERMIT: Final = Table("permit", _attributes(Permit))
_INSURANCE: Final = Table("insurance", _attributes(Insurance))
_EXEMPTION: Final = Table("exemption", _attributes(Exemption))
_SERVICE: Final = FIELDS["service"]["service"]
_YEAR_SLOT: Final = _attributes(Holder).index("year_of_birth")
_BIRTHDAY_SLOT: Final = _attributes(Holder).index("date_of_birth")
_EXEMPTIONS_SLOT: Final = _attributes(Insurance).index("exemptions")
_SCHEMES_SLOT: Final = _attributes(Insurance).index("schemes")


def _exemptions(entries: tuple[object, ...], unknown: list[str]) -> tuple[Exemption, ...]:
    exemptions = []
    for number, entry in enumerate(entries):
        path = f"card.insurance.exemptions[{number}]"
        if type(entry) is not list:
            found = type_name(entry)
            raise DecodeError("claims.wrong_type", path=path, expected="a list", found=found)
        schemes, *rest = read_map(dict(enumerate(entry)), _EXEMPTION, path, unknown)
        exemptions.append(Exemption(scheme_of(schemes), *rest))
    return tuple(exemptions)


def _services(numbers: tuple[Any, ...]) -> tuple[Service, ...]:
    for place, number in enumerate(numbers):
        if type(number) is not int or not _SERVICE.low <= number <= _SERVICE.high:
            error = fault("card", _SERVICE, number)
            error.path = f"card.services[{place}]"
            raise error
    return tuple(map(Service, numbers))


def decode_payload(payload: bytes) -> CardClaims:
    """The claims in a card's payload, strict CBOR and all.

    The same as ``decode_claims(cbor.decode(payload, ...))``, in a third of the time: a reader made for the known fields
    says yes or nothing (``claim_readers.py``). Where it says nothing, the strict way decides and names the fault.

    Raises:
        DecodeError: ``cbor.*`` or ``claims.*``.
    """
    if len(payload) <= limits.CARD_BYTES:
        try:
            claims = _read_quickly(cbor.read_loosely(payload), len(payload))
        except Exception:  # whatever stopped the quick way, the strict one names it
            claims = None
        if claims is not None:
            return claims
    return decode_claims(cbor.decode(payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS))


def decode_facts(payload: bytes) -> Facts:
    """The facts of a card's payload: those of :func:`decode_payload`'s claims, without making the card.

    Raises:
        DecodeError: exactly where :func:`decode_payload` does, and the same.
    """
    if len(payload) <= limits.CARD_BYTES:
        try:
            facts = _read_facts(cbor.read_loosely(payload), len(payload))
        except Exception:  # whatever stopped the quick way, the strict one names it
            facts = None
        if facts is not None:
            return facts
    return facts_of(decode_payload(payload))


def facts_of(claims: CardClaims) -> Facts:
    """The facts of claims that were read from a code."""
    permit, insurance = claims.card.permit, claims.card.insurance
    return Facts(
        issuer=claims.issuer,
        issued_at=claims.issued_at,
        not_before=claims.not_before,
        expires=claims.expires,
        cti=claims.cti,
        status_uri=claims.status.uri,
        status_index=claims.status.index,
        profile=claims.profile,
        # Plain numbers, as the other readers of facts give them.
        services=tuple(map(int, claims.card.services)),
        has_photo=claims.card.holder.photo is not None,
        category=permit.category,
        names_employer=permit.employer is not None,
        permit_begins=None if permit.valid_from is None else day_start(permit.valid_from),
        permit_ends=None if permit.valid_until is None else day_end(permit.valid_until),
        region=permit.region,
        insured=insurance is not None,
        schemes=None if insurance is None or insurance.schemes is None else int(insurance.schemes),
        paid_through=None if insurance is None or insurance.paid_through is None else months_of(insurance.paid_through),
        insurance_region=None if insurance is None else insurance.region,
        exemptions=()
        if insurance is None
        else tuple((day_start(kept.valid_from), day_end(kept.valid_until)) for kept in insurance.exemptions),
    )


def decode_claims(mapping: object) -> CardClaims:
    """The claims in a decoded payload (a value of :func:`icard_crypto.encoding.cbor.decode`).

    Raises:
        DecodeError: ``claims.*``, with ``path`` such as ``card.permit.until``.
    """
    if not isinstance(mapping, dict):
        found = type_name(mapping)
        raise DecodeError("claims.wrong_type", path="claims", expected="a map", found=found)
    unknown: list[str] = []
    issuer, expires, not_before, issued_at, cti, confirmation, status, identity, body = read_map(
        mapping, _CLAIMS, "claims", unknown
    )
    (status_list,) = read_map(status, _STATUS, "status", unknown)
    index, uri = read_map(status_list, _STATUS_LIST, "status.status_list", unknown)
    if confirmation is not None:
        (confirmation,) = read_map(confirmation, _CONFIRMATION, "confirmation", unknown)
    holder = read_map(identity, _IDENTITY, "identity", unknown)
    permit, insurance, services, year_of_birth, profile = read_map(body, _CARD, "card", unknown)
    _check_times(issued_at, not_before, expires)
    birthday = holder[_BIRTHDAY_SLOT]
    if birthday is not None and year_of_birth is not None and birthday.year != year_of_birth:
        raise DecodeError("claims.disagrees", path="card.year_of_birth", expected="the year of identity.date_of_birth")
    holder[_YEAR_SLOT] = year_of_birth
    if insurance is not None:
        values = read_map(insurance, _INSURANCE, "card.insurance", unknown)
        values[_EXEMPTIONS_SLOT] = _exemptions(values[_EXEMPTIONS_SLOT] or (), unknown)
        if values[_SCHEMES_SLOT] is not None:
            values[_SCHEMES_SLOT] = scheme_of(values[_SCHEMES_SLOT])
        insurance = Insurance(*values)
    card = Card(
        Holder(*holder),
        Permit() if permit is None else Permit(*read_map(permit, _PERMIT, "card.permit", unknown)),
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


def _check_times(issued_at: int, not_before: int | None, expires: int) -> None:
    if issued_at % HOUR:
        raise DecodeError("claims.disagrees", path="claims.iat", expected="a whole hour", found=str(issued_at))
    if not issued_at < expires <= issued_at + LONGEST_LIFE:
        expected = f"after iat, at most {LONGEST_LIFE} seconds on"
        raise DecodeError("claims.disagrees", path="claims.exp", expected=expected, found=f"{expires - issued_at}")
    if not_before is not None and not_before >= expires:
        raise DecodeError("claims.disagrees", path="claims.nbf", expected="before exp", found=str(not_before))


def to_map(claims: CardClaims) -> dict[int | str, Any]:
    """The payload as a map, before it is CBOR. ``unknown`` is not written."""
    card = claims.card
    body: dict[str, Any] = {
        "permit": write_part("permit", card.permit) or None,
        "services": tuple(map(int, card.services)) or None,
        "year_of_birth": card.holder.year_of_birth,
        "profile": claims.profile,
    }
    if card.insurance is not None:
        entries = [write_part("exemption", exemption) for exemption in card.insurance.exemptions]
        exemptions = [[entry[place] for place in range(len(entry))] for entry in entries]
        insurance = {name: getattr(card.insurance, name) for name in FIELDS["insurance"]}
        body["insurance"] = write_map("insurance", insurance | {"exemptions": exemptions or None})
    reference = write_map("status_list", {"idx": claims.status.index, "uri": claims.status.uri})
    return write_map(
        "claims",
        {
            "iss": claims.issuer,
            "exp": claims.expires,
            "nbf": claims.not_before,
            "iat": claims.issued_at,
            "cti": claims.cti,
            "cnf": None if claims.confirmation is None else {1: claims.confirmation},
            "status": write_map("status", {"status_list": reference}),
            "identity": write_part("identity", card.holder),
            "card": write_map("card", body),
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
