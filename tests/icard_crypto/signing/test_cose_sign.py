"""COSE_Sign, the form of a trust list: several signatures over one payload, each naming its root in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ALGORITHMS
from icard_crypto.signing.cose import Sign, Sign1, SignatureEntry
from icard_crypto.signing.keys import SigningKey

ROOTS = [SigningKey.from_raw(row, b"\x06" * row.private_length) for row in ALGORITHMS]
DRAFT = Sign(cbor.encode({16: "application/icard-trust+cbor"}), b"\xa0", b"list", ())
EMPTY = SignatureEntry(b"", b"\xa0", b"")


def signed_by(*roots: SigningKey) -> Sign:
    """The draft with these roots' signatures."""
    message = DRAFT
    for root in roots:
        message = cose.sign_entry(message, root)
    return message


def refused(data: bytes) -> DecodeError:
    """The error that ``data`` gives."""
    with pytest.raises(DecodeError) as caught:
        cose.parse_sign(data)
    assert caught.value.message() in str(caught.value)
    return caught.value


def test_every_roots_signature_stands_by_itself() -> None:
    """Roots of all four algorithms: each entry names its root by the full thumbprint, and holds for that root only."""
    data = cose.encode_sign(signed_by(*ROOTS))
    parsed = cose.parse_sign(data)
    assert data[:3] == b"\xd8\x62\x84"
    assert (parsed.protected, parsed.unprotected, parsed.payload) == DRAFT[:3]
    assert cose.encode_sign(parsed) == data
    for entry, root in zip(parsed.signatures, ROOTS, strict=True):
        headers = cose.token_headers(entry, kid_length=32)
        assert headers == cose.TokenHeaders(root.algorithm, root.verifying_key.thumbprint, None)
        signed = cose.signed_bytes_of_entry(parsed, entry)
        assert [other.verifying_key.verify(entry.signature, signed) for other in ROOTS] == [
            other is root for other in ROOTS
        ]


def test_signature_covers_body_header_own_header_and_payload() -> None:
    """Change any of them and the signature falls; it is no COSE_Sign1 signature either."""
    message = signed_by(ROOTS[0])
    (entry,) = message.signatures
    key = ROOTS[0].verifying_key
    assert key.verify(entry.signature, cose.signed_bytes_of_entry(message, entry))
    for changed, its in (
        (message._replace(protected=b"\xa0"), entry),
        (message._replace(payload=b"lisp"), entry),
        (message, entry._replace(protected=entry.protected + b"\x00")),
    ):
        assert not key.verify(entry.signature, cose.signed_bytes_of_entry(changed, its))
    as_sign1 = Sign1(entry.protected, b"\xa0", message.payload, entry.signature, False)
    assert not key.verify(entry.signature, cose.signed_bytes(as_sign1))


def test_a_short_kid_names_no_root() -> None:
    """A token's kid of 8 bytes is refused where 32 are asked for."""
    entry = SignatureEntry(cbor.encode({1: -8, 4: b"12345678"}), b"\xa0", b"")
    with pytest.raises(DecodeError) as caught:
        cose.token_headers(entry, kid_length=32)
    assert (caught.value.code, caught.value.expected) == ("header.kid", "a kid of 32 bytes")
    assert caught.value.found == "8 bytes"


@pytest.mark.parametrize("count", [1, 23, 24, 32])
def test_up_to_32_signatures_are_read(count: int) -> None:
    """1 to 32, across the change of the array's head."""
    data = cose.encode_sign(DRAFT._replace(signatures=(EMPTY,) * count))
    assert len(cose.parse_sign(data).signatures) == count
    assert cose.encode_sign(cose.parse_sign(data)) == data


@pytest.mark.parametrize("count", [0, 33, 300])
def test_none_and_more_than_32_signatures_are_refused(count: int) -> None:
    """An unsigned list, and one with more signatures than are looked at, at the array's place."""
    error = refused(cose.encode_sign(DRAFT._replace(signatures=(EMPTY,) * count)))
    assert (error.code, error.offset) == ("cose.signatures", 3 + 2 + len(DRAFT.protected) + 1 + 1 + len(b"list"))
    assert (error.expected, error.found) == ("1 to 32 signatures", str(count))


def test_a_promise_of_signatures_costs_nothing() -> None:
    """2^64-1 signatures are refused by their number."""
    error = refused(b"\xd8\x62\x84\x40\xa0\x40\x9b" + b"\xff" * 8)
    assert (error.code, error.offset, error.found) == ("cose.signatures", 6, "18446744073709551615")


@pytest.mark.parametrize(
    ("hexadecimal", "code", "offset", "path", "found"),
    [
        ("", "cose.wrong_tag", 0, None, "the end"),
        ("d28440a04040", "cose.wrong_tag", 0, None, "0xd2"),
        ("d83dd86284", "cose.wrong_tag", 0, None, "0xd8"),
        ("d86283", "cose.frame", 2, None, "0x83"),
        ("d86284f6", "cose.frame", 3, "protected", "0xf6"),
        ("d862844080", "cose.frame", 4, "unprotected", "0x80"),
        ("d8628440a0f6", "cose.detached", 5, "payload", "0xf6"),
        ("d8628440a04040", "cose.frame", 6, "signatures", "0x40"),
        ("d8628440a040a1", "cose.frame", 6, "signatures", "0xa1"),
        ("d8628440a0409f", "cbor.indefinite_length", 6, None, None),
        ("d8628440a040980183", "cbor.not_shortest", 6, None, None),
        ("d8628440a0408184", "cose.frame", 7, "signatures", "0x84"),
        ("d8628440a0408140", "cose.frame", 7, "signatures", "0x40"),
        ("d8628440a04081", "cbor.truncated", 7, None, "the end"),
        ("d8628440a0408183a0", "cose.frame", 8, "protected", "0xa0"),
        ("d8628440a040818340a0f6", "cose.frame", 10, "signature", "0xf6"),
        ("d8628440a040818340a040ff", "cose.trailing_bytes", 11, None, "1 bytes behind the message"),
        ("d8628440a040828340a040", "cbor.truncated", 11, None, "the end"),
    ],
)
def test_frame_of_sign(hexadecimal: str, code: str, offset: int, path: str | None, found: str | None) -> None:
    """Each fault of the frame, where it stands."""
    error = refused(bytes.fromhex(hexadecimal))
    assert (error.code, error.offset, error.path, error.found) == (code, offset, path, found)


@given(st.lists(st.sampled_from(range(len(ROOTS))), min_size=1, max_size=3), st.binary(max_size=300))
def test_what_is_written_is_read(order: list[int], payload: bytes) -> None:
    """Any payload, any order of roots, the same root twice too: parse and encode are each other's inverse."""
    message = DRAFT._replace(payload=payload)
    for number in order:
        message = cose.sign_entry(message, ROOTS[number])
    assert cose.parse_sign(cose.encode_sign(message)) == message


def test_unprotected_header_of_an_entry_keeps_its_bytes() -> None:
    """Whatever the order of its keys: a list that is stored again is the list that was published."""
    backwards = bytes.fromhex("a20501044132")
    data = cose.encode_sign(DRAFT._replace(signatures=(EMPTY._replace(unprotected=backwards),)))
    assert backwards in data
    assert cose.encode_sign(cose.parse_sign(data)) == data


def test_size_of_a_trust_list() -> None:
    """8 MiB by default, refused before reading."""
    error = refused(bytes(limits.TRUST_LIST_BYTES + 1))
    assert (error.code, error.expected) == ("cose.too_large", "at most 8388608 bytes")
