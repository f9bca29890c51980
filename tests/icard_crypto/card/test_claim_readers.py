"""The straight-line reader of claims says yes only where strict CBOR and the tables do, and gives the same claims."""

from __future__ import annotations

import copy
import random
import struct
from collections.abc import Iterator
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto import limits
from icard_crypto.card import claims, native_reader
from icard_crypto.card.card import Profile
from icard_crypto.card.claims import CardClaims, decode_claims, decode_payload, encode_claims, facts_of, to_map
from icard_crypto.card.facts import Facts
from icard_crypto.card.fields import FIELDS
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from tests.kit import fuzzing
from tests.kit.reference import reference_claims
from tests.kit.strategies import claims as any_claims

#: Where each map of fields.json stands in the payload; an exemption is a list of the same fields by position.
PLACES: dict[str, tuple[Any, ...]] = {
    "claims": (),
    "status": (65535,),
    "status_list": (65535, "status_list"),
    "identity": (169,),
    "card": (-65537,),
    "permit": (-65537, 1),
    "insurance": (-65537, 2),
    "exemption": (-65537, 2, 6, 0),
}
#: Values at the edges of what fields take, of every type that a reader of CBOR could ever give.
EDGES = [
    *(None, True, False, 0, 1, -1, 8, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 84005, 84006, 2759, 2760),
    *(1899, 1900, 2199, 2200, 253402300799, 253402300800, 1.0, 1.5, "", "x", "B", "ABC", "DEU", "deu", "19880314"),
    *("19880230", "18880314", "310115", "010115", "x" * 23, "x" * 24, "x" * 66, "x" * 67, "汉" * 8, "汉" * 66),
    *("a\u202eb", "\u200c", "a\n", "https://h.example/s/k", "http://h/", "zh", "zh-Hant"),
    *(b"", bytes(8), bytes(7), bytes(255), bytes(256), bytes(2048), bytes(2049)),
    *([], [1], [23, 24, 256, 65535], [True], [65536], [0] * 33, {}, {1: 2}, {True: 2}, dict.fromkeys(range(65), 0)),
]


def _quick(data: bytes) -> CardClaims | None:
    """What the quick reader alone says of these bytes; the reader of facts says the same, in facts."""
    loose = cbor.read_loosely(data)
    try:
        found: CardClaims | None = claims._read_quickly(loose, len(data))
    except Exception as error:
        with pytest.raises(type(error)):
            claims._read_facts(loose, len(data))
        raise
    facts = claims._read_facts(loose, len(data))
    assert repr(facts) == repr(None if found is None else facts_of(found))
    native = native_reader.reader()
    told = None if native is None else native.facts(data)
    assert told is None or repr(Facts(*told)) == repr(facts), "the native core reads what Python reads, or nothing"
    return found


def _strict(data: bytes) -> CardClaims | None:
    """What the strict way says."""
    try:
        return decode_claims(cbor.decode(data, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS))
    except DecodeError:
        return None


def _taken(data: bytes) -> bool:
    """Whether the quick reader takes it, which it may only where the strict way gives the same, types included."""
    quick = _quick(data)
    assert quick is None or repr(quick) == repr(_strict(data))
    return quick is not None


def _payload(profile: Profile = Profile.AUTHORITY) -> dict[Any, Any]:
    return copy.deepcopy(to_map(reference_claims(profile)))


