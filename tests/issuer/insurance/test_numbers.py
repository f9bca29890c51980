"""The insurance number: the vector of the numbering rule, and what is refused or flagged."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import StateError
from issuer.insurance.numbers import make_number, read_assigned
from issuer.rules.book import RuleBook, shipped

TODAY = date(2026, 11, 29)
BOOK = shipped()


def test_number_is_country_reserved_digit_and_document_filled_to_14() -> None:
    made = make_number(BOOK, "DEU", "C01X00T47", TODAY)
    assert made.text == "DEU000000C01X00T47"
    assert (made.rule.id, made.rule.certainty, made.rule.uncertain) == ("form", "R", True)


def test_permanent_residence_card_of_15_characters_does_not_fit() -> None:
    """Since 2023-12-01 such cards have 18 digits, before 3 letters and 12 digits: neither may be cut."""
    for number in ("DEU310123456789", "911111199001011234"):
        with pytest.raises(StateError) as caught:
            make_number(BOOK, "DEU", number, TODAY)
        assert (caught.value.code, caught.value.path) == ("insurance.number", "document")
        assert number not in str(caught.value)


@pytest.mark.parametrize(
    ("country", "document", "reserved", "path"),
    [
        ("DE", "C01X00T47", None, "country"),
        ("deu", "C01X00T47", None, "country"),
        ("DEU", "", None, "document"),
        ("DEU", "C01Ä00T47", None, "document"),
        ("DEU", "C01X00T47", "10", "reserved"),
        ("DEU", "C01X00T47", "x", "reserved"),
    ],
)
def test_what_has_no_place_in_a_number_is_refused(country: str, document: str, reserved: str | None, path: str) -> None:
    with pytest.raises(StateError) as caught:
        make_number(BOOK, country, document, TODAY, reserved=reserved)
    assert (caught.value.code, caught.value.path) == ("insurance.number", path)


def test_no_number_is_made_before_the_rule() -> None:
    with pytest.raises(StateError) as caught:
        make_number(BOOK, "DEU", "C01X00T47", date(2011, 10, 14))
    assert caught.value.code == "insurance.no_rule"


def test_special_case_takes_another_reserved_digit() -> None:
    assert make_number(BOOK, "DEU", "C01X00T47", TODAY, reserved="1").text == "DEU100000C01X00T47"


def test_assigned_number_is_kept_and_flagged_where_it_breaks_the_rule() -> None:
    assert read_assigned(BOOK, " deu000000c01x00t47", TODAY).regular is True
    odd = read_assigned(BOOK, "310000198801011234567", TODAY)
    assert (odd.text, odd.regular) == ("310000198801011234567", False)
    assert read_assigned(RuleBook([]), "ABCD", TODAY).regular is None
    with pytest.raises(StateError):
        read_assigned(BOOK, "DEU 0000", TODAY)


@given(
    st.from_regex(r"[A-Z]{3}", fullmatch=True),
    st.from_regex(r"[0-9A-Z]{1,14}", fullmatch=True),
    st.from_regex(r"[0-9A-Z]{1,14}", fullmatch=True),
)
def test_numbers_are_regular_and_differ_where_documents_do(country: str, one: str, other: str) -> None:
    """But for zeros in front, which the rule itself fills with."""
    first, second = make_number(BOOK, country, one, TODAY).text, make_number(BOOK, country, other, TODAY).text
    assert len(first) == 18
    assert read_assigned(BOOK, first, TODAY).regular
    assert (first == second) == (one.rjust(14, "0") == other.rjust(14, "0"))
