"""COSE_Sign1 and COSE_Sign: the frame, each refusal where it stands, and the rules of icard's tokens."""

from __future__ import annotations

from typing import Any

import pytest

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ALGORITHMS, Algorithm
from icard_crypto.signing.cose import Sign, Sign1, SignatureEntry
from icard_crypto.signing.keys import SigningKey

EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda row: row.name)
KEYS = {row.name: SigningKey.from_raw(row, b"\x05" * row.private_length) for row in ALGORITHMS}
KEY = KEYS["Ed25519"]
KID = KEY.verifying_key.kid
HEADERS: cose.Headers = {1: -8, 4: bytes(KID)}
CARD = cose.sign_token(b"\xa0", KEY)


def refused(read: Any, *arguments: Any, **options: Any) -> DecodeError:
    """The error of a reader; its message stands in its text."""
    with pytest.raises(DecodeError) as caught:
        read(*arguments, **options)
    assert caught.value.message() in str(caught.value)
    return caught.value


def message(protected: cose.Headers | bytes = HEADERS, unprotected: cose.Headers | bytes = b"\xa0") -> Sign1:
    """An unsigned message with these headers."""
    encoded = [part if isinstance(part, bytes) else cbor.encode(part) for part in (protected, unprotected)]
    return Sign1(encoded[0], encoded[1], b"", b"", False)


@EVERY
@pytest.mark.parametrize("typ", [None, "application/statuslist+cwt"])
def test_token_round_trip(algorithm: Algorithm, typ: str | None) -> None:
    """A signed token parses to its parts, its headers say key and type, and its signature holds over its bytes only."""
    signer = KEYS[algorithm.name]
    data = cose.sign_token(b"payload", signer, typ)
    parsed = cose.parse_sign1(data)
    assert data[:2] == b"\xd2\x84"
    assert (parsed.unprotected, parsed.payload, parsed.cwt_tag) == (b"\xa0", b"payload", False)
    assert cose.token_headers(parsed, typ) == cose.TokenHeaders(algorithm, signer.verifying_key.kid, typ)
    assert signer.verifying_key.verify(parsed.signature, cose.signed_bytes(parsed))
    assert not signer.verifying_key.verify(parsed.signature, cose.signed_bytes(parsed, b"external"))
    assert not signer.verifying_key.verify(parsed.signature, cose.signed_bytes(parsed._replace(payload=b"other")))


def test_bytes_of_a_card() -> None:
    """Tag 18, four elements, alg and kid protected, A0, the payload, the signature: nothing else is written."""
    protected = b"\xa2\x01\x27\x04\x48" + KID
    start = b"\xd2\x84\x4d" + protected + b"\xa0\x41\xa0\x58\x40"
    assert CARD[:-64] == start
    assert cose.signed_bytes(cose.parse_sign1(CARD)) == b"\x84\x6aSignature1\x4d" + protected + b"\x40\x41\xa0"


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 65535, 65536])
def test_signed_bytes_are_shortest_cbor_at_every_length(size: int) -> None:
    """The Sig_structure is what a CBOR encoder writes, at each change of a length's head."""
    parsed = Sign1(b"p" * size, b"\xa0", b"m" * size, b"", False)
    assert cose.signed_bytes(parsed, b"e" * size) == cbor.encode(["Signature1", b"p" * size, b"e" * size, b"m" * size])
    entry = SignatureEntry(b"q" * size, b"\xa0", b"")
    signed = cose.signed_bytes_of_entry(Sign(b"p" * size, b"\xa0", b"m" * size, (entry,)), entry, b"e" * size)
    assert signed == cbor.encode(["Signature", b"p" * size, b"q" * size, b"e" * size, b"m" * size])


def test_tag_61_may_stand_around_tag_18() -> None:
    """RFC 8392 section 6: read and told; 61 alone, twice or around another tag is not."""
    parsed = cose.parse_sign1(b"\xd8\x3d" + CARD)
    assert parsed == cose.parse_sign1(CARD)._replace(cwt_tag=True)
    for data, offset in ((b"\xd8\x3d" + CARD[1:], 2), (b"\xd8\x3d\xd8\x3d" + CARD, 2), (b"\xd2\xd8\x3d" + CARD[1:], 1)):
        error = refused(cose.parse_sign1, data)
        assert error.offset == offset
        assert error.code in ("cose.wrong_tag", "cose.frame")


