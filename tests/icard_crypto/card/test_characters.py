"""Characters of texts: what readers take, what issuers write, and that it hangs on no version of Python."""

from __future__ import annotations

import dataclasses
import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import native
from icard_crypto.card import characters, native_reader
from icard_crypto.card.card import Card, Profile
from icard_crypto.card.characters import COMMON, UNICODE, fault_of, is_plain
from icard_crypto.card.claims import decode_claims, decode_facts, decode_payload, encode_claims, to_map
from icard_crypto.encoding import cbor
from icard_crypto.errors import CardError, DecodeError
from tests.kit.reference import reference_claims

VECTORS = Path(__file__).parents[2] / "vectors"
FILE: dict[str, Any] = json.loads((VECTORS / "names.json").read_text("utf-8"))
ROWS: list[dict[str, Any]] = FILE["names"]
_IDS = [row.get("script") or row["case"] for row in ROWS]
_TABLE = {
    kind: {place for first, last in ranges for place in range(first, last + 1)}
    for kind, ranges in characters._table().items()
}


def _card(name: str) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((VECTORS / "cards" / "reference.json").read_text("utf-8"))
    card["holder"]["name"] = name
    return card


@pytest.mark.parametrize("row", ROWS, ids=_IDS)
def test_names_are_read_and_issued_as_the_vectors_say(row: dict[str, Any]) -> None:
    """By every reader there is, the quick ones too."""
    text = row["text"]
    assert (is_plain(text), fault_of(text) is None) == (row["read"], row["issue"])
    claims = reference_claims(Profile.PUBLIC)
    holder = dataclasses.replace(claims.card.holder, name=text)
    payload = cbor.encode(to_map(dataclasses.replace(claims, card=dataclasses.replace(claims.card, holder=holder))))
    if row["read"]:
        assert decode_payload(payload).card.holder.name == text
        assert decode_facts(payload).issuer == claims.issuer
        assert decode_claims(cbor.decode(payload, max_bytes=10_000, max_items=1000)).card.holder.name == text
    else:
        for read in (decode_payload, decode_facts):
            with pytest.raises(DecodeError) as caught:
                read(payload)
            assert (caught.value.code, caught.value.path) == ("claims.bad_format", "identity.name")
    reader = native_reader.reader()
    if reader is not None:
        # It may leave a text to Python, and may never take one that is refused.
        assert row["read"] or reader.facts(payload) is None
    if row["issue"]:
        assert Card.from_json(_card(text)).holder.name == text
    else:
        with pytest.raises(CardError) as refused:
            Card.from_json(_card(text))
        assert (refused.value.code, refused.value.path) == ("card.bad_format", "holder.name")


def test_every_script_of_the_vectors_is_read_by_the_version_that_it_names() -> None:
    """The file, the module and the table are of one version of Unicode."""
    table = json.loads(Path(characters.__file__).with_name("characters.json").read_text("utf-8"))
    assert FILE["unicode"] == table["unicode"] == UNICODE


@pytest.mark.parametrize("text", ["   ", " ", "\u3164"])
def test_the_native_core_takes_no_text_without_a_visible_character(text: str) -> None:
    """A name of spaces is plain characters alone, and shows nothing."""
    if native.core is None:
        pytest.skip("icard-native is not installed")
    reader = native_reader.reader()
    assert reader is not None
    claims = reference_claims(Profile.PUBLIC)
    good = encode_claims(dataclasses.replace(claims, confirmation=None))
    assert reader.facts(good) is not None
    holder = dataclasses.replace(claims.card.holder, name=text)
    blank = dataclasses.replace(claims, card=dataclasses.replace(claims.card, holder=holder))
    assert reader.facts(cbor.encode(to_map(blank))) is None


def test_common_characters_are_visible_ones_of_the_table() -> None:
    """So that the quick look takes nothing that the table refuses."""
    assert {place for first, last in COMMON for place in range(first, last + 1)} <= _TABLE["visible"]


def test_the_table_is_what_this_python_knows() -> None:
    """Of characters that both versions of Unicode have, the general categories agree; the three kinds are apart."""
    assert sum(map(len, _TABLE.values())) == len(set().union(*_TABLE.values()))
    own = tuple(map(int, unicodedata.unidata_version.split(".")))
    fixed = tuple(map(int, UNICODE.split(".")))
    listed = set().union(*_TABLE.values())
    for place in range(sys.maxunicode + 1):
        kind = unicodedata.category(chr(place))[0]
        if place in listed:
            assert kind in "LMNPS" or (own < fixed and kind == "C"), hex(place)
            assert (place in _TABLE["marks"]) <= (kind in "MC"), hex(place)
        elif own <= fixed:
            assert kind in "ZC", hex(place)
    if own <= fixed:
        assert _TABLE["visible"].isdisjoint(range(0xE000, 0xF900))


def test_an_uncommon_name_is_no_matter_of_the_version_of_python() -> None:
    """Whatever ``str.isprintable`` says: the table alone decides."""
    assert is_plain("\U0002ebf0")
    assert not is_plain("\u1c89")
