"""Contributions: the vectors of limits, rates and rounding, and what is computed again when a limit comes late."""

from __future__ import annotations

import random
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import StateError
from issuer.insurance.contributions import Rates, own_rate
from issuer.insurance.due_days import due_day, lapse_day, reporting_days
from issuer.insurance.money import Share, in_yuan, parse_yuan
from issuer.insurance.months import month_text
from issuer.insurance.schemes import ALL, Scheme
from issuer.rules.book import RuleBook, shipped
from tests.issuer.insurance.kit import SHANGHAI, month, on, rule, with_rows

BOOK = shipped()
P, M, U, W, Y = Scheme
#: Facts, section 9: region, a month, floor, cap, and in per cent pension, medical and unemployment of both sides.
LIMITS = [
    ("310000", "2019-05", "4927", "24633", True),
    ("310000", "2021-07", "5975", "31014", True),
    ("310000", "2022-07", "6520", "34188", False),
    ("310000", "2023-07", "7310", "36549", False),
    ("310000", "2024-07", "7384", "36921", False),
    ("310000", "2025-07", "7460", "37302", False),
    ("110000", "2021-07", "5360", "28221", True),
    ("110000", "2022-07", "5869", "31884", True),
    ("110000", "2023-07", "6326", "33891", True),
    ("110000", "2024-07", "6821", "35283", True),
    ("110000", "2025-07", "7162", "35811", True),
    ("330100", "2021-01", "3321.60", "17880.75", True),
]
RATES = {
    "310000": {P: ("0.16", "0.08"), M: ("0.105", "0.02"), U: ("0.005", "0.005")},
    "110000": {P: ("0.16", "0.08"), M: ("0.098", "0.02"), U: ("0.005", "0.005")},
    "330100": {P: ("0.14", "0.08"), M: ("0.105", "0.02"), U: ("0.005", "0.005")},
}


def test_shanghai_august_2021_at_40000_yuan() -> None:
    """The vector is before rounding; Shanghai rounds the employee's amounts up to 0.1 yuan."""
    found = Rates(BOOK).terms(SHANGHAI, month("2021-08")).amounts(4_000_000, ALL, "0.0016")
    sums = {one.scheme: (in_yuan(one.employer), in_yuan(one.employee)) for one in found.known}
    assert in_yuan(found.base or 0) == "31014.00"
    assert sums[P] == ("4962.24", "2481.20")
    assert sums[M] == ("3256.47", "620.30")
    assert sums[U] == ("155.07", "155.10")
    assert sums[W] == ("49.62", "0.00")
    assert (found.included, found.unknown) == (Y, Scheme(0))
    exact = {scheme: [31014 * Decimal(part) for part in parts] for scheme, parts in RATES["310000"].items()}
    assert exact[P] == [Decimal("4962.24"), Decimal("2481.12")]
    assert exact[M] == [Decimal("3256.47"), Decimal("620.28")]
    assert exact[U] == [Decimal("155.07"), Decimal("155.07")]


@pytest.mark.parametrize(("region", "of_month", "floor", "cap", "rates"), LIMITS)
def test_base_is_the_wage_between_floor_and_cap(region: str, of_month: str, floor: str, cap: str, rates: bool) -> None:
    terms = Rates(BOOK).terms(region, month(of_month))
    assert terms.amounts(100, ALL).base == parse_yuan(floor)
    assert terms.amounts(99_999_900, ALL).base == parse_yuan(cap)
    assert terms.amounts(1_000_000, ALL).base == 1_000_000
    found = terms.amounts(parse_yuan(cap), ALL)
    if rates:
        for scheme, (employer, employee) in RATES[region].items():
            amount = next(one for one in found.known if one.scheme == scheme)
            assert abs(amount.employer - parse_yuan(cap) * Decimal(employer)) < 1
            assert abs(amount.employee - parse_yuan(cap) * Decimal(employee)) < 10
        assert found.unknown == W
    else:
        assert (found.known, found.unknown) == ((), ALL & ~Y)


