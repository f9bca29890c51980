"""Status lists: the rules of icard_crypto.lists.status_list, by their numbers, and the draft's own vectors."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, EncodeError
from icard_crypto.lists.status_list import TYP, StatusList, StatusListBuilder, read_status_list
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519, ES256
from icard_crypto.signing.keys import SigningKey
from tests.kit import shared_vectors

URI = "https://status.example/s/k7Qd"
IAT = 1_791_424_800
DAY = 86_400
KEY = SigningKey.from_raw(ED25519, bytes([2]) * 32)
OTHER = SigningKey.from_raw(ED25519, bytes([3]) * 32)
KEYS = {KEY.verifying_key.kid: KEY.verifying_key}
SUB, EXP, ISSUED, LIST, TTL = 2, 4, 6, 65533, 65534


def _claims() -> dict[Any, Any]:
    """The claims of a list of 16 entries of 4 bits, of which entry 3 is 1 and entry 4 is 14."""
    stream = zlib.compress(bytes.fromhex("00100e0000000000"))
    return {SUB: URI, EXP: IAT + 31 * DAY, ISSUED: IAT, LIST: {"bits": 4, "lst": stream}, TTL: 3600}


def _token(edit: Callable[[dict[Any, Any]], object] = len, *, key: SigningKey = KEY, typ: str | None = TYP) -> bytes:
    claims = _claims()
    edit(claims)
    return cose.sign_token(cbor.encode(claims), key, typ)


def _read(token: bytes, *, uri: str = URI, capacity: int = 16, now: int | None = None) -> StatusList:
    return read_status_list(token, uri=uri, find_key=KEYS.get, capacity=capacity, now=now)


def _refusal(token: bytes, **arguments: Any) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        _read(token, **arguments)
    return caught.value


def test_a_good_token_gives_its_list() -> None:
    """The token that every refusal below edits is good, and every value comes back."""
    read = _read(_token(), now=IAT)
    assert (read.uri, read.iat, read.exp, read.ttl) == (URI, IAT, IAT + 31 * DAY, 3600)
    assert (read.bits, read.size, read.key_thumbprint) == (4, 16, KEY.verifying_key.thumbprint)
    assert [read.get(index) for index in range(16)] == [0, 0, 0, 1, 14] + [0] * 11


def test_rule_1_frame_too_large() -> None:
    """More than 8 MiB are refused before anything is read."""
    error = _refusal(b"\xd2" + bytes(8 * 1024 * 1024))
    assert error.code == "cose.too_large"
    assert error.expected == "at most 8388608 bytes"


def test_rule_1_tag_61() -> None:
    """A CWT tag around the token is refused, though the rest is good."""
    error = _refusal(b"\xd8\x3d" + _token())
    assert error.code == "status.cwt_tag"
    assert (error.expected, error.found) == ("tag 18", "tag 61")
    assert "CWT" in error.message("en")
    assert "CWT" in error.message("zh")


def test_rule_2_typ_missing() -> None:
    """A token without typ, as a card is, is no status token."""
    error = _refusal(_token(typ=None))
    assert error.code == "header.typ"
    assert (error.expected, error.found) == (TYP, "no typ")


def test_rule_2_typ_of_another_token() -> None:
    """A timestamp signed by a status key is no status token."""
    error = _refusal(_token(typ="application/icard-timestamp+cbor"))
    assert error.code == "header.typ"
    assert error.found == '"application/icard-timestamp+cbor"'


def test_rule_3_unknown_key() -> None:
    """A key that the caller does not find is refused by its kid."""
    error = _refusal(_token(key=OTHER))
    assert error.code == "status.unknown_key"
    assert error.found == f"kid {OTHER.verifying_key.kid.hex()}"
    assert "trust list" in error.message("en")


def test_rule_3_the_caller_may_refuse_a_key_by_its_own_code() -> None:
    """What find_key raises reaches the caller of the reader."""

    def refuse(kid: bytes) -> None:
        raise DecodeError("status.wrong_usage", found=f"kid {kid.hex()}")

    with pytest.raises(DecodeError) as caught:
        read_status_list(_token(), uri=URI, find_key=refuse, capacity=16)
    assert caught.value.code == "status.wrong_usage"
    assert "not for status lists" in caught.value.message("en")


def test_rule_3_another_algorithm_than_the_keys() -> None:
    """The algorithm in the header is held against the key's, before the signature is computed."""
    es256 = SigningKey.from_raw(ES256, bytes([1]) * 32)
    with pytest.raises(DecodeError) as caught:
        read_status_list(_token(key=es256), uri=URI, find_key=lambda kid: KEY.verifying_key, capacity=16)
    assert caught.value.code == "status.key_algorithm"
    assert (caught.value.expected, caught.value.found) == ("Ed25519", "ES256")