@pytest.mark.parametrize(
    ("hexadecimal", "code", "offset", "path", "expected", "found"),
    [
        ("", "cose.wrong_tag", 0, None, "tag 18, or 61 around 18", "the end"),
        ("84", "cose.wrong_tag", 0, None, "tag 18, or 61 around 18", "0x84"),
        ("d1", "cose.wrong_tag", 0, None, "tag 18, or 61 around 18", "0xd1"),
        ("d81284", "cose.wrong_tag", 0, None, "tag 18, or 61 around 18", "0xd8"),
        ("d83d", "cose.wrong_tag", 2, None, "tag 18, or 61 around 18", "the end"),
        ("d86284", "cose.wrong_tag", 0, None, "tag 18, or 61 around 18", "0xd8"),
        ("d2", "cose.frame", 1, None, "an array of four", "the end"),
        ("d283", "cose.frame", 1, None, "an array of four", "0x83"),
        ("d285", "cose.frame", 1, None, "an array of four", "0x85"),
        ("d29f", "cose.frame", 1, None, "an array of four", "0x9f"),
        ("d29804", "cose.frame", 1, None, "an array of four", "0x98"),
        ("d284", "cbor.truncated", 2, None, "an item", "the end"),
        ("d284a0", "cose.frame", 2, "protected", "a byte string", "0xa0"),
        ("d284f6", "cose.frame", 2, "protected", "a byte string", "0xf6"),
        ("d2845f", "cbor.indefinite_length", 2, None, None, None),
        ("d284580100", "cbor.not_shortest", 2, None, None, None),
        ("d2844401", "cose.truncated", 2, "protected", "4 bytes", "1 bytes"),
        ("d2845bffffffffffffffff", "cose.truncated", 2, "protected", "18446744073709551615 bytes", "0 bytes"),
        ("d28440", "cbor.truncated", 3, None, "an item", "the end"),
        ("d2844040", "cose.frame", 3, "unprotected", "a map", "0x40"),
        ("d28440f6", "cose.frame", 3, "unprotected", "a map", "0xf6"),
        ("d28440b80001", "cbor.not_shortest", 3, None, None, None),
        ("d28440bf", "cbor.indefinite_length", 3, None, None, None),
        ("d28440a201020103", "cbor.duplicate_key", 6, None, None, None),
        ("d28440a1f502", "cbor.bad_key", 4, None, "an integer or a text", "bool"),
        ("d28440a0", "cbor.truncated", 4, None, "an item", "the end"),
        ("d28440a0f6", "cose.detached", 4, "payload", "a byte string", "0xf6"),
        ("d28440a080", "cose.frame", 4, "payload", "a byte string", "0x80"),
        ("d28440a060", "cose.frame", 4, "payload", "a byte string", "0x60"),
        ("d28440a0420141", "cbor.truncated", 7, None, "an item", "the end"),
        ("d28440a040f6", "cose.frame", 5, "signature", "a byte string", "0xf6"),
        ("d28440a040430102", "cose.truncated", 5, "signature", "3 bytes", "2 bytes"),
        ("d28440a0404000", "cose.trailing_bytes", 6, None, None, "1 bytes behind the message"),
        ("d83dd28440a04040ffff", "cose.trailing_bytes", 8, None, None, "2 bytes behind the message"),
    ],
)
def test_frame_of_sign1(
    hexadecimal: str, code: str, offset: int, path: str | None, expected: str | None, found: str | None
) -> None:
    """Each fault of the frame: code, offset, the element, what was right and what stood there."""
    error = refused(cose.parse_sign1, bytes.fromhex(hexadecimal))
    assert (error.code, error.offset, error.path) == (code, offset, path)
    assert (error.expected, error.found) == (expected, found)


def test_every_cut_of_a_card_is_refused() -> None:
    """No beginning of a token is a token."""
    for size in range(len(CARD)):
        assert refused(cose.parse_sign1, CARD[:size]).layer in ("cose", "cbor")


