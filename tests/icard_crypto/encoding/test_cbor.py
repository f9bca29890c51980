"""Strict CBOR: the RFC's examples, each refusal with its place, the caps at their boundaries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.errors import DecodeError, EncodeError

EXAMPLES = json.loads((Path(__file__).parents[2] / "vectors" / "cbor" / "rfc8949_appendix_a.json").read_text("utf-8"))[
    "examples"
]


def decode(data: bytes, **caps: int) -> cbor.Value:
    """Decode with a card's caps, or others."""
    return cbor.decode(data, **{"max_bytes": limits.CARD_BYTES, "max_items": limits.CARD_ITEMS} | caps)


def refused(data: bytes, **caps: int) -> DecodeError:
    """The error that ``data`` gives."""
    with pytest.raises(DecodeError) as caught:
        decode(data, **caps)
    return caught.value


def test_there_are_examples() -> None:
    """The file holds all 81 rows of the appendix."""
    assert len(EXAMPLES) == 81


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["hex"][:24])
def test_examples_of_the_rfc(example: dict[str, Any]) -> None:
    """RFC 8949 appendix A: each row gives its value and its bytes again, or the refusal that the table names."""
    data = bytes.fromhex(example["hex"])
    if "refused" in example:
        error = refused(data)
        assert (error.code, error.offset) == (example["refused"], example["offset"])
    else:
        value = decode(data)
        assert diagnostic(value) == example["diagnostic"]
        assert cbor.encode(value) == data


@pytest.mark.parametrize(
    ("hexadecimal", "code", "offset", "expected", "found"),
    [
        ("", "cbor.truncated", 0, "an item", "the end"),
        ("18", "cbor.truncated", 0, "a whole head", "the end"),
        ("8219ff", "cbor.truncated", 1, "a whole head", "the end"),
        ("820144010203", "cbor.truncated", 2, "4 bytes", "3 bytes"),
        ("63e6b0", "cbor.truncated", 0, "3 bytes", "2 bytes"),
        ("8201", "cbor.truncated", 0, "2 entries", None),
        ("820181", "cbor.truncated", 2, "1 entries", None),
        ("a10102a1", "cbor.trailing_bytes", 3, None, "1 bytes behind the item"),
        ("0000", "cbor.trailing_bytes", 1, None, "1 bytes behind the item"),
        ("80f6f6", "cbor.trailing_bytes", 1, None, "2 bytes behind the item"),
        ("81ff", "cbor.indefinite_length", 1, None, None),
        ("820181ff", "cbor.indefinite_length", 3, None, None),
        ("811f", "cbor.indefinite_length", 1, None, None),
        ("1817", "cbor.not_shortest", 0, None, None),
        ("811900ff", "cbor.not_shortest", 1, None, None),
        ("1a0000ffff", "cbor.not_shortest", 0, None, None),
        ("1b00000000ffffffff", "cbor.not_shortest", 0, None, None),
        ("3800", "cbor.not_shortest", 0, None, None),
        ("580100", "cbor.not_shortest", 0, None, None),
        ("780161", "cbor.not_shortest", 0, None, None),
        ("980101", "cbor.not_shortest", 0, None, None),
        ("b8010101", "cbor.not_shortest", 0, None, None),
        ("d80101", "cbor.not_shortest", 0, None, None),
        ("f814", "cbor.not_shortest", 0, None, None),
        ("f81f", "cbor.not_shortest", 0, None, None),
        ("a201020102", "cbor.duplicate_key", 3, None, None),
        ("a2616101616101", "cbor.duplicate_key", 4, None, None),
        ("a30101020201ff", "cbor.duplicate_key", 5, None, None),
        ("a20102f502", "cbor.bad_key", 3, "an integer or a text", "bool"),
        ("a2f5020102", "cbor.bad_key", 1, "an integer or a text", "bool"),
        ("a1f602", "cbor.bad_key", 1, "an integer or a text", "NoneType"),
        ("a1410102", "cbor.bad_key", 1, "an integer or a text", "bytes"),
        ("a18002", "cbor.bad_key", 1, "an integer or a text", "list"),
        ("a1a002", "cbor.bad_key", 1, "an integer or a text", "dict"),
        ("a1f93c0002", "cbor.float", 1, None, None),
        ("81f93c00", "cbor.float", 1, None, None),
        ("c6f6", "cbor.tag", 0, None, "tag 6"),
        ("81c101", "cbor.tag", 1, None, "tag 1"),
        ("d9d9f700", "cbor.tag", 0, None, "tag 55799"),
        ("82d81c80d81d00", "cbor.tag", 1, None, "tag 28"),
        ("d818440102", "cbor.tag", 0, None, "tag 24"),
        ("81f7", "cbor.simple_value", 1, "false, true or null", None),
        ("e0", "cbor.simple_value", 0, "false, true or null", None),
        ("f3", "cbor.simple_value", 0, "false, true or null", None),
        ("f820", "cbor.simple_value", 0, "false, true or null", None),
        ("1b8000000000000000", "cbor.integer_range", 0, "-2^63 to 2^63-1", None),
        ("813b8000000000000000", "cbor.integer_range", 1, "-2^63 to 2^63-1", None),
        ("a11bffffffffffffffff00", "cbor.integer_range", 1, "-2^63 to 2^63-1", None),
        ("62c328", "cbor.bad_utf8", 1, None, None),
        ("6361ff62", "cbor.bad_utf8", 2, None, None),
        ("63eda080", "cbor.bad_utf8", 1, None, None),
        ("62c080", "cbor.bad_utf8", 1, None, None),
        ("a161ff00", "cbor.bad_utf8", 2, None, None),
        ("1c", "cbor.reserved", 0, None, "0x1c"),
        ("815d", "cbor.reserved", 1, None, "0x5d"),
        ("fe", "cbor.reserved", 0, None, "0xfe"),
    ],
)
def test_fault_is_named_where_it_stands(
    hexadecimal: str, code: str, offset: int, expected: str | None, found: str | None
) -> None:
    """Every refusal has its code, the offset of the faulty item, and what was there."""
    error = refused(bytes.fromhex(hexadecimal))
    assert (error.code, error.offset, error.expected, error.found) == (code, offset, expected, found)
    assert error.message() in str(error)


