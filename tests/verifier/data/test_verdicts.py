"""A column of verdicts: row for row what verify() says, whatever the column is made of."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto.card.card import Profile
from tests.kit.columns import CODES, NOW, REVOKED, expected, job, mutated, vector_codes
from tests.kit.publisher import code
from tests.kit.reference import reference_card
from tests.kit.vector_verifiers import VECTORS, decision_verifier, load, shown, trusting_verifier
from verifier import UsageError, Verifier
from verifier.data import CLAIMS, DataError, verdict_type, verdicts

VERIFIER = job().verifier()


def rows(codes: Any, verifier: Verifier = VERIFIER, now: int = NOW, **options: Any) -> list[Any]:
    """The column as Python values."""
    found: list[Any] = verdicts(codes, verifier, now, **options).to_pylist()
    return found


@pytest.mark.parametrize("path", sorted((VECTORS / "decisions").glob("*.json")), ids=lambda path: path.stem)
def test_a_decision_vector_gives_the_verdicts_row(path: Path) -> None:
    vector = load(path)
    verifier = decision_verifier(vector)
    shown_as = pa.string() if "text" in vector else pa.binary()
    assert rows(pa.array([shown(vector)], shown_as), verifier, vector["now"]) == expected(
        verifier, [shown(vector)], vector["now"]
    )


@pytest.mark.parametrize("verifier", [VERIFIER, trusting_verifier()], ids=["bundle", "keys"])
@pytest.mark.parametrize("kind", [str, bytes])
def test_every_vector_gives_the_verdicts_row(verifier: Verifier, kind: type) -> None:
    codes = [shown for shown in vector_codes() if isinstance(shown, kind)]
    assert len(codes) >= 10
    assert rows(pa.array(codes, pa.string() if kind is str else pa.binary()), verifier) == expected(
        verifier, codes, NOW
    )


@pytest.mark.slow
def test_a_hundred_thousand_mutated_codes_give_the_verdicts_rows() -> None:
    codes = mutated(2026, 100_000)
    found = rows(pa.array(codes))
    assert found == expected(VERIFIER, codes, NOW)
    assert len({row["reason"] for row in found}) > 8


def test_mutated_codes_give_the_verdicts_rows() -> None:
    codes = mutated(1, 2000)
    assert rows(pa.array(codes)) == expected(VERIFIER, codes, NOW)


TEXTS = [*CODES, None]
WANTED = expected(VERIFIER, TEXTS, NOW)
KINDS = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_type_of_column_gives_the_same_rows(kind: pa.DataType) -> None:
    wanted = expected(VERIFIER, [None if text is None else text.encode() for text in TEXTS], NOW)
    assert wanted == WANTED
    assert rows(pa.array(TEXTS).cast(pa.binary()).cast(kind)) == wanted


@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.large_string()], ids=str)
def test_a_dictionary_gives_the_same_rows(kind: pa.DataType) -> None:
    plain = pa.array(TEXTS * 3).cast(pa.binary()).cast(kind)
    assert rows(plain.dictionary_encode()) == WANTED * 3


def test_a_dictionary_with_a_null_value_gives_nulls() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([1, 0, None], pa.int8()), pa.array([None, CODES[0]]))
    assert rows(column) == [WANTED[0], None, None]


def test_fixed_width_binary_is_verified_as_bytes() -> None:
    column = pa.array([b"\xd2" + bytes(7)], pa.binary(8))
    assert rows(column) == expected(VERIFIER, [b"\xd2" + bytes(7)], NOW)


def test_chunks_and_slices_keep_the_order() -> None:
    chunked = pa.chunked_array([pa.array(TEXTS), pa.array([], pa.string()), pa.array(TEXTS)[3:7], pa.array(TEXTS)])
    assert rows(chunked) == WANTED + WANTED[3:7] + WANTED
    assert rows(pa.array(TEXTS)[2:5]) == WANTED[2:5]


@pytest.mark.parametrize("column", [pa.array([], pa.string()), pa.chunked_array([], pa.string())])
def test_an_empty_column_gives_an_empty_column(column: Any) -> None:
    found = verdicts(column, VERIFIER, NOW)
    assert (len(found), found.type) == (0, verdict_type())


def test_nulls_stay_null() -> None:
    assert rows(pa.nulls(3)) == [None] * 3
    assert verdicts(pa.array([None, CODES[0]]), VERIFIER, NOW).null_count == 1


def test_text_that_is_not_utf8_is_a_verdict() -> None:
    spoiled = pa.array([b"\xff\xfe", CODES[0].encode(), None, b"IC1:\xc3"])
    text = pa.Array.from_buffers(pa.string(), 4, spoiled.buffers())
    assert rows(text) == expected(VERIFIER, [b"\xff\xfe", CODES[0], None, b"IC1:\xc3"], NOW)


def test_a_code_of_ten_megabytes_is_a_verdict() -> None:
    found = rows(pa.array(["A" * 10_000_000, CODES[0]]))
    assert [row["reason"] for row in found] == ["too_large", "valid"]


@pytest.mark.parametrize("kind", [pa.int64(), pa.list_(pa.string()), pa.bool_(), pa.dictionary(pa.int8(), pa.int64())])
def test_a_column_of_another_type_is_one_error(kind: pa.DataType) -> None:
    with pytest.raises(DataError) as caught:
        verdicts(pa.array([], kind) if not pa.types.is_dictionary(kind) else pa.nulls(1, kind), VERIFIER, NOW)
    assert caught.value.code == "data.column_type"


def test_a_time_without_zone_is_wrong_use() -> None:
    with pytest.raises(UsageError):
        verdicts(pa.array(CODES), VERIFIER, "2026-01-01")  # type: ignore[arg-type]


def test_no_claim_stands_in_the_column_unasked() -> None:
    """Nothing of a person is in any field of the usual struct."""
    card = reference_card()
    text = str(rows(pa.array([code(), *CODES])))
    personal = [card.holder.name, card.holder.name_native, str(card.holder.year_of_birth), card.permit.number]
    assert all(value is not None for value in personal)
    assert [value for value in personal if str(value) in text] == []


def test_claims_come_by_name() -> None:
    asked = ("name", "permit_until", "insurance_schemes", "insurance_paid_through", "services", "year_of_birth")
    found = rows(pa.array([code(), "IC1:a", None]), claims=asked)
    card = reference_card()
    claims = found[0]["claims"]
    assert claims["name"] == card.holder.name
    assert claims["permit_until"] == card.permit.valid_until
    assert claims["insurance_paid_through"] == str(card.insurance and card.insurance.paid_through)
    assert claims["insurance_schemes"] == ["pension", "medical"] or "medical" in claims["insurance_schemes"]
    assert claims["year_of_birth"] == card.holder.year_of_birth
    assert [row and row["claims"] for row in found[1:]] == [None, None]


def test_every_claim_of_every_profile_agrees_with_the_cards_json() -> None:
    codes = [code(profile=profile) for profile in Profile]
    found = rows(pa.array(codes), claims=tuple(CLAIMS))
    for shown_code, row in zip(codes, found, strict=True):
        verdict = VERIFIER.verify(shown_code, now=NOW)
        assert verdict.card is not None
        card = verdict.card.to_json()
        for name, claim in CLAIMS.items():
            value: Any = card
            for part in claim.path:
                value = value.get(part) if value else None
            written = row["claims"][name]
            assert (str(written) if claim.type == pa.date32() and written else written) == value


def test_an_unknown_claim_is_one_error_that_names_the_known() -> None:
    with pytest.raises(DataError) as caught:
        verdicts(pa.array(CODES), VERIFIER, NOW, claims=("passport",))
    assert caught.value.code == "data.claim"
    assert "nationality" in str(caught.value.expected)


def test_plain_types_hold_the_same_values() -> None:
    found = verdicts(pa.array(TEXTS), VERIFIER, NOW, plain=True)
    assert found.type == verdict_type(plain=True)
    assert found.to_pylist() == WANTED
    kinds = {str(found.type.field(place).type) for place in range(found.type.num_fields)}
    assert not any("dictionary" in kind or "fixed" in kind for kind in kinds)


def test_revoked_codes_are_seen() -> None:
    """The list of the bundle is what rows are held against."""
    assert rows(pa.array([code(index=REVOKED)]))[0]["reason"] == "revoked"


@settings(max_examples=60, deadline=None)
@given(
    places=st.lists(st.one_of(st.none(), st.integers(0, len(CODES) - 1)), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_rows_do_not_depend_on_how_the_column_is_cut(places: list[int | None], cuts: list[int]) -> None:
    codes = pa.array([None if place is None else CODES[place] for place in places], pa.string())
    bounds = [0, *sorted(min(cut, len(codes)) for cut in cuts), len(codes)]
    chunks = [codes[start:end] for start, end in itertools.pairwise(bounds)]
    assert rows(pa.chunked_array(chunks, pa.string())) == [None if place is None else WANTED[place] for place in places]