@pytest.mark.parametrize(("region", "of_month"), [("440300", "2024-01"), ("310000", "2020-06"), ("330100", "2022-01")])
def test_no_amount_where_no_limits_are_known(region: str, of_month: str) -> None:
    found = Rates(BOOK).terms(region, month(of_month)).amounts(3_000_000, ALL, "0.004")
    assert (found.base, found.known, found.unknown) == (None, (), ALL & ~Y)


def test_maternity_has_a_contribution_of_its_own_before_2018_12_29() -> None:
    assert Rates(BOOK).terms("310000", month("2018-12")).included == Scheme(0)
    assert Rates(BOOK).terms("310000", month("2019-01")).included == Y


def test_rate_by_industry_is_a_band_and_never_applied_by_itself() -> None:
    terms = Rates(BOOK).terms("310000", month("2021-08"))
    assert terms.amounts(1_000_000, W).unknown == W
    assert terms.amounts(1_000_000, W, "0.0152").known[0].employer == 15_200
    assert own_rate(BOOK, "310000", on("2021-08-01"), "0.0152") == "0.0152"
    for wrong in ("0.0153", "0.0015", "0.1", "1", "0", "", "abc", "0.00000001", "0,01", "-0.01"):
        with pytest.raises(StateError, match=r"insurance\.rate"):
            own_rate(BOOK, "310000", on("2021-08-01"), wrong)
    assert own_rate(BOOK, "110000", on("2021-08-01"), "0.002") == "0.002"


def test_due_day_and_lapse_day_are_icards_own_where_no_region_has_one() -> None:
    for find in (due_day, lapse_day):
        found = find(BOOK, "440300", month("2024-01"))
        assert (found.day, found.rule.certainty, found.rule.uncertain) == (on("2024-02-29"), "J", True)
    own = with_rows(
        rule("insurance_due_days", "due", "310000", "2020-01-01", {"months_after": 0, "day": 31}),
        rule("insurance_due_days", "due", "440300", "2020-01-01", {"months_after": 1, "day": 15}),
    )
    assert due_day(own, SHANGHAI, month("2024-02")).day == on("2024-02-29")
    assert due_day(own, "440300", month("2024-12")).day == on("2025-01-15")


def test_beijing_takes_reports_from_the_5th_to_the_25th() -> None:
    found = reporting_days(BOOK, "110105", month("2011-11"))
    assert found is not None
    assert found[:2] == (on("2011-11-05"), on("2011-11-25"))
    assert reporting_days(BOOK, "310000", month("2021-08")) is None


def late_limits() -> RuleBook:
    """Limits of a region of a test: for July, announced on 20 September; rates are known all the time."""
    rates = [
        rule("insurance_rates", name, "440300", "2020-01-01", {"employer": "0.1", "employee": "0.05"})
        for name in ("pension", "medical")
    ]
    old = rule(
        "insurance_limits",
        "base",
        "440300",
        "2020-01-01",
        {"floor": "5000", "cap": "25000"},
        valid_to="2024-06-30",
        ended_on="2024-09-20",
    )
    new = rule(
        "insurance_limits", "base", "440300", "2024-07-01", {"floor": "6000", "cap": "30000"}, published_on="2024-09-20"
    )
    return with_rows(*rates, old, new)


def test_limit_announced_in_september_for_july_makes_a_difference_of_its_own() -> None:
    """July was due by the end of August and computed by the old limits; the difference is due by the end of October."""
    rates = Rates(late_limits())
    before = rates.owed("440300", month("2024-07"), 2_800_000, P, known_on=on("2024-09-19"))
    assert [(one.total, one.due, one.late) for one in before] == [(375_000, on("2024-08-31"), False)]
    after = rates.owed("440300", month("2024-07"), 2_800_000, P, known_on=on("2024-09-20"))
    assert after[0] == before[0]
    assert [(one.total, one.due, one.late) for one in after[1:]] == [(45_000, on("2024-10-31"), True)]
    # August falls due at the end of September: what was announced before is no difference any more.
    august = rates.owed("440300", month("2024-08"), 2_800_000, P, known_on=on("2024-10-31"))
    assert [(one.total, one.late) for one in august] == [(420_000, False)]