@pytest.mark.parametrize("head", ["5b", "7b", "9b", "bb"])
@pytest.mark.parametrize("length", ["ffffffffffffffff", "7fffffffffffffff", "000000ffffffffff"])
def test_hostile_length_is_a_cut_input(head: str, length: str) -> None:
    """A length far beyond the input is refused at its head, whatever it promises."""
    error = refused(bytes.fromhex(head + length) + b"\x00" * 9)
    assert (error.code, error.offset) == ("cbor.truncated", 0)


def test_integers_of_64_bits_are_the_range() -> None:
    """-2^63 and 2^63-1 are read; one more is not."""
    assert decode(bytes.fromhex("1b7fffffffffffffff")) == 2**63 - 1
    assert decode(bytes.fromhex("3b7fffffffffffffff")) == -(2**63)


@pytest.mark.parametrize("nest", [b"\x81", b"\xa1\x00"], ids=["list", "map"])
def test_depth_ends_at_eight(nest: bytes) -> None:
    """Eight containers around a value pass and nine do not, by the whole decoder and by the strict reader alone."""
    deepest = nest * limits.DEPTH + b"\xf6"
    assert cbor.encode(decode(deepest)) == deepest
    assert cbor.read_item(deepest, 0, max_items=99) == (decode(deepest), len(deepest))
    for data in (nest * 9 + b"\xf6", nest * 8 + b"\x80", nest * 5000):
        error = refused(data)
        assert (error.code, error.offset) == ("cbor.too_deep", 8 * len(nest))
        assert error.expected == "at most 8 levels"


def test_depth_is_the_callers() -> None:
    """A smaller depth holds as exactly."""
    assert decode(b"\x81\x81\x00", max_depth=2) == [[0]]
    assert refused(b"\x81\x81\x00", max_depth=1).code == "cbor.too_deep"


