"""Strict CBOR by properties: two readers, one answer; one value, one encoding; memory as flat as the input."""

from __future__ import annotations

import random
import subprocess
import sys
import tracemalloc
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from tests.kit import fuzzing
from tests.kit.fuzzing import same

CAPS = {"max_bytes": limits.CARD_BYTES, "max_items": limits.CARD_ITEMS}
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=30) | st.text(max_size=30)
KEYS = st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
).filter(lambda value: depth(value) <= limits.DEPTH)
#: All that cbor2 can write, most of which icard refuses.
FOREIGN = st.recursive(
    LEAVES
    | st.floats()
    | st.integers()
    | st.just(cbor2.undefined)
    | st.builds(cbor2.CBORSimpleValue, st.integers(0, 19) | st.integers(32, 255))
    | st.binary(max_size=4).map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.booleans() | st.floats() | st.none() | st.binary(max_size=3), inner, max_size=3)
        | st.builds(cbor2.CBORTag, st.integers(0, 70_000), inner)
    ),
    max_leaves=8,
)


def depth(value: Any) -> int:
    """Levels of containers."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def by_strict_reader(data: bytes) -> tuple[Any, DecodeError | None]:
    """What the strict reader alone says: a value, or an error."""
    try:
        value, end = cbor.read_item(data, 0, max_items=limits.CARD_ITEMS)
    except DecodeError as error:
        return None, error
    if end != len(data):
        return None, DecodeError("cbor.trailing_bytes", offset=end)
    return value, None


def agreed(data: bytes) -> bool:
    """Assert that decode and the strict reader agree in value, types, code and offset; whether they accept."""
    expected, refusal = by_strict_reader(data)
    try:
        value = cbor.decode(data, **CAPS)
    except DecodeError as error:
        answer: tuple[str, int | None] | None = (error.code, error.offset)
    else:
        answer = None
        assert same(value, expected)
        assert cbor2.dumps(value) == data
    assert answer == (refusal and (refusal.code, refusal.offset))
    return answer is None


@settings(max_examples=300)
@given(VALUES)
def test_what_is_encoded_decodes_to_the_same_value(value: Any) -> None:
    """decode(encode(x)) is x, types included, whatever the order of its keys was; encoding again changes nothing."""
    data = cbor.encode(value)
    again = cbor.decode(data, **CAPS)
    assert again == value
    assert agreed(data)
    assert cbor.encode(again) == data


@given(st.dictionaries(KEYS, LEAVES, max_size=6), st.randoms(use_true_random=False))
def test_encoding_does_not_depend_on_the_order_of_keys(value: dict[Any, Any], choose: random.Random) -> None:
    """The same map, filled in another order, gives the same bytes, and its keys stand in bytewise order."""
    shuffled = list(value.items())
    choose.shuffle(shuffled)
    data = cbor.encode(value)
    assert cbor.encode(dict(shuffled)) == data
    keys = [cbor2.dumps(key) for key in cbor2.loads(data)]
    assert keys == sorted(keys)


@settings(max_examples=400)
@given(st.binary(max_size=64))
def test_readers_agree_on_arbitrary_bytes(data: bytes) -> None:
    """The fast reader only ever says yes where the strict one does, with an equal value."""
    agreed(data)


@settings(max_examples=400)
@given(VALUES, st.randoms(use_true_random=False))
def test_readers_agree_on_mutated_encodings(value: Any, choose: random.Random) -> None:
    """The same, close to what is valid."""
    agreed(fuzzing.mutate(cbor.encode(value), choose))


@settings(max_examples=400)
@given(FOREIGN)
def test_readers_agree_on_all_that_cbor_can_say(value: Any) -> None:
    """The same for floats, tags, bignums, simple values and foreign keys, which are refused by both."""
    agreed(cbor2.dumps(value))


@pytest.mark.parametrize(
    "hexadecimal",
    [
        "a20100f500",
        "a2f5000100",
        "a2f4000000",
        "a1f93c0000",
        "a20100f93c0001",
        "a20100613100",
        "a2fb3ff000000000000000f500",
    ],
)
def test_keys_that_python_takes_for_equal(hexadecimal: str) -> None:
    """1, true and 1.0 are one key to Python: neither reader is fooled by it."""
    agreed(bytes.fromhex(hexadecimal))


def test_every_one_and_two_byte_input_gets_one_answer() -> None:
    """All 65,792 shortest inputs: both readers agree, and both outcomes occur."""
    outcomes = [agreed(number.to_bytes(size, "big")) for size in (1, 2) for number in range(256**size)]
    assert len(outcomes) == 65_792
    of_one_byte = 24 + 24 + 4 + 3  # small integers of both signs, empty containers, false true null
    assert (
        sum(outcomes) == of_one_byte + 2 * (256 - 24) + 256 + 128 + of_one_byte
    )  # integers, bytes, texts, lists of one


def test_twenty_thousand_mutated_inputs_give_nothing_but_typed_errors() -> None:
    """Every layer that reads what strangers show; both outcomes, and the codes that matter, did occur."""
    outcomes = fuzzing.fuzz(20_260_101, 20_000)
    assert set(outcomes) == set(fuzzing.LAYERS)
    for layer, counts in outcomes.items():
        assert 20_000 // len(outcomes) <= counts.total() <= 20_000 // len(outcomes) + 1, layer
        assert counts["accepted"] > 50, layer
        assert len(counts) >= 4, layer


def test_fuzzing_repeats_itself_and_says_where_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed tries the same inputs; a foreign exception is reported with layer, seed and input."""
    assert fuzzing.fuzz(5, 700) == fuzzing.fuzz(5, 700)

    def broken(data: bytes) -> None:
        raise IndexError(len(data))

    monkeypatch.setitem(fuzzing.LAYERS, "cbor", fuzzing.LAYERS["cbor"]._replace(read=broken))
    with pytest.raises(AssertionError, match=r"IndexError in cbor, seed 5, input 0: [0-9a-f]*$"):
        fuzzing.fuzz(5, 1, only="cbor")