def test_rule_4_the_signature_comes_before_the_payload() -> None:
    """A payload that is no CBOR at all is a bad signature when the signature is bad, and no more is said of it."""
    token = bytearray(cose.sign_token(b"\xff\xff\xff", KEY, TYP))
    token[-1] ^= 1
    error = _refusal(bytes(token))
    assert error.code == "status.bad_signature"
    assert "signature" in error.message("en")
    assert _refusal(cose.sign_token(b"\xff\xff\xff", KEY, TYP)).layer == "cbor"


@pytest.mark.parametrize("near", [URI + "x", URI[:-1], URI.upper(), URI.replace("status.", "status.."), URI + "/"])
def test_rule_5_sub_other_than_the_uri(near: str) -> None:
    """sub is the uri byte for byte: nothing near it is good enough."""
    error = _refusal(_token(lambda claims: claims.update({SUB: near})))
    assert error.code == "status.other_subject"
    assert error.path == "sub"
    assert "another one" in error.message("en")


@pytest.mark.parametrize(
    ("exp", "good"),
    [(IAT + 31 * DAY, True), (IAT + 31 * DAY + 1, False), (IAT + 1, True), (IAT, False), (IAT - 1, False)],
)
def test_rule_5_lifetime(exp: int, good: bool) -> None:
    """A list ends after its issue and at most 31 days on, to the second."""
    token = _token(lambda claims: claims.update({EXP: exp}))
    if good:
        assert _read(token).exp == exp
        return
    error = _refusal(token)
    assert error.code == "status.lifetime"
    assert (error.expected, error.found) == ("after iat, at most 31 days on", f"{exp - IAT} seconds")
    assert "31" in error.message("en")


@pytest.mark.parametrize(
    ("key", "name"), [(SUB, "sub"), (EXP, "exp"), (ISSUED, "iat"), (TTL, "ttl"), (LIST, "status_list")]
)
def test_rule_5_a_claim_is_missing(key: int, name: str) -> None:
    """Each of the five claims is required, and the refusal names it."""
    error = _refusal(_token(lambda claims: claims.pop(key)))
    assert error.code == "status.missing"
    assert (error.path, error.expected) == (name, f"key {key}")
    assert "missing" in error.message("en")


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (SUB, b"x", "status.wrong_type"),
        (ISSUED, True, "status.wrong_type"),
        (EXP, None, "status.wrong_type"),
        (TTL, 0, "status.out_of_range"),
        (TTL, 31 * DAY + 1, "status.out_of_range"),
        (LIST, [], "status.wrong_type"),
        (LIST, {"bits": 4, "more": 1}, "status.missing"),
        (LIST, {"bits": "4", "lst": b"x"}, "status.wrong_type"),
        (LIST, {"bits": 4, "lst": "x"}, "status.wrong_type"),
    ],
)
def test_rule_5_a_claim_of_another_form(key: int, value: object, code: str) -> None:
    """A claim of another type or beyond its range is refused with its path."""
    error = _refusal(_token(lambda claims: claims.update({key: value})))
    assert error.code == code
    assert error.path is not None
    assert error.expected is not None


def test_rule_5_what_else_stands_there_is_ignored() -> None:
    """aggregation_uri, further claims and further keys change nothing."""

    def edit(claims: dict[Any, Any]) -> None:
        claims[LIST]["aggregation_uri"] = "https://status.example/all"
        claims[1] = "someone"
        claims["note"] = [1, 2]

    assert _read(_token(edit)).get(3) == 1


