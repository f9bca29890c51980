"""icard.cddl and the reader agree about what a code may claim."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from importlib import resources
from typing import Any

import pycddl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings

from icard_crypto.card.card import Profile
from icard_crypto.card.claims import CardClaims, decode_claims, encode_claims, to_map
from icard_crypto.card.fields import FIELDS
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from icard_crypto.signing import algorithms, cose, keys
from tests.kit.reference import reference_claims
from tests.kit.strategies import claims


@functools.cache
def _schema(root: str) -> Any:
    text = (resources.files("icard_crypto.card") / "icard.cddl").read_text("utf-8")
    return pycddl.Schema(f"start = {root}\n{text}")


@pytest.mark.parametrize("profile", Profile)
def test_a_signed_code_is_what_the_cddl_says(profile: Profile) -> None:
    """The frame, the protected header and the claims of each profile's code satisfy their roots."""
    algorithm = algorithms.by_name("Ed25519")
    assert algorithm is not None
    key = keys.SigningKey.generate(algorithm)
    message = cose.sign_token(encode_claims(reference_claims(profile)), key)
    _schema("card-message").validate_cbor(message)
    parsed = cose.parse_sign1(message)
    _schema("protected-header").validate_cbor(parsed.protected)
    _schema("claims").validate_cbor(parsed.payload)


@settings(max_examples=50, deadline=None)
@given(claims())
def test_claims_that_are_issued_satisfy_the_cddl(issued: CardClaims) -> None:
    """Whatever encode_claims writes, the CDDL takes."""
    _schema("claims").validate_cbor(encode_claims(issued))


def _without(*path: Any) -> Callable[[Any], None]:
    def edit(payload: Any) -> None:
        for key in path[:-1]:
            payload = payload[key]
        del payload[path[-1]]

    return edit


def _with(value: object, *path: Any) -> Callable[[Any], None]:
    def edit(payload: Any) -> None:
        for key in path[:-1]:
            payload = payload[key]
        payload[path[-1]] = value

    return edit


_FAULTS = {
    "no issuer": _without(1),
    "no expiry": _without(4),
    "no issue time": _without(6),
    "no cti": _without(7),
    "no status": _without(65535),
    "no index": _without(65535, "status_list", "idx"),
    "no identity": _without(169),
    "no card": _without(-65537),
    "no profile": _without(-65537, 5),
    "short cti": _with(b"1234567", 7),
    "time before the epoch": _with(-1, 5),
    "name too long": _with("é" * 67, 169, 4),
    "date of birth with a tail": _with("19880314x", 169, 8),
    "four letters of nationality": _with("DEUX", 169, 13),
    "photo too long": _with(bytes(2049), 169, 16),
    "day as text": _with("2028-04-30", -65537, 1, 7),
    "day beyond 2199": _with(84006, -65537, 1, 7),
    "region of five digits": _with("31011", -65537, 1, 8),
    "employer too long": _with("x" * 101, -65537, 1, 3),
    "scheme bits beyond 16": _with(65536, -65537, 2, 2),
    "exemption of nothing": _with(0, -65537, 2, 6, 0, 0),
    "exemption without an end": _without(-65537, 2, 6, 0, 3),
    "service 0": _with([0], -65537, 3),
}


@pytest.mark.parametrize("edit", _FAULTS.values(), ids=_FAULTS)
def test_cddl_and_reader_refuse_the_same(edit: Callable[[Any], None]) -> None:
    """One fault in an authority code is refused by the CDDL and by decode_claims."""
    payload = copy.deepcopy(to_map(reference_claims(Profile.AUTHORITY)))
    edit(payload)
    with pytest.raises(pycddl.ValidationError):
        _schema("claims").validate_cbor(cbor.encode(payload))
    with pytest.raises(DecodeError) as caught:
        decode_claims(payload)
    assert caught.value.layer == "claims"


def _samples(low: int, high: int) -> list[tuple[int, bool]]:
    return [(low - 1, False), (low, True), (high, True), (high + 1, False)]


_PLACES: dict[str, tuple[Any, ...]] = {"identity": (169,), "permit": (-65537, 1), "insurance": (-65537, 2)}
_BOUNDS = [
    pytest.param((*_PLACES[part], field.key), size, good, field.type, id=f"{part}.{name}-{size}")
    for part in _PLACES
    for name, field in FIELDS[part].items()
    if field.type in ("text", "int", "day", "month", "bytes") and field.read_pattern is None
    for size, good in _samples(field.low, field.high)
]


@pytest.mark.parametrize(("path", "size", "good", "kind"), _BOUNDS)
def test_bounds_of_the_cddl_are_those_of_the_data(path: tuple[Any, ...], size: int, good: bool, kind: str) -> None:
    """At each bound of fields.json, CDDL and reader say the same: just inside yes, just outside no."""
    payload = copy.deepcopy(to_map(reference_claims(Profile.AUTHORITY)))
    value: object = {"text": "字" * max(size, 0), "bytes": bytes(max(size, 0))}.get(kind, size)
    _with(value, *path)(payload)
    if good:
        _schema("claims").validate_cbor(cbor.encode(payload))
        decode_claims(payload)
    else:
        with pytest.raises(pycddl.ValidationError):
            _schema("claims").validate_cbor(cbor.encode(payload))
        with pytest.raises(DecodeError):
            decode_claims(payload)
