"""Bundles: the promises of icard_crypto.lists.bundle, by their numbers."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, EncodeError, IcardError
from icard_crypto.lists import bundle
from icard_crypto.lists.bundle import Bundle, decode_bundle, encode_bundle
from icard_crypto.lists.trust_chain import verify_anchor, verify_chain
from tests.kit.adversary import published
from tests.kit.trust_cases import NOW

GOOD = Bundle((b"one", b"two"), (b"three",), b"four")


def _refusal(data: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode_bundle(data)
    return caught.value


def test_promise_1_the_form() -> None:
    """A bundle is the array of the format, in deterministic CBOR."""
    value: cbor.Value = ["icard-bundle", 1, [b"one", b"two"], [b"three"], b"four"]
    assert encode_bundle(GOOD) == cbor.encode(value)
    assert decode_bundle(cbor.encode(value)) == GOOD


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        (["icard-bundel", 1, [], [], b""], "not_a_bundle", None),
        (["icard-bundle", 1, [], []], "not_a_bundle", None),
        ({"icard-bundle": 1}, "not_a_bundle", None),
        (["icard-bundle", "1", [], [], b""], "frame", "format"),
        (["icard-bundle", 0, [], [], b""], "frame", "format"),
        (["icard-bundle", 1, {}, [], b""], "frame", "trust_lists"),
        (["icard-bundle", 1, ["x"], [], b""], "frame", "trust_lists[0]"),
        (["icard-bundle", 1, [], [b"", [b""]], b""], "frame", "status_tokens[1]"),
        (["icard-bundle", 1, [], [], None], "frame", "timestamp"),
    ],
)
def test_promise_1_other_forms(value: cbor.Value, code: str, path: str | None) -> None:
    """Anything but the form is refused, with the place."""
    error = _refusal(cbor.encode(value))
    assert (error.code, error.path) == (f"bundle.{code}", path)
    assert error.offset is not None
    assert "undle" in error.message("en")
    assert "数据包" in error.message("zh")


@pytest.mark.parametrize("cut", range(len(encode_bundle(GOOD))))
def test_promise_1_a_cut_bundle(cut: int) -> None:
    """A bundle cut anywhere is refused."""
    assert _refusal(encode_bundle(GOOD)[:cut]).code in ("bundle.not_a_bundle", "bundle.truncated", "cbor.truncated")


def test_promise_1_a_cut_token_says_what_is_missing() -> None:
    """A download that broke off is told by the token in which it ended."""
    error = _refusal(encode_bundle(GOOD)[:-1])
    assert (error.code, error.path, error.expected, error.found) == (
        "bundle.truncated",
        "timestamp",
        "4 bytes",
        "3 bytes",
    )
    assert "too early" in error.message("en")


def test_promise_1_bytes_behind() -> None:
    """Nothing follows a bundle."""
    error = _refusal(encode_bundle(GOOD) + b"\x00")
    assert (error.code, error.found) == ("bundle.trailing_bytes", "1 bytes behind the bundle")
    assert "after the end" in error.message("en")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x01\x80\x80\x58\x01x", "cbor.not_shortest"),
        (b"\x01\x9f\xff\x80\x40", "cbor.indefinite_length"),
        (b"\x01\x98\x00\x80\x40", "cbor.not_shortest"),
        (b"\x18\x01\x80\x80\x40", "cbor.not_shortest"),
    ],
)
def test_promise_1_heads_are_shortest_and_definite(data: bytes, code: str) -> None:
    """A second spelling of a head is refused wherever it stands."""
    assert _refusal(b"\x85\x6cicard-bundle" + data).code == code


def test_promise_1_at_most_256_mib() -> None:
    """One byte more is refused before it is looked at."""
    error = _refusal(bytes(limits.BUNDLE_BYTES + 1))
    assert error.code == "bundle.too_large"
    assert error.expected == "at most 268435456 bytes"


def test_promise_2_what_is_carried_is_verified_by_its_own_rules() -> None:
    """A chain of trust lists goes through a bundle unchanged and is accepted on the other side."""
    carried = decode_bundle(encode_bundle(Bundle((published(1), published(2)), (), b"")))
    state = verify_chain(verify_anchor(carried.trust_lists[0]), carried.trust_lists, NOW)
    assert state.current.version == 2


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"\x01\x81\x5a\x00\x80\x00\x01", "trust_lists[0]"),
        (b"\x01\x80\x81\x5a\x00\x80\x00\x01", "status_tokens[0]"),
        (b"\x01\x80\x80\x5a\x00\x10\x00\x01", "timestamp"),
    ],
)
def test_promise_3_a_token_too_large(data: bytes, path: str) -> None:
    """A length above its kind's cap is refused by the length alone."""
    error = _refusal(b"\x85\x6cicard-bundle" + data)
    assert (error.code, error.path) == ("bundle.token_too_large", path)
    assert "larger" in error.message("en")


