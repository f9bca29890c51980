"""The books: late fees, balances, corrections."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import StateError
from issuer.insurance.ledger import Due, Entry, balances, check_correction, late_fee, late_fee_of
from issuer.insurance.money import round_fen
from issuer.insurance.schemes import Scheme
from issuer.rules.book import shipped
from tests.issuer.insurance.kit import month, on, paid

RATE = "0.0005"


def test_8000_yuan_100_days_late_cost_400() -> None:
    (row,) = shipped().all("insurance_late_fees")
    assert row.value["rate_per_day"] == RATE
    assert late_fee(800_000, on("2022-01-17"), on("2022-04-27"), RATE) == 40_000
    assert late_fee_of([Due(800_000, on("2022-01-17"))], [], on("2022-04-27"), RATE) == 40_000
    paid_then = [(on("2022-04-27"), 800_000)]
    assert late_fee_of([Due(800_000, on("2022-01-17"))], paid_then, on("2026-01-01"), RATE) == 40_000


def test_no_late_fee_on_the_last_day_in_time_and_one_day_after() -> None:
    due = [Due(1_000_000, on("2022-01-17"))]
    assert late_fee_of(due, [(on("2022-01-17"), 1_000_000)], on("2022-12-31"), RATE) == 0
    assert late_fee_of(due, [(on("2022-01-18"), 1_000_000)], on("2022-12-31"), RATE) == 500


def test_part_payment_stops_the_fee_on_that_part() -> None:
    due, days = [Due(1_000_000, on("2022-01-31"))], [(on("2022-02-10"), 400_000)]
    assert late_fee_of(due, days, on("2022-02-20"), RATE) == (1_000_000 * 10 + 600_000 * 10) * 5 // 10_000


def test_refund_opens_the_sum_again() -> None:
    due = [Due(1_000_000, on("2022-01-31"))]
    moves = [(on("2022-01-31"), 1_000_000), (on("2022-03-01"), -1_000_000)]
    assert late_fee_of(due, moves, on("2022-03-11"), RATE) == 5_000


days = st.dates(date(2022, 1, 1), date(2022, 3, 1))
moves = st.lists(st.tuples(days, st.integers(-1_000_000, 1_000_000)), max_size=6)


@given(st.lists(st.tuples(days, st.integers(-100_000, 1_000_000)), max_size=5), moves, days)
def test_late_fee_equals_a_walk_over_days(
    dues: list[tuple[date, int]], paid_on: list[tuple[date, int]], until: date
) -> None:
    whole = 0
    day = date(2022, 1, 1)
    while day <= until:
        open_sum = sum(amount for due, amount in dues if due < day) - sum(
            amount for on_, amount in paid_on if on_ < day
        )
        whole += max(open_sum, 0)
        day += timedelta(days=1)
    found = late_fee_of([Due(amount, due) for due, amount in dues], paid_on, until, RATE)
    assert found == round_fen(whole * Decimal(RATE))
    assert late_fee_of([Due(amount, due) for due, amount in reversed(dues)], paid_on[::-1], until, RATE) == found


ENTRIES = st.builds(
    Entry,
    id=st.uuids().map(str),
    kind=st.sampled_from(["reported", "paid", "refunded"]),
    employer=st.sampled_from("AB"),
    month=st.integers(600, 603),
    scheme=st.sampled_from(list(Scheme)),
    employer_part=st.integers(0, 10**6),
    employee_part=st.integers(0, 10**6),
    day=days,
    recorded_on=days,
)


@given(st.lists(ENTRIES, max_size=30), st.randoms())
def test_balances_do_not_depend_on_the_order_of_entries(entries: list[Entry], shuffle: object) -> None:
    found = balances(entries)
    shuffle.shuffle(entries)  # type: ignore[attr-defined]
    assert balances(entries) == found
    whole = sum(one.total * {"paid": 1, "refunded": -1, "reported": 0}[one.kind] for one in entries)
    assert sum(one.paid for one in found.values()) == whole


def test_correction_takes_back_a_row_once() -> None:
    wrong = paid("2022-01", "pension", 100_000, "2022-02-01", id="1")
    back = paid("2022-01", "pension", -100_000, "2022-02-05", id="2", takes_back="1")
    assert check_correction([wrong], "1") == wrong
    found = balances([wrong, back])["A", month("2022-01"), Scheme.PENSION]
    assert (found.paid, found.payments) == (0, 0)
    for entries, name, code in (
        ([wrong, back], "1", "insurance.corrected"),
        ([wrong, back], "2", "insurance.corrected"),
        ([wrong], "3", "insurance.no_entry"),
    ):
        with pytest.raises(StateError) as caught:
            check_correction(entries, name)
        assert caught.value.code == code
