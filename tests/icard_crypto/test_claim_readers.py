"""The straight-line readers of claim maps say yes only where the tables do, and give the same values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto import claims
from icard_crypto.card import Profile
from icard_crypto.claim_maps import Table, read_map
from icard_crypto.claims import to_map
from icard_crypto.errors import DecodeError
from icard_crypto.fields import FIELDS
from tests.reference import reference_claims
from tests.strategies import claims as any_claims

TABLES = {
    "claims": claims._CLAIMS,
    "status": claims._STATUS,
    "status_list": claims._STATUS_LIST,
    "identity": claims._IDENTITY,
    "card": claims._CARD,
    "permit": claims._PERMIT,
    "insurance": claims._INSURANCE,
    "exemption": claims._EXEMPTION,
}
#: Values at the edges of what fields take, of every type that a reader of CBOR could ever give.
EDGES = [
    *(None, True, False, 0, 1, -1, 8, 255, 256, 2**32 - 1, 2**32, 84005, 84006, 2759, 2760, 1899, 1900, 2199, 2200),
    *(65535, 65536, 253402300799, 253402300800, 1.0, 1.5, "", "x", "B", "ABC", "DEU", "deu", "19880314", "19880230"),
    *("310115", "010115", "x" * 66, "x" * 67, "a\u202eb", "\u200c", "a\n", "https://h.example/s/k", "http://h/", "zh"),
    *(b"", bytes(8), bytes(7), bytes(2048), bytes(2049), [], [1], [0] * 33, {}, {1: 2}, dict.fromkeys(range(65), 0)),
]


def _by_table(source: dict[Any, Any], table: Table) -> list[Any] | str:
    """What the table alone says: the values, or the error; values with unknown keys beside them do not count."""
    slow = object.__new__(Table)
    slow.rules, slow.required, slow.width = table.rules, table.required, table.width
    slow.quick = lambda _: None
    unknown: list[str] = []
    try:
        values = read_map(source, slow, "x", unknown)
    except DecodeError as error:
        return str(error)
    return "unknown" if unknown else values


def _maps(payload: dict[Any, Any]) -> dict[str, dict[Any, Any]]:
    body = payload[-65537]
    found = {
        "claims": payload,
        "status": payload[65535],
        "status_list": payload[65535]["status_list"],
        "identity": payload[169],
        "card": body,
        "permit": body[1],
        "insurance": body[2],
    }
    return found | {"exemption": dict(enumerate(body[2][6][0]))}


def test_every_map_of_a_whole_card_is_read_quickly() -> None:
    """The reference authority card, where most fields stand, takes the quick way in every map."""
    for name, source in _maps(to_map(reference_claims(Profile.AUTHORITY))).items():
        assert TABLES[name].quick(source) == _by_table(source, TABLES[name]), name


@pytest.mark.parametrize("name", TABLES)
def test_no_edge_is_accepted_that_the_table_refuses(name: str) -> None:
    """Every field with every edge value: quick values are the table's values, and what it refuses is not taken."""
    source = _maps(to_map(reference_claims(Profile.AUTHORITY)))[name]
    taken = 0
    for field in FIELDS[name].values():
        for edge in EDGES:
            changed = source | {field.key: edge}
            quick, table = TABLES[name].quick(changed), _by_table(changed, TABLES[name])
            assert quick is None or quick == table, (field.name, edge)
            taken += quick is not None
    assert taken >= len(FIELDS[name]), "some edges are good values"


@pytest.mark.parametrize("key", [True, False, 1.0, b"\x01", None, 999, "place"])
def test_keys_that_only_equal_an_integer_are_not_taken(key: object) -> None:
    """True and 1.0 are equal to 1 in a dict: the quick way leaves them to the table, as every unknown key."""
    source: dict[Any, Any] = {2: "B", 7: 21304, 8: "310115"}
    assert TABLES["permit"].quick(source) is not None
    assert TABLES["permit"].quick(source | {key: "1234"}) is None


@settings(max_examples=200)
@given(any_claims(Profile.AUTHORITY), st.data())
def test_any_claims_with_anything_left_out_or_changed(made: Any, data: st.DataObject) -> None:
    """Generated claims, a field dropped or replaced: quick is the table's answer or none."""
    payload = to_map(made)
    name = data.draw(st.sampled_from(["claims", "identity", "card"]))
    source = dict(_maps_of(payload)[name])
    key = data.draw(st.sampled_from(sorted(source, key=str)))
    if data.draw(st.booleans()):
        del source[key]
    else:
        source[key] = data.draw(st.sampled_from(EDGES))
    quick = TABLES[name].quick(source)
    assert quick is None or quick == _by_table(source, TABLES[name])


def _maps_of(payload: dict[Any, Any]) -> dict[str, dict[Any, Any]]:
    return {"claims": payload, "identity": payload[169], "card": payload[-65537]}