def test_rule_6_from_the_future() -> None:
    """300 seconds ahead of now are a clock's error; 301 are refused."""
    assert _read(_token(), now=IAT - 300).iat == IAT
    error = _refusal(_token(), now=IAT - 301)
    assert error.code == "status.future"
    assert error.found == str(IAT)
    assert "clock" in error.message("en")


def test_rule_6_an_expired_list_is_still_knowledge() -> None:
    """A list that is over is returned: a revocation in it stands for ever."""
    assert _read(_token(), now=IAT + 365 * DAY).get(3) == 1


@pytest.mark.parametrize("bits", [0, 3, 5, 6, 7, 16, 255])
def test_rule_7_bits(bits: int) -> None:
    """Only 1, 2, 4 and 8 bits exist."""
    error = _refusal(_token(lambda claims: claims[LIST].update(bits=bits)))
    assert error.code == "status.bits"
    assert error.path == "status_list.bits"
    assert error.found == str(bits)


def _with_stream(stream: bytes) -> bytes:
    return _token(lambda claims: claims[LIST].update(lst=stream))


@pytest.mark.parametrize(
    "stream",
    [b"not deflated", zlib.compress(bytes(8))[2:-4], b"\x1f\x8b\x08\x00", zlib.compress(bytes(8))[:-1] + b"\x00"],
    ids=["no stream", "raw deflate", "gzip", "wrong checksum"],
)
def test_rule_7_lst_is_no_zlib_stream(stream: bytes) -> None:
    """Anything but a zlib stream with its right checksum is refused."""
    error = _refusal(_with_stream(stream))
    assert error.code == "status.corrupt"
    assert error.path == "status_list.lst"
    assert "damaged" in error.message("en")


@pytest.mark.parametrize(("bits", "capacity"), [(1, 64), (2, 32), (4, 16), (8, 8)])
def test_rule_7_inflates_past_its_cap(bits: int, capacity: int) -> None:
    """The cap is capacity x bits / 8 bytes exactly: eight bytes are good for it, nine are not."""

    def full(size: int) -> bytes:
        content = {"bits": bits, "lst": zlib.compress(bytes(size))}
        return _token(lambda claims: claims.update({LIST: content}))

    assert _read(full(8), capacity=capacity).size == capacity
    error = _refusal(full(9), capacity=capacity)
    assert error.code == "status.too_large"
    assert error.expected == "at most 8 bytes inflated"
    assert "capacity" in error.hint("en")


def test_rule_7_a_bomb_costs_no_more_than_the_cap() -> None:
    """Eight megabytes of zeros deflate to 8 KB; with room for 16 entries they are refused at nine bytes."""
    token = _with_stream(zlib.compress(bytes(8_000_000), 9))
    tracemalloc.start()
    try:
        error = _refusal(token)
        spent = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.code == "status.too_large"
    assert spent < 200_000


def test_rule_7_bytes_missing() -> None:
    """A stream cut before its end is refused even where all entries are there already."""
    error = _refusal(_with_stream(zlib.compress(bytes(8))[:-3]))
    assert error.code == "status.truncated"
    assert error.found == "8 bytes, then the end"
    assert "too early" in error.message("en")


def test_rule_7_bytes_behind() -> None:
    """A byte behind the stream is refused: two tokens of one content would differ."""
    error = _refusal(_with_stream(zlib.compress(bytes(8)) + b"\x00"))
    assert error.code == "status.trailing_bytes"
    assert error.found == "1 bytes behind the stream"
    assert "behind" in error.message("en")


@pytest.mark.parametrize("index", [16, 17, 2**32, -1, -16])
def test_rule_8_an_index_outside_the_list(index: int) -> None:
    """Beyond the end and below zero there is no entry; Python's negative indexes do not reach in."""
    read = _read(_token())
    with pytest.raises(DecodeError) as caught:
        read.get(index)
    assert caught.value.code == "status.index"
    assert (caught.value.expected, caught.value.found) == ("0 to 15", str(index))
    assert "outside" in caught.value.message("en")