def test_lower_limit_announced_late_gives_back_the_difference() -> None:
    found = Rates(late_limits()).owed("440300", month("2024-07"), 550_000, P, known_on=on("2025-01-01"))
    assert [one.total for one in found] == [82_500, 7_500]
    assert sum(one.total for one in found) == 90_000


@given(
    st.lists(
        st.tuples(st.dates(date(2024, 7, 1), date(2025, 6, 30)), st.integers(1000, 9000), st.integers(10_000, 40_000)),
        max_size=5,
        unique_by=lambda row: row[0],
    ),
    st.integers(0, 10_000_000),
    st.dates(date(2024, 7, 1), date(2025, 12, 31)),
)
def test_what_is_owed_over_time_adds_up_to_what_is_known(
    announced: list[tuple[date, int, int]], wage: int, known_on: date
) -> None:
    """Whatever is announced for July, and how often it is replaced."""
    announced = sorted(announced)
    rows = [rule("insurance_rates", "pension", "440300", "2020-01-01", {"employer": "0.16", "employee": "0.08"})]
    for place, (day, floor, cap) in enumerate(announced):
        # Each row replaces the one before: that one never held, as is known from this day on.
        ended = announced[place + 1][0] if place + 1 < len(announced) else None
        first = date(2024, 1, 1 + place)
        rows.append(
            rule(
                "insurance_limits",
                "base",
                "440300",
                first.isoformat(),
                {"floor": str(floor), "cap": str(cap)},
                published_on=day.isoformat(),
                valid_to=first.isoformat() if ended else None,
                ended_on=ended.isoformat() if ended else None,
            )
        )
    rates = Rates(RuleBook([*shipped().all(), *rows]))
    owed = rates.owed("440300", month("2024-07"), wage, P, known_on=known_on)
    now = rates.terms("440300", month("2024-07"), known_on).amounts(wage, P)
    assert sum(one.employer for one in owed) == sum(one.employer for one in now.known)
    assert sum(one.employee for one in owed) == sum(one.employee for one in now.known)
    assert [one.known_from for one in owed] == sorted(one.known_from for one in owed)


@given(st.integers(0, 10**9 - 1), st.integers(0, 1_000_000), st.sampled_from(["0.01", "0.1", "1"]))
def test_shares_round_as_decimals_do(base: int, millionths: int, step: str) -> None:
    rate = Decimal(millionths) / 1_000_000
    for mode, how in (("up", ROUND_CEILING), ("half_up", ROUND_HALF_UP)):
        exact = (Decimal(base) / 100 * rate / Decimal(step)).quantize(Decimal(1), rounding=how) * Decimal(step)
        assert Share.of(str(rate), step, mode).take(base) == int(exact * 100)


@given(st.integers(0, 10**9 - 1))
def test_amounts_are_read_as_they_are_written(fen: int) -> None:
    assert parse_yuan(in_yuan(fen)) == fen
    assert in_yuan(-fen) == ("-" if fen else "") + in_yuan(fen)


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1,5", "1e3", "01", "１", " 1", "10000000", "NaN", ".5", "1."])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(StateError, match=r"insurance\.amount"):
        parse_yuan(text)


@given(st.integers(0, 2759))
def test_months_are_read_as_they_are_written(number: int) -> None:
    assert month(month_text(number)) == number


@pytest.mark.parametrize("text", ["2021-13", "2021-00", "2021-1", "21-01", "1969-12", "2200-01", "2021/08", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(StateError, match=r"insurance\.month"):
        month(text)


def test_sums_do_not_depend_on_the_order_in_which_rules_are_looked_up() -> None:
    rates, order = Rates(BOOK), [month("2021-07") + place for place in range(40)]
    first = {one: rates.terms("310000", one) for one in order}
    random.Random(1).shuffle(order)
    again = Rates(BOOK)
    assert {one: again.terms("310000", one) for one in order} == first
