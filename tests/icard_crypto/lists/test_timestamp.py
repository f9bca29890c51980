"""Timestamps: the rules of icard_crypto.lists.timestamp, by their numbers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from icard_crypto.lists.timestamp import TYP, Timestamp, check_newer, encode_timestamp, read_timestamp, sign_timestamp
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519, ES256
from icard_crypto.signing.keys import SigningKey, Thumbprint

IAT = 1_791_424_800
DAY = 86_400
KEY = SigningKey.from_raw(ED25519, bytes([4]) * 32)
OTHER = SigningKey.from_raw(ED25519, bytes([3]) * 32)
KEYS = {KEY.verifying_key.kid: KEY.verifying_key}
URI = "https://status.example/s/k7Qd"
GOOD = Timestamp(7, bytes([7]) * 32, IAT, IAT + 7 * DAY, frozenset({Thumbprint(bytes([9]) * 32)}), {URI: IAT - 60})


def _token(edit: Callable[[dict[Any, Any]], object] = len, *, key: SigningKey = KEY, typ: str | None = TYP) -> bytes:
    payload: Any = cbor.decode(encode_timestamp(GOOD), max_bytes=4096, max_items=64)
    edit(payload)
    return cose.sign_token(cbor.encode(payload), key, typ)


def _read(token: bytes, now: int | None = None) -> Timestamp:
    return read_timestamp(token, find_key=KEYS.get, now=now)


def _refusal(token: bytes, now: int | None = None) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        _read(token, now)
    return caught.value


def test_a_good_timestamp_comes_back() -> None:
    """The timestamp that the refusals below edit is good, and its payload has the keys of the format in order."""
    assert _read(sign_timestamp(GOOD, KEY), IAT) == GOOD
    assert list(cbor.decode(encode_timestamp(GOOD), max_bytes=4096, max_items=64)) == [1, 2, 3, 4, 5, 6]  # type: ignore[arg-type]


def test_rule_1_frame_too_large() -> None:
    """More than 1 MiB are refused before anything is read."""
    assert _refusal(b"\xd2" + bytes(1024 * 1024)).code == "cose.too_large"


def test_rule_1_tag_61() -> None:
    """A CWT tag around a timestamp is refused."""
    error = _refusal(b"\xd8\x3d" + _token())
    assert error.code == "timestamp.cwt_tag"
    assert "CWT" in error.message("en")


@pytest.mark.parametrize("typ", [None, "application/statuslist+cwt", "application/icard-trust+cbor"])
def test_rule_2_typ(typ: str | None) -> None:
    """A token of another type is no timestamp, even by the timestamp key."""
    error = _refusal(_token(typ=typ))
    assert error.code == "header.typ"
    assert error.expected == TYP


def test_rule_3_unknown_key() -> None:
    """A key that is no timestamp key of the trust list is refused."""
    error = _refusal(_token(key=OTHER))
    assert error.code == "timestamp.unknown_key"
    assert "no timestamp key" in error.message("en")


def test_rule_3_another_algorithm_than_the_keys() -> None:
    """The header's algorithm is held against the key's."""
    es256 = SigningKey.from_raw(ES256, bytes([1]) * 32)
    with pytest.raises(DecodeError) as caught:
        read_timestamp(_token(key=es256), find_key=lambda kid: KEY.verifying_key)
    assert caught.value.code == "timestamp.key_algorithm"
    assert (caught.value.expected, caught.value.found) == ("Ed25519", "ES256")


def test_rule_4_the_signature_comes_before_the_payload() -> None:
    """Of a payload under a bad signature nothing is said."""
    token = bytearray(cose.sign_token(b"\xff", KEY, TYP))
    token[-1] ^= 1
    assert _refusal(bytes(token)).code == "timestamp.bad_signature"
    assert _refusal(cose.sign_token(b"\xff", KEY, TYP)).layer == "cbor"


@pytest.mark.parametrize(("exp", "good"), [(IAT + 7 * DAY, True), (IAT + 7 * DAY + 1, False), (IAT, False)])
def test_rule_5_lifetime(exp: int, good: bool) -> None:
    """A timestamp ends at most 7 days after its issue, to the second."""
    token = _token(lambda payload: payload.update({4: exp}))
    if good:
        assert _read(token).exp == exp
        return
    error = _refusal(token)
    assert (error.code, error.expected) == ("timestamp.lifetime", "after iat, at most 7 days on")
    assert "7 days" in error.message("en")


@pytest.mark.parametrize(
    ("key", "name"), list(enumerate(["trust_version", "trust_hash", "iat", "exp", "denied", "lists"], start=1))
)
def test_rule_5_a_field_is_missing(key: int, name: str) -> None:
    """Each of the six fields is required, empty ones too."""
    error = _refusal(_token(lambda payload: payload.pop(key)))
    assert (error.code, error.path) == ("timestamp.missing", name)
    assert "missing" in error.message("en")


_WRONG: list[tuple[int, Any, str, str]] = [
    (1, 0, "timestamp.out_of_range", "trust_version"),
    (1, True, "timestamp.wrong_type", "trust_version"),
    (2, bytes(31), "timestamp.out_of_range", "trust_hash"),
    (3, -1, "timestamp.out_of_range", "iat"),
    (5, {}, "timestamp.wrong_type", "denied"),
    (5, [bytes(31)], "timestamp.out_of_range", "denied[0]"),
    (5, [bytes(32), "x"], "timestamp.wrong_type", "denied[1]"),
    (5, [bytes(32), bytes(32)], "timestamp.denied_twice", "denied"),
    (6, [], "timestamp.wrong_type", "lists"),
    (6, {1: 1}, "timestamp.wrong_type", "lists[0]"),
    (6, {URI: -1}, "timestamp.out_of_range", "lists[0]"),
    (6, {URI: "x"}, "timestamp.wrong_type", "lists[0]"),
    (6, {URI: 1, "https://s.example/../a": 1}, "uri.dot_segment", "lists[0]"),
    (6, {"https://s.example/": 1}, "uri.list_name", "lists[0]"),
]


@pytest.mark.parametrize(("key", "value", "code", "path"), _WRONG)
def test_rule_5_a_field_of_another_form(key: int, value: Any, code: str, path: str) -> None:
    """A wrong field is refused with its code and path."""
    error = _refusal(_token(lambda payload: payload.update({key: value})))
    assert (error.code, error.path) == (code, path)
    assert error.message("en") != error.message("zh")


def test_rule_5_items_are_capped() -> None:
    """10,000 lists are one too many, whatever the bytes."""
    lists = {f"https://s.example/{number}": 1 for number in range(10_000)}
    assert _refusal(_token(lambda payload: payload.update({6: lists}))).code == "cbor.too_many_items"


def test_rule_5_unknown_keys_are_ignored() -> None:
    """A key of a later format changes nothing."""
    assert _read(_token(lambda payload: payload.update({7: "later", "x": 1}))) == GOOD


def test_rule_6_from_the_future_and_from_the_past() -> None:
    """301 seconds ahead are refused; one that is over is returned, for what it denies stays denied."""
    assert _read(_token(), IAT - 300) == GOOD
    assert _read(_token(), IAT + 365 * DAY).denied == GOOD.denied
    error = _refusal(_token(), IAT - 301)
    assert error.code == "timestamp.future"
    assert "clock" in error.message("en")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"iat": IAT + 1}, None),
        ({"iat": IAT + 1, "trust_version": 8, "trust_hash": bytes(32)}, None),
        ({"iat": IAT + 1, "denied": frozenset()}, None),
        ({}, None),
        ({"iat": IAT - 1}, "timestamp.rollback"),
        ({"denied": frozenset()}, "timestamp.two_of_one_time"),
        ({"iat": IAT + 1, "trust_version": 6}, "timestamp.trust_falls"),
        ({"iat": IAT + 1, "trust_hash": bytes(32)}, "timestamp.trust_falls"),
    ],
)
def test_rule_8_what_may_follow(change: dict[str, Any], code: str | None) -> None:
    """Time and trust version never fall, and one time has one timestamp."""
    newer = replace(GOOD, **change)
    if code is None:
        check_newer(GOOD, newer)
        return
    with pytest.raises(DecodeError) as caught:
        check_newer(GOOD, newer)
    assert caught.value.code == code
    assert "Keep the one you have" in caught.value.hint("en")


_thumbprints = st.frozensets(st.binary(min_size=32, max_size=32).map(Thumbprint), max_size=5)
_uris = st.from_regex(r"https://[a-z]{1,8}/[A-Za-z0-9_-]{1,32}", fullmatch=True)


@given(
    st.integers(1, 2**32 - 1),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**31),
    st.integers(1, 7 * DAY),
    _thumbprints,
    st.dictionaries(_uris, st.integers(0, 2**31), max_size=5),
)
def test_rule_9_what_is_written_is_read(
    version: int, digest: bytes, iat: int, life: int, denied: frozenset[Thumbprint], lists: dict[str, int]
) -> None:
    """Any timestamp within the bounds comes back from its token, and its payload is encoded in one way only."""
    timestamp = Timestamp(version, digest, iat, iat + life, denied, lists)
    token = sign_timestamp(timestamp, KEY)
    assert _read(token) == timestamp
    assert encode_timestamp(_read(token)) == cose.parse_sign1(token).payload


def test_rule_9_nothing_is_signed_that_a_reader_refuses() -> None:
    """An eighth day and a uri that no status list has are refused when writing."""
    for change, code in (
        ({"exp": IAT + 8 * DAY}, "timestamp.lifetime"),
        ({"lists": {"http://x/a": 1}}, "uri.scheme"),
        ({"denied": frozenset({b"short"})}, "timestamp.out_of_range"),
    ):
        with pytest.raises(DecodeError) as caught:
            sign_timestamp(replace(GOOD, **change), KEY)
        assert caught.value.code == code


def test_a_timestamp_is_frozen_and_travels() -> None:
    """Nothing of a verified timestamp can be set, and it can be pickled to another process."""
    read = _read(_token())
    with pytest.raises(AttributeError):
        read.iat = 0  # type: ignore[misc]
    with pytest.raises(TypeError):
        read.lists[URI] = 0  # type: ignore[index]
    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301 - our own bytes