@pytest.mark.parametrize(
    ("data", "items"),
    [(b"\x83\x00\x00\x00", 4), (b"\xa2\x00\x00\x01\x00", 5), (b"\x82\x81\x00\xa1\x00\xf6", 6), (b"\x00", 1)],
)
def test_items_are_counted_keys_included(data: bytes, items: int) -> None:
    """Exactly max_items items pass; with one less allowed, the last one is named, equally by both readers."""
    value = decode(data, max_items=items)
    assert cbor.read_item(data, 0, max_items=items) == (value, len(data))
    error = refused(data, max_items=items - 1)
    assert (error.code, error.offset) == ("cbor.too_many_items", len(data) - 1)


def test_bytes_are_counted() -> None:
    """Exactly max_bytes bytes pass; one more is refused before anything is read."""
    assert decode(b"\x43abc", max_bytes=4) == b"abc"
    error = refused(b"\xff" * 5, max_bytes=4)
    assert (error.code, error.offset) == ("cbor.too_large", None)
    assert (error.expected, error.found) == ("at most 4 bytes", "5 bytes")


def test_an_item_is_read_from_the_middle() -> None:
    """read_item takes one item and says where it ends; what stands behind is the caller's."""
    assert cbor.read_item(b"\xff\x82\x01\x02\xff", 1, max_items=9) == ([1, 2], 4)


def test_same_key_of_two_types_stays_two_keys() -> None:
    """1 and "1" are different keys."""
    assert decode(bytes.fromhex("a20102613103")) == {1: 2, "1": 3}


def test_order_of_keys_is_free_and_kept() -> None:
    """Keys out of order are read, in their order."""
    value = decode(bytes.fromhex("a3030061610020f6"))
    assert isinstance(value, dict)
    assert list(value) == [3, "a", -1]


def test_encoding_sorts_keys_by_their_bytes() -> None:
    """Core deterministic encoding: 10, 100, -1, "z", "aa" (RFC 8949 section 4.2.1)."""
    value: cbor.Value = {"aa": 4, "z": 3, -1: 2, 100: 1, 10: {"b": 1, "a": 0}}
    assert cbor.encode(value).hex() == "a50aa26161006162011864012002617a0362616104"


@pytest.mark.parametrize(
    ("value", "path", "expected", "found"),
    [
        (1.5, "$", None, "float"),
        ((1,), "$", None, "tuple"),
        ({"a": [0, {2: b"", 3: object()}]}, "$.a[1].3", None, "object"),
        (bytearray(b"a"), "$", None, "bytearray"),
        ({True: 1}, "$", None, "dict"),
        ({b"k": 1}, "$", None, "dict"),
        ([2**63], "$[0]", "-2^63 to 2^63-1", "a larger integer"),
        (-(2**63) - 1, "$", "-2^63 to 2^63-1", "a larger integer"),
        ({2**64: 1}, "$", "-2^63 to 2^63-1", "a larger integer"),
        (["\ud800"], "$[0]", None, "a lone surrogate"),
        ({"\udfff": 1}, "$", None, "a lone surrogate"),
        ([[[[[[[[[]]]]]]]]], "$" + "[0]" * 8, "at most 8 levels", None),
    ],
)
def test_what_could_not_be_read_is_not_written(value: Any, path: str, expected: str | None, found: str | None) -> None:
    """encode refuses with the path whatever decode would refuse."""
    with pytest.raises(EncodeError) as caught:
        cbor.encode(value)
    error = caught.value
    assert (error.code, error.path, error.expected, error.found) == ("cbor.not_encodable", path, expected, found)
    assert error.message() == "A value is none that the format can carry."


def test_list_in_itself_is_refused() -> None:
    """A list that contains itself ends at the eighth level, not in the interpreter's stack."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EncodeError) as caught:
        cbor.encode(endless)
    assert caught.value.expected == "at most 8 levels"