def test_sizes_are_capped_before_reading() -> None:
    """A card of 16 KiB is read; one byte more is not, nor whatever a smaller cap forbids."""
    frame = b"\xd2\x84\x40\xa0\x59\x3f\xf7" + bytes(0x3FF7) + b"\x41\x00"
    assert len(frame) == limits.CARD_BYTES
    assert len(cose.parse_sign1(frame).payload) == 0x3FF7
    error = refused(cose.parse_sign1, frame + b"\x00")
    assert (error.code, error.offset) == ("cose.too_large", None)
    assert (error.expected, error.found) == ("at most 16384 bytes", "16385 bytes")
    assert refused(cose.parse_sign1, frame, max_bytes=100).code == "cose.too_large"
    assert refused(cose.parse_sign, b"\xd8\x62" + frame, max_bytes=100).code == "cose.too_large"


def test_unprotected_map_is_capped_as_a_header() -> None:
    """512 bytes and 32 items, by name; a larger one is not taken for a cut input."""
    room = limits.HEADER_BYTES - 5
    longest = b"\xa1\x04\x59" + room.to_bytes(2, "big") + bytes(room)
    assert cose.parse_sign1(b"\xd2\x84\x40" + longest + b"\x40\x40").unprotected == longest
    larger = b"\xa1\x04\x59" + (room + 1).to_bytes(2, "big") + bytes(room + 1)
    error = refused(cose.parse_sign1, b"\xd2\x84\x40" + larger + b"\x40\x40")
    assert (error.code, error.offset, error.path) == ("cbor.too_large", 3, "unprotected")
    assert (error.expected, error.found) == ("at most 512 bytes", "513 bytes")
    many = cbor.encode(dict.fromkeys(range(16), 0))
    assert refused(cose.parse_sign1, b"\xd2\x84\x40" + many + b"\x40\x40").code == "cbor.too_many_items"


@pytest.mark.parametrize(
    ("encoded", "code", "found"),
    [
        (b"\x80", "header.not_a_map", "list"),
        (b"\x00", "header.not_a_map", "int"),
        (b"\xf6", "header.not_a_map", "NoneType"),
        (b"\xa0\x00", "cbor.trailing_bytes", "1 bytes behind the map"),
        (b"\xa1\x01\x18", "cbor.truncated", "the end"),
        (b"\xa1\x04\x59\x01\xfc" + bytes(508), "cbor.too_large", "513 bytes"),
        (b"\xbf\xff", "cbor.indefinite_length", None),
    ],
)
def test_malformed_header_maps(encoded: bytes, code: str, found: str | None) -> None:
    """A header's bytes are one strict map of at most 512 bytes, or nothing."""
    error = refused(cose.headers_of, encoded)
    assert (error.code, error.found) == (code, found)
    assert refused(cose.token_headers, message(encoded)).code == code


def test_no_bytes_and_an_empty_map_are_no_headers() -> None:
    """RFC 9052 section 3: both forms of an empty protected header."""
    assert cose.headers_of(b"") == cose.headers_of(b"\xa0") == {}


CRIT: list[Any] = [[], [1], [-70001], 1, "x", None, {}, b"", [2]]


@pytest.mark.parametrize("value", CRIT, ids=str)
def test_crit_is_refused_anywhere_whatever_it_holds(value: Any) -> None:
    """Protected, unprotected, empty, of the wrong type, or naming a header that is known."""
    for parts in (({**HEADERS, 2: value}, {}), (HEADERS, {2: value}), ({**HEADERS, 2: value}, {2: value})):
        error = refused(cose.algorithm_of, *parts)
        assert (error.code, error.expected) == ("header.crit", "no crit: no extension is understood")
        assert refused(cose.token_headers, message(*parts)).code == "header.crit"


