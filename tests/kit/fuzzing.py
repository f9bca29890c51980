"""Mutated inputs for every layer that reads what strangers show; the tests run some, ``make soak`` a million.

Promises:

1. ``fuzz(seed, count)`` tries ``count`` inputs, the same for the same seed, shared evenly between the layers.
2. Whatever a reader raises other than its own typed error is an AssertionError that names layer, seed and input.
3. Every error's code is in the catalogue and its sentence can be written; what is accepted has the layer's property.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import cbor2

from icard_crypto import limits
from icard_crypto.card.claims import decode_claims, decode_payload, encode_claims
from icard_crypto.encoding import base45, cbor, envelope
from icard_crypto.errors import DecodeError
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from tests.kit.reference import reference_claims

__all__ = ["LAYERS", "Layer", "fuzz", "mutate", "same"]

KEY = SigningKey.from_raw(ED25519, b"\x07" * 32)
PAYLOAD = encode_claims(reference_claims())
CARD = cose.sign_token(PAYLOAD, KEY)
LIST = cose.encode_sign(
    cose.sign_entry(cose.sign_entry(cose.Sign(cbor.encode({16: "x"}), b"\xa0", PAYLOAD, ()), KEY), KEY)
)
#: Bytes on which a CBOR, COSE or base45 reader turns.
TELLING = bytes.fromhex(
    "00171818191a1b1c1f2037383b3f405758595b5f60787f8097989b9fa0b7b8bbbfc0d2d8d93d62f4f5f6f7f8f9fafbff"
)


class Layer(NamedTuple):
    """A reader, inputs that it accepts, and the layers whose codes its errors may carry."""

    read: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    codes: frozenset[str]


def same(first: Any, second: Any) -> bool:
    """Equality of decoded values, types included: True is not 1 here."""
    if type(first) is not type(second):
        return False
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return same([*first.keys()], [*second.keys()]) and same([*first.values()], [*second.values()])
    return bool(first == second)


def _base45(data: bytes) -> None:
    text = data.decode("latin-1")
    assert base45.encode(base45.decode(text)) == text


def _cbor(data: bytes) -> None:
    caps: dict[str, Any] = {"max_bytes": limits.CARD_BYTES, "max_items": limits.CARD_ITEMS}
    value = cbor.decode(data, **caps)
    strict, end = cbor.read_item(data, 0, max_items=limits.CARD_ITEMS)
    assert end == len(data)
    assert same(value, strict)
    assert cbor2.dumps(value) == data
    assert same(cbor.decode(cbor.encode(value), **caps), cbor2.loads(cbor.encode(value)))


def _sign1(data: bytes) -> None:
    message = cose.parse_sign1(data)
    headers = cose.token_headers(message)
    KEY.verifying_key.verify(message.signature, cose.signed_bytes(message))
    assert len(headers.kid) == 8


def _sign(data: bytes) -> None:
    message = cose.parse_sign(data, max_bytes=limits.CARD_BYTES)
    for entry in message.signatures:
        cose.token_headers(entry, kid_length=32)
        KEY.verifying_key.verify(entry.signature, cose.signed_bytes_of_entry(message, entry))
    assert cose.encode_sign(message) == data


def _envelope(data: bytes) -> None:
    found = envelope.read(data)
    if found.form == "ic1":
        assert envelope.read(envelope.to_ic1(found.cose)) == found
    assert len(found.cose) <= limits.CARD_BYTES


def _envelope_text(data: bytes) -> None:
    assert len(envelope.read(data.decode("utf-8", "surrogateescape")).cose) <= limits.CARD_BYTES


def _claims(data: bytes) -> None:
    try:
        quick = decode_payload(data)
    except DecodeError as error:
        quick_fault: DecodeError | None = error
    else:
        quick_fault = None
    try:
        claims = decode_claims(cbor.decode(data, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS))
    except DecodeError as error:
        if quick_fault is None or quick_fault.to_dict() != error.to_dict():
            raise AssertionError(f"two answers: {quick_fault} and {error}") from error
        raise
    if quick_fault is not None or repr(quick) != repr(claims):
        raise AssertionError(f"two answers: {quick_fault} and {claims}")
    claims.card.to_json()


def _retyped() -> tuple[bytes, ...]:
    """The payload with each key that is an integer written as a value that Python takes for equal: true, 1.0."""
    keys = {1: (b"\xf5", b"\xf9\x3c\x00"), 4: (b"\xf9\x44\x00",), 2: (b"\xf9\x40\x00",), 8: (b"\xf9\x48\x00",)}
    return tuple(
        PAYLOAD[:at] + other + PAYLOAD[at + 1 :] for at, byte in enumerate(PAYLOAD) for other in keys.get(byte, ())
    )


_SHOWN = (envelope.to_ic1(CARD).encode(), envelope.to_claim169(CARD).encode())
_TEXT = frozenset({"text", "base45", "zlib"})
LAYERS: dict[str, Layer] = {
    "base45": Layer(_base45, (_SHOWN[0][4:], b"BB8", b"QED8WEX0", b""), frozenset({"base45"})),
    "cbor": Layer(_cbor, (PAYLOAD, bytes.fromhex("a301820102616120f6f5f4"), b"\x80"), frozenset({"cbor"})),
    "sign1": Layer(_sign1, (CARD, b"\xd8\x3d" + CARD), frozenset({"cose", "cbor", "header"})),
    "sign": Layer(_sign, (LIST,), frozenset({"cose", "cbor", "header"})),
    "envelope": Layer(_envelope, (*_SHOWN, CARD, base45.decode(_SHOWN[1].decode())), _TEXT),
    "envelope_text": Layer(_envelope_text, (*_SHOWN, b" " + _SHOWN[0].lower(), b"https://icard.example/"), _TEXT),
    "claims": Layer(_claims, (*[PAYLOAD] * 20, *_retyped()), frozenset({"claims", "cbor"})),
}


def mutate(data: bytes, choose: random.Random) -> bytes:
    """``data`` with one to three changes: bytes set, flipped, cut out, put in, doubled or cut off."""
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 1, 2, 3))):
        at = choose.randint(0, len(changed))
        end = min(len(changed), at + choose.choice((1, 1, 2, 8, 40)))
        how = choose.randrange(7)
        if how == 0 and at < len(changed):
            changed[at] ^= 1 << choose.randrange(8)
        elif how == 1 and at < len(changed):
            changed[at] = choose.randrange(256)
        elif how == 2 and at < len(changed):
            changed[at] = choose.choice(TELLING)
        elif how == 3:
            del changed[at:end]
        elif how == 4:
            changed[at:at] = choose.randbytes(choose.choice((1, 2, 9)))
        elif how == 5:
            changed[at:at] = changed[at:end]
        elif at:
            del changed[at:]
    return bytes(changed)


def fuzz(seed: int, count: int, *, only: str | None = None) -> dict[str, Counter[str]]:
    """Try ``count`` mutated inputs; return for every layer how often each outcome came: ``accepted`` or a code.

    Raises:
        AssertionError: with all that is needed to see it again.
    """
    choose = random.Random(seed)
    names = [only] if only else list(LAYERS)
    outcomes: dict[str, Counter[str]] = {name: Counter() for name in names}
    for number in range(count):
        name = names[number % len(names)]
        layer = LAYERS[name]
        data = mutate(choose.choice(layer.seeds), choose)
        try:
            outcome = _outcome(layer, data)
        except BaseException as error:
            where = f"{name}, seed {seed}, input {number}: {data.hex()}"
            raise AssertionError(f"{type(error).__name__} in {where}") from error
        outcomes[name][outcome] += 1
    return outcomes


def _outcome(layer: Layer, data: bytes) -> str:
    try:
        layer.read(data)
    except DecodeError as error:
        _check(error, layer, data)
        return error.code
    return "accepted"


def _check(error: DecodeError, layer: Layer, data: bytes) -> None:
    assert error.layer in layer.codes, error.code
    assert error.offset is None or 0 <= error.offset <= len(data)
    assert str(error).startswith(f"{error.code}: {error.message()}")
    assert error.message("zh")
