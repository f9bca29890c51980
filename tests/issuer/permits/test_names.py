"""Names: one form for comparing, single names, what differs, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.permits.names import PassportName, compare, forms, name_refusals


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "MUELLER"),
        ("Müller", "Muller"),
        ("Mu\u0308ller", "MÜLLER"),
        ("O’Brien", "OBRIEN"),
        ("O'Brien", "O Brien"),
        ("Garcia-Lopez", "García López"),
        ("Nuñez", "NUNEZ"),
        ("Ødegård", "OEDEGAARD"),
        ("Ødegård", "Odegard"),
        ("Weiß", "WEISS"),
        ("Łukasz", "lukasz"),
        ("Þór", "THOR"),
        ("İnan", "inan"),
        ("Dvořák", "DVORAK"),
        ("Nguyễn", "NGUYEN"),
        ("王小明", "王 小明"),
        ("von der  Leyen", "VONDERLEYEN"),
    ],
)
def test_spellings_are_one_name(one: str, other: str) -> None:
    assert compare(PassportName(one, "Ana"), PassportName(other, "ANA")) is None


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        (("Smith", "John"), ("Smith", "Jon"), "given"),
        (("Smith", "John"), ("Smyth", "John"), "surname"),
        (("Smith", "John"), ("Smyth", "Jon"), "both"),
        (("Smith", "John"), ("John", "Smith"), "order"),
        (("Sukarno", ""), ("Sukarno", "Ahmad"), "given"),
        (("Sukarno", ""), ("SUKARNO", ""), None),
        (("Muller", "A"), ("Mueller", "A"), "surname"),
    ],
)
def test_what_differs(one: tuple[str, str], other: tuple[str, str], difference: str | None) -> None:
    assert compare(PassportName(*one), PassportName(*other)) == difference


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        (("Smith", "John"), []),
        (("Sukarno", ""), []),
        (("", "John"), ["permit.name_missing"]),
        (("---", "John"), ["permit.name_missing"]),
        (("Smith\u202e", "John"), ["permit.name_characters"]),
        (("Smith", "Jo\u2066hn"), ["permit.name_characters"]),
        (("Smith", "Jo\nhn"), ["permit.name_characters"]),
        ((" Smith", "John"), ["permit.name_characters"]),
        (("S" * 67, "John"), ["permit.name_long"]),
        (("S" * 40, "J" * 40), ["permit.name_long"]),
        (("S" * 66, ""), []),
        (("علی\u200cرضا", ""), []),
    ],
)
def test_name_is_refused(name: tuple[str, str], codes: list[str]) -> None:
    assert [one.code for one in name_refusals(PassportName(*name))] == codes


def test_shown_name_stays_as_it_stands() -> None:
    assert PassportName("García-López", "José").shown == "García-López José"
    assert PassportName("Sukarno").shown == "Sukarno"


def test_many_letters_with_several_spellings_stay_few() -> None:
    assert len(forms("Ü" * 40)) == 1
    assert len(forms("Üü")) == 9


@given(st.text(max_size=70), st.text(max_size=70))
def test_every_text_has_forms_and_comparing_is_symmetric(one: str, other: str) -> None:
    assert forms(one)
    first, second = PassportName(one, "X"), PassportName(other, "X")
    assert compare(first, first) is None
    assert (compare(first, second) is None) == (compare(second, first) is None)