def test_promise_3_a_token_as_large_as_it_may_be() -> None:
    """A timestamp of exactly its cap passes through."""
    full = Bundle((), (), bytes(limits.TIMESTAMP_BYTES))
    assert decode_bundle(encode_bundle(full)) == full


def test_promise_3_a_count_costs_nothing() -> None:
    """65,537 tokens are refused by their count; a count within the cap costs only what is there."""
    start = b"\x85\x6cicard-bundle\x01"
    error = _refusal(start + b"\x9a\x00\x01\x00\x01")
    assert (error.code, error.expected) == ("bundle.too_many", "at most 65536")
    tracemalloc.start()
    try:
        assert _refusal(start + b"\x9a\x00\x01\x00\x00").code == "cbor.truncated"
        assert tracemalloc.get_traced_memory()[1] < 20_000
    finally:
        tracemalloc.stop()


def test_promise_4_a_newer_format() -> None:
    """A newer format is refused by name, whatever follows it."""
    error = _refusal(b"\x85\x6cicard-bundle\x02\xff")
    assert (error.code, error.expected, error.found) == ("bundle.format_newer", "at most 1", "2")
    assert "Update" in error.hint("en")


_tokens = st.lists(st.binary(max_size=300), max_size=30).map(tuple)


@given(_tokens, _tokens, st.binary(max_size=300))
def test_promise_5_what_is_written_is_read(lists: tuple[bytes, ...], tokens: tuple[bytes, ...], stamp: bytes) -> None:
    """Any tokens come back, and the bundle is what the general encoder would write."""
    carried = Bundle(lists, tokens, stamp)
    written = encode_bundle(carried)
    assert decode_bundle(written) == carried
    assert written == cbor.encode(["icard-bundle", 1, list(lists), list(tokens), stamp])


@given(st.binary(max_size=60))
def test_promise_5_what_is_read_is_written_alike(tail: bytes) -> None:
    """Any bytes behind the name are refused, or are the one spelling of their bundle."""
    data = b"\x85\x6cicard-bundle\x01" + tail
    try:
        read = decode_bundle(data)
    except IcardError:
        return
    assert encode_bundle(read) == data


def test_a_bundle_that_no_reader_takes_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large a token, too many of them, too large in all: refused when writing."""
    monkeypatch.setattr(bundle, "MOST_TOKENS", 2)
    monkeypatch.setattr(limits, "BUNDLE_BYTES", 1000)
    for carried, code in (
        (Bundle((), (), bytes(limits.TIMESTAMP_BYTES + 1)), "token_too_large"),
        (Bundle((), (b"", b"", b""), b""), "too_many"),
        (Bundle((bytes(1000),), (), b""), "too_large"),
    ):
        with pytest.raises(EncodeError) as caught:
            encode_bundle(carried)
        assert caught.value.code == f"bundle.{code}"
    full = Bundle((), (b"", bytes(978)), b"")
    written = encode_bundle(full)
    assert len(written) == 1000
    assert decode_bundle(written) == full