def _at(payload: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        payload = payload[key]
    return payload


def _encoded(value: Any) -> Iterator[tuple[bytes, bytes]]:
    """The encoding of a value in pieces: each head, and what stands behind it."""
    if isinstance(value, dict | list):
        yield cbor2.dumps(value)[:1], b""
        for item in value if isinstance(value, list) else (part for pair in value.items() for part in pair):
            yield from _encoded(item)
    elif isinstance(value, str | bytes):
        content = value.encode() if isinstance(value, str) else value
        whole = cbor2.dumps(value)
        yield whole[: len(whole) - len(content)], content
    else:
        yield cbor2.dumps(value), b""


def _longer(head: bytes) -> Iterator[bytes]:
    """The same head with each greater number of bytes for its argument (RFC 8949 section 3)."""
    info = head[0] & 31
    argument = info if info < 24 else int.from_bytes(head[1:], "big")
    for length in (1, 2, 4, 8):
        if length > len(head) - 1:
            yield bytes((head[0] & 0xE0 | 23 + length.bit_length(),)) + argument.to_bytes(length, "big")


@pytest.mark.parametrize("profile", Profile)
def test_whole_cards_are_read_quickly(profile: Profile) -> None:
    """The reference card of every profile takes the quick way, and gives what was encoded."""
    made = reference_claims(profile)
    data = encode_claims(made)
    assert _quick(data) == made
    assert repr(_quick(data)) == repr(made)
    assert hash(_quick(data)) == hash(made)


@pytest.mark.parametrize("name", PLACES)
def test_no_edge_is_accepted_that_the_strict_way_refuses(name: str) -> None:
    """Every field with every edge value: the quick claims are the strict ones, and what those refuse is not taken."""
    taken = 0
    for field in FIELDS[name].values():
        for edge in EDGES:
            payload = _payload()
            _at(payload, PLACES[name])[field.key] = edge
            taken += _taken(cbor2.dumps(payload))
    assert taken >= len(FIELDS[name]) - 1, "some edges are good values; cnf is never read quickly"


@pytest.mark.parametrize("name", PLACES)
def test_nothing_may_be_missing_or_unknown(name: str) -> None:
    """Without a field, or with one that nobody knows beside them, the quick way is the strict one's answer or none."""
    place = PLACES[name]
    for field in FIELDS[name].values():
        payload = _payload()
        inner = _at(payload, place)
        if name == "exemption" or field.key in inner:
            del inner[field.key]
            taken = _taken(cbor2.dumps(payload))
            assert not (taken and field.required), field.name
    for unknown in (999, "place", b"x", None, 1.5):
        payload = _payload()
        inner = _at(payload, place)
        inner.append(unknown) if name == "exemption" else inner.update({unknown: 1})
        assert not _taken(cbor2.dumps(payload)), unknown


@pytest.mark.parametrize("name", ["claims", "identity", "card", "permit", "insurance"])
def test_keys_that_only_equal_an_integer_are_not_taken(name: str) -> None:
    """True and 1.0, and a float of as many bytes as the integer, equal it in a dict: the strict way refuses them."""
    inner = _at(_payload(), PLACES[name])
    for key in inner:
        for other in (struct.pack(">Bf", 0xFA, key), struct.pack(">Bd", 0xFB, key), b"\xf5" if key == 1 else None):
            if other is not None:
                pieces = b"".join((other if k == key else cbor2.dumps(k)) + cbor2.dumps(v) for k, v in inner.items())
                whole = cbor2.dumps(_payload())
                data = whole.replace(cbor2.dumps(inner), cbor2.dumps(inner)[:1] + pieces)
                assert data != whole
                assert not _taken(data), (key, other)


@pytest.mark.parametrize("profile", Profile)
def test_no_head_longer_than_needed_is_taken(profile: Profile) -> None:
    """Each head of the payload, one after the other, in each longer form: never taken, and refused by its name."""
    pieces = list(_encoded(_payload(profile)))
    assert b"".join(head + content for head, content in pieces) == cbor2.dumps(_payload(profile))
    tried = 0
    for number, (head, _) in enumerate(pieces):
        for longer in _longer(head):
            data = b"".join((longer if at == number else head) + content for at, (head, content) in enumerate(pieces))
            assert cbor2.loads(data) == cbor2.loads(cbor2.dumps(_payload(profile))), "the same value to cbor2"
            assert not _taken(data)
            with pytest.raises(DecodeError) as caught:
                decode_payload(data)
            assert caught.value.code == "cbor.not_shortest"
            tried += 1
    assert tried > 2 * len(pieces)


def test_one_head_too_long_is_not_made_up_for_elsewhere() -> None:
    """No value explains fewer bytes than its shortest encoding has, whatever stands behind or is left out."""
    data = encode_claims(reference_claims(Profile.PUBLIC))
    for more in (b"\x00", b"\xf6", b"\xa0", data):
        assert not _taken(data + more)
    for size in range(len(data) - 12, len(data) + 12):
        assert (claims._read_quickly(cbor.read_loosely(data), size) is not None) == (size == len(data))


@settings(max_examples=200)
@given(any_claims(Profile.AUTHORITY), st.data())
def test_any_claims_with_anything_left_out_or_changed(made: Any, data: st.DataObject) -> None:
    """Generated claims, a field dropped or replaced: quick is the strict answer or none; unchanged they are taken."""
    payload = copy.deepcopy(to_map(made))
    assert _taken(cbor2.dumps(payload)) == (made.confirmation is None)
    inner = _at(payload, data.draw(st.sampled_from([PLACES["claims"], PLACES["identity"], PLACES["card"]])))
    key = data.draw(st.sampled_from(sorted(inner, key=str)))
    if data.draw(st.booleans()):
        del inner[key]
    else:
        inner[key] = data.draw(st.sampled_from(EDGES))
    _taken(cbor2.dumps(payload))


@settings(max_examples=400)
@given(st.sampled_from(Profile), st.randoms(use_true_random=False))
def test_mutated_payloads_get_one_answer(profile: Profile, choose: random.Random) -> None:
    """Bytes of a payload changed at random: decode_payload and the strict way refuse the same, or give the same."""
    data = fuzzing.mutate(encode_claims(reference_claims(profile)), choose)
    try:
        found: CardClaims | None = decode_payload(data)
    except DecodeError:
        found = None
    assert repr(found) == repr(_strict(data))