@pytest.mark.parametrize("bits", [1, 8])
def test_rule_8_no_index_however_large_reaches_into_the_longest_list(bits: int) -> None:
    """Around every power of two, above and below zero, the longest list that may be has entries at its places alone."""
    stream = zlib.compress(b"\xff" * 2**24)
    longest = StatusList(URI, IAT, IAT + DAY, 3600, bits, KEY.verifying_key.thumbprint, stream, 2**24)
    for power in range(40):
        for index in (*range(2**power - 9, 2**power + 9), *range(-(2**power) - 9, -(2**power) + 9)):
            try:
                found = longest.get(index) == (1 << bits) - 1
            except DecodeError as error:
                found = error.code != "status.index"
            assert found == (0 <= index < longest.size), index


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_rule_8_a_change_touches_one_entry(bits: int) -> None:
    """Every index takes every value and leaves its neighbours alone, with each width."""
    size = 16
    for index in range(size):
        for value in (0, 1, (1 << bits) - 1):
            builder = StatusListBuilder(bits, size)
            for other in range(size):
                builder.set(other, (1 << bits) - 1 - (other & 1))
            before = [builder.get(other) for other in range(size)]
            builder.set(index, value)
            assert [builder.get(other) for other in range(size)] == [
                *before[:index],
                value,
                *before[index + 1 :],
            ]


@given(st.sampled_from([1, 2, 4, 8]), st.integers(1, 64), st.data())
def test_rule_9_what_is_written_is_read(bits: int, lanes: int, data: st.DataObject) -> None:
    """A list of any entries comes back from its token entry by entry."""
    size = lanes * 8
    values = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=size, max_size=size))
    builder = StatusListBuilder(bits, size)
    for index, value in enumerate(values):
        builder.set(index, value)
    read = _read(builder.sign(KEY, uri=URI, iat=IAT, exp=IAT + DAY, ttl=60), capacity=size)
    assert [read.get(index) for index in range(read.size)] == values


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ({"exp": IAT + 32 * DAY}, "status.lifetime"),
        ({"iat": -1}, "status.out_of_range"),
        ({"ttl": 0}, "status.out_of_range"),
        ({"uri": "https://s.example/" + "x" * 160}, "status.out_of_range"),
    ],
)
def test_rule_9_nothing_is_signed_that_a_reader_refuses(edit: dict[str, Any], code: str) -> None:
    """A builder refuses wrong times and addresses by the reader's own codes."""
    values: dict[str, Any] = {"uri": URI, "iat": IAT, "exp": IAT + DAY, "ttl": 60, **edit}
    with pytest.raises(DecodeError) as caught:
        StatusListBuilder(4, 16).sign(KEY, **values)
    assert caught.value.code == code


def test_rule_9_a_list_too_varied_for_a_token_is_not_signed() -> None:
    """Ten million entries of eight random bits do not deflate below 8 MiB; they are refused at the publisher's."""
    builder = StatusListBuilder(8, 10_000_000)
    builder._packed[:] = _noise(10_000_000)
    with pytest.raises(EncodeError) as caught:
        builder.sign(KEY, uri=URI, iat=IAT, exp=IAT + DAY, ttl=60)
    assert caught.value.code == "status.token_too_large"
    assert "Divide" in caught.value.hint("en")


def _noise(length: int) -> bytes:
    """Bytes that do not deflate, the same each time."""
    return hashlib.shake_128(b"status").digest(length)


@pytest.mark.parametrize(
    ("bits", "size", "code"),
    [
        (3, 16, "status.bits"),
        (4, 0, "status.size"),
        (4, 15, "status.size"),
        (1, 12, "status.size"),
        (8, 2**24 + 1, "status.size"),
    ],
)
def test_rule_9_a_list_of_no_form_is_not_begun(bits: int, size: int, code: str) -> None:
    """Widths that do not exist, and sizes that a reader would count otherwise, are refused."""
    with pytest.raises(EncodeError) as caught:
        StatusListBuilder(bits, size)
    assert caught.value.code == code
    assert caught.value.expected is not None


def test_rule_9_a_value_or_index_that_does_not_fit_is_refused() -> None:
    """A value too large would spill into its neighbour, an index below zero would reach the list's end."""
    builder = StatusListBuilder(4, 16)
    for index, value, code in ((0, 16, "value"), (0, -1, "value"), (16, 1, "index"), (-1, 1, "index")):
        with pytest.raises(EncodeError) as caught:
            builder.set(index, value)
        assert caught.value.code == f"status.{code}"
    with pytest.raises(EncodeError) as caught:
        builder.get(16)
    assert (caught.value.code, caught.value.found) == ("status.index", "16")