@pytest.mark.parametrize(
    ("protected", "unprotected", "code", "found"),
    [
        (HEADERS, {4: b"12345678"}, "header.in_both", None),
        (HEADERS, {1: -8}, "header.in_both", None),
        ({**HEADERS, "note": 1}, {"note": 2}, "header.in_both", None),
        ({4: bytes(KID)}, {1: -8}, "header.alg_unprotected", None),
        ({}, {1: -7, 4: b"11"}, "header.alg_unprotected", None),
        ({4: bytes(KID)}, {}, "header.alg_missing", None),
        ({}, {}, "header.alg_missing", None),
        (b"", {}, "header.alg_missing", None),
        ({**HEADERS, 1: -36}, {}, "header.alg_unknown", "alg -36"),
        ({**HEADERS, 1: 5}, {}, "header.alg_unknown", "alg 5"),
        ({**HEADERS, 1: 0}, {}, "header.alg_unknown", "alg 0"),
        ({**HEADERS, 1: -49}, {}, "header.alg_unknown", "alg -49"),
        ({**HEADERS, 1: "ES256"}, {}, "header.alg_unknown", "no integer"),
        ({**HEADERS, 1: None}, {}, "header.alg_unknown", "no integer"),
        ({**HEADERS, 1: True}, {}, "header.alg_unknown", "no integer"),
        ({**HEADERS, 1: [-8]}, {}, "header.alg_unknown", "no integer"),
        (HEADERS, {5: b""}, "header.unprotected", None),
        ({1: -8}, {4: bytes(KID)}, "header.unprotected", None),
        ({1: -8}, {}, "header.kid", "none"),
        ({1: -8, 4: b""}, {}, "header.kid", "0 bytes"),
        ({1: -8, 4: b"1234567"}, {}, "header.kid", "7 bytes"),
        ({1: -8, 4: b"123456789"}, {}, "header.kid", "9 bytes"),
        ({1: -8, 4: b"1" * 32}, {}, "header.kid", "32 bytes"),
        ({1: -8, 4: "12345678"}, {}, "header.kid", "none"),
        ({1: -8, 4: 12345678}, {}, "header.kid", "none"),
        ({**HEADERS, 16: "application/x"}, {}, "header.typ", '"application/x"'),
        ({**HEADERS, 16: ""}, {}, "header.typ", '""'),
        ({**HEADERS, 16: 61}, {}, "header.typ", "a typ that is no text"),
        ({**HEADERS, 16: None}, {}, "header.typ", "a typ that is no text"),
        ({**HEADERS, 16: "\x1b[2J\u202e" + "x" * 99}, {}, "header.typ", '"\\u001b[2J\\u202e' + "x" * 55 + '"'),
    ],
)
def test_rules_of_a_card(protected: Any, unprotected: Any, code: str, found: str | None) -> None:
    """Everything that a card's headers may not be, and what the error shows of it."""
    error = refused(cose.token_headers, message(protected, unprotected))
    assert (error.code, error.found) == (code, found)


@pytest.mark.parametrize(
    ("typ", "found"), [(None, "no typ"), ("application/Statuslist+cwt", '"application/Statuslist+cwt"'), (16, None)]
)
def test_typ_is_exactly_what_the_reader_asks_for(typ: Any, found: str | None) -> None:
    """Absent, in another case, or a content-format number: refused, with what was asked for."""
    protected = HEADERS if typ is None else {**HEADERS, 16: typ}
    error = refused(cose.token_headers, message(protected), "application/statuslist+cwt")
    assert (error.code, error.expected) == ("header.typ", "application/statuslist+cwt")
    assert error.found == (found or "a typ that is no text")


@EVERY
def test_both_ids_of_an_algorithm_are_one(algorithm: Algorithm) -> None:
    """-7 and -9 give the same row, and so do the others' pairs; other protected headers are let be."""
    for number in algorithm.ids:
        headers = cose.token_headers(message({**HEADERS, 1: number, 3: 60, "note": [1]}))
        assert headers == cose.TokenHeaders(algorithm, KID, None)


def test_headers_are_read_again_for_another_question() -> None:
    """What is remembered of a header answers one typ and one length of kid only."""
    parsed = message({**HEADERS, 16: "a"})
    assert cose.token_headers(parsed, "a").typ == "a"
    assert refused(cose.token_headers, parsed).code == "header.typ"
    assert refused(cose.token_headers, parsed, "b").code == "header.typ"
    assert refused(cose.token_headers, parsed, "a", kid_length=32).code == "header.kid"
