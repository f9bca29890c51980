"""Lapse and restoration: a function of the books."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.insurance.lapse import LapseMonth, lapse_of
from issuer.insurance.schemes import Scheme
from issuer.rules.book import shipped
from tests.issuer.insurance.kit import month, on, rule, with_rows

BOOK = shipped()


def one(**changes: Any) -> LapseMonth:
    """March 2026 in Shanghai: 1,000 yuan owed for medical insurance, nothing paid."""
    values = {
        "month": month("2026-03"),
        "scheme": Scheme.MEDICAL,
        "region": "310115",
        "owed": 100_000,
        "paid": 0,
        "payments": 0,
    }
    return LapseMonth(**{**values, **changes})


def test_unpaid_month_lapses_after_the_end_of_the_following_month() -> None:
    assert not lapse_of(BOOK, [one()], on("2026-04-30")).lapsed
    found = lapse_of(BOOK, [one()], on("2026-05-01"))
    assert (found.lapsed, found.since, found.months) == (True, on("2026-05-01"), ((month("2026-03"), Scheme.MEDICAL),))
    assert [(rule.certainty, rule.uncertain) for rule in found.rules] == [("J", True)]


def test_payment_restores() -> None:
    assert not lapse_of(BOOK, [one(paid=100_000, payments=1)], on("2026-09-01")).lapsed


@pytest.mark.parametrize(("paid", "lapsed"), [(98_999, True), (99_000, False), (99_999, False)])
def test_shortfall_up_to_the_threshold_makes_no_lapse(paid: int, lapsed: bool) -> None:
    assert lapse_of(BOOK, [one(paid=paid, payments=1)], on("2026-09-01")).lapsed is lapsed


def test_contested_month_makes_no_lapse() -> None:
    assert not lapse_of(BOOK, [one(contested=True)], on("2026-09-01")).lapsed


def test_without_a_known_amount_any_payment_counts() -> None:
    assert lapse_of(BOOK, [one(owed=None)], on("2026-09-01")).lapsed
    assert not lapse_of(BOOK, [one(owed=None, paid=1, payments=1)], on("2026-09-01")).lapsed


def test_region_row_sets_the_day() -> None:
    book = with_rows(
        rule(
            "insurance_lapse",
            "lapse",
            "310000",
            "2020-01-01",
            {"months_after": 3, "day": 15, "shortfall_ignored": "0.00"},
        )
    )
    assert not lapse_of(book, [one()], on("2026-06-15")).lapsed
    assert lapse_of(book, [one()], on("2026-06-16")).lapsed


MONTHS = st.builds(
    LapseMonth,
    month=st.integers(670, 680),
    scheme=st.sampled_from(list(Scheme)),
    region=st.sampled_from(["310115", "440300"]),
    owed=st.none() | st.integers(0, 300_000),
    paid=st.integers(0, 300_000),
    payments=st.integers(0, 2),
    contested=st.booleans(),
)


@given(st.lists(MONTHS, max_size=8), st.dates(date(2025, 10, 1), date(2027, 3, 1)))
def test_lapse_does_not_depend_on_order_and_ends_when_all_is_paid(months: list[LapseMonth], day: date) -> None:
    found = lapse_of(BOOK, months, day)
    assert lapse_of(BOOK, months[::-1], day).months == found.months
    assert found.lapsed == bool(found.months) == (found.since is not None)
    settled = [LapseMonth(each.month, each.scheme, each.region, each.owed, each.owed or 1, 1) for each in months]
    assert not lapse_of(BOOK, settled, day).lapsed
    # Each scheme of a month decides alone: with several employers, one that paid in full suffices.
    alone: dict[tuple[int, Scheme], list[LapseMonth]] = {}
    for each in months:
        alone.setdefault((each.month, each.scheme), []).append(each)
    assert found.lapsed == any(
        any(lapse_of(BOOK, [each], day).lapsed for each in those)
        and not any(each.payments > 0 if each.owed is None else each.owed - each.paid <= 1_000 for each in those)
        for those in alone.values()
    )


def test_one_of_two_employers_that_paid_in_full_suffices_where_the_rule_says_so() -> None:
    paid = one(paid=100_000, payments=1)
    assert not lapse_of(BOOK, [one(), paid], on("2026-09-01")).lapsed
    assert lapse_of(BOOK, [one(), one(paid=50_000, payments=1)], on("2026-09-01")).lapsed
    assert lapse_of(BOOK, [one(), one(scheme=Scheme.PENSION, paid=100_000, payments=1)], on("2026-09-01")).lapsed
    each = {"months_after": 1, "day": "last", "shortfall_ignored": "0.00"}
    strict = with_rows(rule("insurance_lapse", "lapse", "310000", "2020-01-01", each))
    assert lapse_of(strict, [one(), paid], on("2026-09-01")).lapsed