def test_ten_million_entries_take_their_packed_size() -> None:
    """A list of ten million entries of 4 bits holds 5,000,000 bytes of entries, written and read."""
    builder = StatusListBuilder(4, 10_000_000)
    builder.set(9_999_999, 13)
    assert len(builder._packed) == 5_000_000
    token = builder.sign(KEY, uri=URI, iat=IAT, exp=IAT + DAY, ttl=60)
    read = _read(token, capacity=10_000_000)
    assert (len(read.packed), read.size, read.get(9_999_999)) == (5_000_000, 10_000_000, 13)


def test_a_status_list_is_frozen() -> None:
    """Nothing of a verified list can be set afterwards."""
    read = _read(_token())
    with pytest.raises(AttributeError):
        read.iat = 0  # type: ignore[misc]


def _draft() -> Any:
    return shared_vectors.load("status-list/vectors.json")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_drafts_encodings_are_read(bits: int) -> None:
    """All 2^20 entries of the draft's encoding with this width have the values that the draft gives."""
    vectors = _draft()
    encoding = next(entry for entry in vectors["encodings"] if entry["bits"] == bits)
    content = cbor.decode(bytes.fromhex(encoding["cbor"]), max_bytes=4096, max_items=8)
    read = _read(_token(lambda claims: claims.update({LIST: content})), capacity=encoding["size"])
    assert (read.bits, read.size) == (bits, encoding["size"])
    stated = {int(index): value for index, value in encoding["entries"].items()}
    unlisted = vectors["unlisted entries"]
    found = {index: read.get(index) for index in range(read.size) if read.get(index) != unlisted}
    assert found == {index: value for index, value in stated.items() if value != unlisted}


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_drafts_encodings_are_written(bits: int) -> None:
    """The builder packs the draft's entries into the same bytes; only the deflate level is our own."""
    encoding = next(entry for entry in _draft()["encodings"] if entry["bits"] == bits)
    builder = StatusListBuilder(bits, encoding["size"])
    for index, value in encoding["entries"].items():
        builder.set(int(index), value)
    content: Any = cbor.decode(bytes.fromhex(encoding["cbor"]), max_bytes=4096, max_items=8)
    ours: Any = cbor.decode(builder.payload(uri=URI, iat=IAT, exp=IAT + 1, ttl=1), max_bytes=4096, max_items=64)
    assert zlib.decompress(ours[LIST]["lst"]) == zlib.decompress(content["lst"])
    assert ours[LIST]["bits"] == content["bits"]


def _difference(case: str) -> dict[str, str]:
    path = Path(__file__).parent.parent.parent / "known_differences_status.json"
    differences: list[dict[str, str]] = json.loads(path.read_text("utf-8"))["differences"]
    return next(entry for entry in differences if entry["case"] == case)


def test_the_drafts_example_token_is_a_known_difference() -> None:
    """The example's kid is not protected; it is refused as the file of differences says."""
    error = _refusal(bytes.fromhex(_draft()["example_token_cwt_hex"]), uri="https://example.com/statuslists/1")
    assert error.code == _difference("example_token")["actual"]


def test_the_drafts_example_payload_is_a_known_difference_only_in_its_end() -> None:
    """The example's claims, signed our way, are refused for their end alone; with an end of 31 days they are read."""
    payload = cose.parse_sign1(bytes.fromhex(_draft()["example_token_cwt_hex"])).payload
    uri = "https://example.com/statuslists/1"
    error = _refusal(cose.sign_token(payload, KEY, TYP), uri=uri)
    assert error.code == _difference("example_payload")["actual"]
    claims: Any = cbor.decode(payload, max_bytes=4096, max_items=64)
    claims[EXP] = claims[ISSUED] + 31 * DAY
    read = _read(cose.sign_token(cbor.encode(claims), KEY, TYP), uri=uri)
    assert read.packed == bytes.fromhex("b9a3")
    assert "".join(str(read.get(index)) for index in range(read.size)) == "1001110111000101"
