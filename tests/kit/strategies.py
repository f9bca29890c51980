"""Hypothesis strategies for cards and claims, within the bounds of ``fields.json``."""

from __future__ import annotations

import datetime
import string
from typing import Any

from hypothesis import strategies as st

from icard_crypto.card.card import Card, Exemption, Holder, Insurance, Month, Permit, Profile, Scheme
from icard_crypto.card.characters import fault_of
from icard_crypto.card.claims import CardClaims, StatusRef
from icard_crypto.card.facts import day_start
from icard_crypto.card.fields import FIELDS, SERVICE_NUMBERS
from icard_crypto.card.issuing import HOUR, LONGEST_LIFE, issue_claims

__all__ = ["cards", "claims", "credit_codes", "json_values"]

_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CAPITALS = string.digits + string.ascii_uppercase
_DATES = st.dates(datetime.date(1970, 1, 1), datetime.date(2199, 12, 31))


def _plain(map_name: str, field: str) -> st.SearchStrategy[str]:
    alphabet = st.characters(categories=("L", "M", "N", "P", "S", "Zs"), codec="utf-8")
    bounds = FIELDS[map_name][field]
    text = st.text(alphabet, min_size=bounds.low, max_size=bounds.high)
    return text.filter(lambda value: fault_of(value) is None and value == value.strip())


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    """Unified social credit codes; weights are written out as in the standard's table."""
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    body = (
        draw(st.text(_CREDIT, min_size=2, max_size=2))
        + draw(st.text(string.digits, min_size=6, max_size=6))
        + draw(st.text(_CREDIT, min_size=9, max_size=9))
    )
    rest = sum(_CREDIT.index(character) * weight for character, weight in zip(body, weights, strict=True)) % 31
    return body + _CREDIT[(31 - rest) % 31]


_REGIONS = st.from_regex(r"[1-9][0-9]{5}", fullmatch=True)
_PHOTOS = st.tuples(st.just(4), st.binary(max_size=200).map(lambda tail: b"RIFF\0\0\0\0WEBP" + tail))


@st.composite
def _holders(draw: st.DrawFn) -> Holder:
    born = draw(st.none() | st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31)))
    native = draw(st.none() | _plain("identity", "name_native"))
    photo_format, photo = draw(st.tuples(st.none(), st.none()) | _PHOTOS)
    return Holder(
        name=draw(_plain("identity", "name")),
        name_native=native,
        native_language=None if native is None else draw(st.sampled_from(["zh", "zh-Hant", "fa", "de-CH-1996"])),
        year_of_birth=draw(st.integers(1900, 2199)) if born is None else born.year,
        date_of_birth=born,
        gender=draw(st.none() | st.integers(1, 3)),
        nationality=draw(st.text(string.ascii_uppercase, min_size=3, max_size=3)),
        photo=photo,
        photo_format=photo_format,
    )


@st.composite
def _permits(draw: st.DrawFn, *, whole: bool) -> Permit:
    optional: Any = (lambda strategy: strategy) if whole else (lambda strategy: st.none() | strategy)
    number = draw(optional(st.text(_CAPITALS, min_size=4, max_size=24)))
    first, last = sorted(draw(st.tuples(_DATES, _DATES)))
    return Permit(
        number=number,
        number_last4=None if number is None else number[-4:],
        category=draw(st.sampled_from("ABC")),
        employer=draw(optional(_plain("permit", "employer"))),
        employer_code=draw(st.none() | credit_codes()),
        position=draw(st.none() | _plain("permit", "position")),
        valid_from=draw(st.none() | st.just(first)),
        valid_until=last,
        region=draw(_REGIONS),
        authority=draw(st.none() | _plain("permit", "authority")),
    )


@st.composite
def _exemptions(draw: st.DrawFn) -> Exemption:
    first, last = sorted(draw(st.tuples(_DATES, _DATES)))
    return Exemption(Scheme(draw(st.integers(1, 31))), draw(_plain("exemption", "certificate")), first, last)


@st.composite
def _insurances(draw: st.DrawFn) -> Insurance:
    return Insurance(
        number_last4=draw(st.none() | st.text(_CAPITALS, min_size=4, max_size=4)),
        schemes=Scheme(draw(st.integers(0, 31))),
        enrolled_from=draw(st.none() | _DATES),
        paid_through=draw(st.none() | st.builds(Month, st.integers(1970, 2199), st.integers(1, 12))),
        region=draw(st.none() | _REGIONS),
        exemptions=tuple(draw(st.lists(_exemptions(), max_size=2))),
    )


@st.composite
def cards(draw: st.DrawFn, *, whole: bool = False) -> Card:
    """Cards that may be issued; ``whole`` ones have what every profile needs."""
    return Card(
        holder=draw(_holders()),
        permit=draw(_permits(whole=whole)),
        insurance=draw(st.none() | _insurances()),
        services=tuple(sorted(draw(st.sets(st.sampled_from(sorted(SERVICE_NUMBERS)), max_size=4)))),
    )


@st.composite
def claims(draw: st.DrawFn, profile: Profile | None = None) -> CardClaims:
    """Claims of codes that may be issued, of one profile or of any."""
    card = draw(cards(whole=True))
    assert card.permit.valid_until is not None
    # The morning of the permit's last day or any earlier hour.
    latest = (card.permit.valid_until - datetime.date(1970, 1, 1)).days * 86400
    # No code ends before its permit begins.
    begins = card.permit.valid_from
    earliest = 0 if begins is None else max(0, day_start(begins) - LONGEST_LIFE + HOUR)
    return issue_claims(
        card,
        draw(st.sampled_from(Profile)) if profile is None else profile,
        issuer=draw(st.from_regex(r"[a-z]{2}\.[0-9]{6}", fullmatch=True)),
        issued_at=draw(st.integers(earliest, latest)),
        status=StatusRef("https://s.example/" + draw(st.text(_CAPITALS, max_size=32)), draw(st.integers(0, 2**32 - 1))),
        cti=draw(st.binary(min_size=8, max_size=8)),
        photo=draw(st.booleans()),
        confirmation=draw(st.none() | st.just({1: 1, -1: 6, -2: b"\x01" * 32})),
    )


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value, small."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