HOSTILE = {
    "empty maps": b"\x99\x3f\xfd" + b"\xa0" * 0x3FFD,
    "empty lists": b"\x99\x3f\xfd" + b"\x80" * 0x3FFD,
    "nested": b"\x81" * 0x4000,
    "maps in maps": b"\xa1\x00" * 0x2000,
    "promised list": b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff" + b"\x00" * 0x3FF0,
    "promised map": b"\xbb\x00\x00\x00\xff\xff\xff\xff\xff" + b"\x00" * 0x3FF0,
    "promised bytes": b"\x5b\x00\x00\x00\xff\xff\xff\xff\xff" + b"\x00" * 0x3FF0,
    "promised in each": b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff" * 1800,
    "texts": b"\x99\x1f\xfe" + b"\x61\xff" * 0x1FFE,
    "regular expressions": b"\x99\x0f\xff" + b"\xd8\x23\x61\x2a" * 0xFFF,
    "bignums": b"\xc2\x59\x3f\xfc" + b"\xff" * 0x3FFC,
    "shared references": b"\xd8\x1c\x82\xd8\x1d\x00" * 2700,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_16_kib_take_little_memory(name: str) -> None:
    """A megabyte and a half at most (a hundred times the input), whatever the bytes promise, and it is given back."""
    data = HOSTILE[name]
    assert len(data) <= limits.CARD_BYTES
    with pytest.raises(DecodeError):
        cbor.decode(data, **CAPS)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            cbor.decode(data, **CAPS)
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_600_000
    assert left < 50_000


def test_hostile_trust_list_takes_memory_for_its_items_only() -> None:
    """8 MiB of empty maps in a process of its own: the peak stays far below the 600 MB that all of them would take."""
    program = (
        "import resource; from icard_crypto import limits; from icard_crypto.encoding import cbor\n"
        "from icard_crypto.errors import DecodeError\n"
        "data = b'\\x9a\\x00\\x7f\\xff\\xfb' + b'\\xa0' * 0x7ffffb\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: cbor.decode(data, max_bytes=limits.TRUST_LIST_BYTES, max_items=limits.TRUST_LIST_ITEMS)\n"
        "except DecodeError as error: print(error.code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert shown[0] == "cbor.too_many_items"
    assert int(shown[1]) < 60_000  # kibibytes
