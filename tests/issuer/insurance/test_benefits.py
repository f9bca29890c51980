"""Benefits, programmes, pension, leaving and services: the vectors of the facts, and each condition's three states."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.card.fields import SERVICES
from icard_crypto.errors import StateError
from issuer.insurance.benefits import (
    BENEFITS,
    Check,
    Claimant,
    check_conditions,
    eligibility,
    stopped_by,
)
from issuer.insurance.carrying import _carried
from issuer.insurance.due_days import handled_by
from issuer.insurance.leaving import (
    account_balance,
    carried_months,
    choices,
    months_counted,
    require_chooser,
    settle_medical,
)
from issuer.insurance.pension import minimum_months, retirement_day
from issuer.insurance.schemes import Scheme
from issuer.insurance.service_items import items_in, require_item
from issuer.rules.book import RuleBook, shipped
from tests.issuer.insurance.kit import month, on, paid, rule, with_rows

BOOK = shipped()
P, M, U, W, Y = Scheme


@pytest.mark.parametrize(
    ("year", "months"),
    [
        (2012, 180),
        (2029, 180),
        (2030, 186),
        (2031, 192),
        (2035, 216),
        (2038, 234),
        (2039, 240),
        (2055, 240),
    ],
)
def test_pension_needs_15_years_and_from_2030_half_a_year_more_each_year_to_20(year: int, months: int) -> None:
    found = minimum_months(BOOK, date(year, 7, 1))
    assert found is not None
    assert found.value["months"] == months


@pytest.mark.parametrize(
    ("group", "born", "retires", "months"),
    [
        ("male", "1964-12-31", "2024-12-31", 720),
        ("male", "1965-01-15", "2025-02-15", 721),
        ("male", "1965-04-30", "2025-05-30", 721),
        ("male", "1965-05-01", "2025-07-01", 722),
        ("male", "1976-08-31", "2039-07-31", 755),
        ("male", "1976-09-01", "2039-09-01", 756),
        ("male", "1990-09-01", "2053-09-01", 756),
        ("female", "1970-01-01", "2025-02-01", 661),
        ("female", "1981-09-01", "2039-09-01", 696),
        ("female_50", "1975-02-01", "2025-03-01", 601),
        ("female_50", "1975-03-01", "2025-05-01", 602),
        ("female_50", "1984-11-01", "2039-11-01", 660),
    ],
)
def test_retirement_age_rises_a_month_in_four_or_in_two(group: Any, born: str, retires: str, months: int) -> None:
    found = retirement_day(BOOK, group, on(born))
    assert found is not None
    assert (found.day.isoformat(), found.months) == (retires, months)


@given(
    st.sampled_from(["male", "female", "female_50"]), st.dates(date(1962, 1, 1), date(2010, 1, 1)), st.integers(1, 200)
)
def test_who_is_born_later_never_retires_earlier(group: Any, born: date, days: int) -> None:
    one = retirement_day(BOOK, group, born)
    other = retirement_day(BOOK, group, date.fromordinal(born.toordinal() + days))
    assert one is not None
    assert other is not None
    assert one.day <= other.day
    assert 0 <= one.months - {"male": 720, "female": 660, "female_50": 600}[group] <= {"male": 36}.get(group, 60)


def claimant(**changes: Any) -> Claimant:
    values = {
        "born": on("1962-01-01"),
        "group": "male",
        "region": "310115",
        "category": "B",
        "months_paid": {P: 180, U: 12},
    }
    return Claimant(**{**values, **changes})


def states(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.test: check.state for check in checks}


@pytest.mark.parametrize(("months", "eligible"), [(179, False), (180, True)])
def test_pension_is_refused_at_179_months_with_what_is_missing(months: int, eligible: bool) -> None:
    found = eligibility(BOOK, "pension", claimant(months_paid={P: months}, insured=P), on("2026-11-29"))
    assert found.eligible is eligible
    assert states(found.checks) == {"retirement_age": "met", "pension_minimum": "met" if eligible else "missing"}
    check = found.checks[1]
    assert check.met_on == (None if eligible else on("2026-12-29"))
    assert check.rules[0].id == "months"


def test_pension_before_the_age_says_when_it_begins() -> None:
    found = eligibility(BOOK, "pension", claimant(born=on("1976-09-01")), on("2026-11-29"))
    assert [check.state for check in found.checks] == ["missing", "missing"]
    assert found.checks[0].met_on == on("2039-09-01")
    assert found.checks[1].values["needed"] == "240"
    assert "1 September 2039" in found.checks[0].text("en")


@pytest.mark.parametrize(("months", "duration"), [(12, 12), (59, 12), (60, 18), (119, 18), (120, 24), (400, 24)])
def test_unemployment_benefit_lasts_by_the_months_paid(months: int, duration: int) -> None:
    who = claimant(months_paid={U: months}, reason_of_leaving="dismissed", facts={"registered_seeking": True})
    found = eligibility(BOOK, "unemployment", who, on("2026-11-29"))
    assert (found.eligible, found.months) == (True, duration)
    assert found.answer.uncertain


def test_unemployment_benefit_needs_a_year_paid_no_own_will_and_registration() -> None:
    who = claimant(months_paid={U: 11}, reason_of_leaving="resigned", facts={"registered_seeking": False})
    found = eligibility(BOOK, "unemployment", who, on("2026-11-29"))
    assert set(states(found.checks).values()) == {"missing"}
    assert found.answer.facts["count"] == "3"
    nothing = eligibility(BOOK, "unemployment", claimant(), on("2026-11-29"))
    assert states(nothing.checks) == {"months_paid": "met", "reason_of_leaving": "unknown", "fact": "unknown"}
    assert not nothing.eligible


@pytest.mark.parametrize("cause", ["abroad", "work_injury", "third_party"])
def test_medical_costs_of_an_excluded_cause_are_not_paid(cause: str) -> None:
    assert eligibility(BOOK, "medical", claimant(insured=M, cause="illness"), on("2026-11-29")).eligible
    assert not eligibility(BOOK, "medical", claimant(insured=M, cause=cause), on("2026-11-29")).eligible
    assert not eligibility(BOOK, "medical", claimant(cause="illness"), on("2026-11-29")).eligible


def test_maternity_and_injury_need_what_their_rows_say() -> None:
    assert eligibility(BOOK, "maternity", claimant(insured=Y), on("2026-11-29")).eligible
    assert eligibility(BOOK, "work_injury", claimant(facts={"injury_recognised": True}), on("2026-11-29")).eligible
    (row,) = BOOK.all(BENEFITS, "work_injury")
    assert row.value["unpaid"] == "employer_bears_fund_advances"


def test_events_stop_a_benefit() -> None:
    (row,) = BOOK.all(BENEFITS, "unemployment")
    assert stopped_by(row, "moved_abroad")
    assert not stopped_by(row, "birthday")


def subsidy(**value: Any) -> RuleBook:
    """A district's subsidy for people of categories A and B from 18 and below 45 who have paid twelve months."""
    conditions = [
        {"test": "months_paid", "scheme": "pension", "at_least": 12},
        {"test": "region", "in": "310115"},
        {"test": "category", "one_of": ["A", "B"]},
        {"test": "age", "from": 18, "below": 45},
    ]
    value = {"en": "A district's subsidy", "zh": "区级补贴", "conditions": conditions, **value}
    return with_rows(rule(BENEFITS, "subsidy", "310000", "2025-01-01", value))


@pytest.mark.parametrize(("months", "eligible"), [(11, False), (12, True)])
def test_subsidy_is_granted_at_12_paid_months_and_refused_at_11(months: int, eligible: bool) -> None:
    who = claimant(born=on("1990-05-01"), months_paid={P: months}, insured=P)
    found = eligibility(subsidy(), "subsidy", who, on("2026-11-29"))
    assert found.eligible is eligible
    assert found.answer.rules[0].name == "insurance_benefits/subsidy/310000/2025-01-01"
    if not eligible:
        assert (found.checks[0].values["left"], found.checks[0].met_on) == ("1", on("2026-12-29"))


@pytest.mark.parametrize(
    ("changes", "test", "state"),
    [
        ({"region": "110105"}, "region", "no rule"),
        ({"region": "310104"}, "region", "missing"),
        ({"category": "C"}, "category", "missing"),
        ({"category": None}, "category", "unknown"),
        ({"born": None}, "age", "unknown"),
        ({"born": on("1981-11-29")}, "age", "missing"),
        ({"born": on("1981-11-30")}, "age", "met"),
        ({"born": on("2010-01-01")}, "age", "missing"),
    ],
)
def test_each_condition_is_met_missing_or_unknown(changes: dict[str, Any], test: str, state: str) -> None:
    who = claimant(**{"born": on("1990-05-01"), "months_paid": {P: 12}, **changes})
    found = eligibility(subsidy(), "subsidy", who, on("2026-11-29"))
    if state == "no rule":
        assert (found.answer.outcome, found.answer.reason) == ("unknown", "no_rule")
        return
    assert states(found.checks)[test] == state
    assert found.eligible is (state == "met")
    for check in found.checks:
        assert check.text("en").endswith(".")
        assert check.text("zh").endswith("。")


@pytest.mark.parametrize(
    "conditions",
    [None, [{"test": "luck"}], [{"test": "age", "from": 18}], [{"test": "insured", "scheme": "x", "y": 1}], ["age"]],
)
def test_programme_with_an_unknown_condition_is_refused(conditions: Any) -> None:
    with pytest.raises(StateError, match=r"insurance\.condition"):
        check_conditions(rule(BENEFITS, "x", "CN", "2025-01-01", {"conditions": conditions}))


def test_shipped_benefits_have_known_conditions() -> None:
    rows = BOOK.all(BENEFITS)
    assert {row.id for row in rows} == {"pension", "medical", "unemployment", "maternity", "work_injury"}
    for row in rows:
        check_conditions(row)


# Leaving, coming back, death.


def test_holder_sees_what_each_choice_means_before_choosing() -> None:
    keep, pay_out = choices(BOOK, "310115", on("2026-11-29"), dead=False, balance=4_000_000, months=60)
    assert (keep.name, keep.paid, keep.months_after) == ("keep", 0, 60)
    assert (pay_out.name, pay_out.paid, pay_out.months_after) == ("pay_out", 4_000_000, 0)
    assert "written" not in keep.answer.text("en")
    assert "never the employer's" in pay_out.answer.text("en")
    assert "书面申请" in pay_out.answer.text("zh")
    (heirs,) = choices(BOOK, "310115", on("2026-11-29"), dead=True, balance=4_000_000, months=60)
    assert (heirs.name, heirs.paid, heirs.answer.outcome) == ("death", 4_000_000, "inherited")
    assert (
        choices(RuleBook([]), "310115", on("2026-11-29"), dead=True, balance=1, months=1)[0].answer.reason == "no_rule"
    )


def test_employer_cannot_ask_for_the_account_and_the_holder_asks_in_writing() -> None:
    (row,) = BOOK.all("insurance_leaving", "pay_out")
    require_chooser(row, "holder", written=True)
    for chooser, written, code in (
        ("employer", True, "insurance.not_yours_to_choose"),
        ("heirs", True, "insurance.not_yours_to_choose"),
        ("holder", False, "insurance.written_request"),
    ):
        with pytest.raises(StateError) as caught:
            require_chooser(row, chooser, written=written)
        assert caught.value.code == code


def test_account_holds_the_employees_own_pension_part_only() -> None:
    entries = [
        paid("2022-01", "pension", 160_000, "2022-02-01", employee_part=80_000),
        paid("2022-02", "pension", 160_000, "2022-03-01", employee_part=80_000),
        paid("2022-02", "pension", 160_000, "2022-03-05", employee_part=80_000, kind="refunded"),
        paid("2022-02", "medical", 100_000, "2022-03-01", employee_part=20_000),
    ]
    assert account_balance(entries) == 80_000


def test_months_add_up_on_return_and_begin_anew_after_a_payout() -> None:
    before, after = list(range(month("2015-01"), month("2020-01"))), list(range(month("2023-01"), month("2026-01")))
    assert months_counted([*after, *before, *before]) == 96
    assert months_counted([*before, *after], [month("2020-02")]) == 36


@pytest.mark.parametrize(
    ("region", "balance", "bills", "paid_out", "covered", "unpaid", "appointment"),
    [
        ("310115", 1_000_000, [], 1_000_000, 0, 0, False),
        ("310115", 1_000_001, [], 1_000_001, 0, 0, True),
        ("310115", 1_000_001, [1], 1_000_000, 1, 0, False),
        ("310115", 500, [300, 400], 0, 500, 200, False),
        ("440300", 9_000_000, [100], 8_999_900, 100, 0, False),
    ],
)
def test_medical_account_pays_open_bills_first(
    region: str, balance: int, bills: list[int], paid_out: int, covered: int, unpaid: int, appointment: bool
) -> None:
    found = settle_medical(BOOK, region, on("2026-11-29"), balance, bills)
    assert (found.paid, found.bills, found.unpaid_bills, found.appointment) == (paid_out, covered, unpaid, appointment)
    assert found.working_days == (10 if region.startswith("31") else None)


def test_years_of_pension_go_along_and_those_of_injury_begin_anew() -> None:
    paid_for = [(600, "A", "310115"), (601, "A", "310115"), (602, "B", "310115"), (603, "B", "440300")]
    for scheme, months in ((P, 4), (M, 4), (U, 4), (W, 1), (Y, 1)):
        assert carried_months(BOOK, scheme, paid_for, on("2022-01-01")) == months
    assert carried_months(BOOK, P, [], on("2022-01-01")) == 0
    assert carried_months(RuleBook([]), P, paid_for, on("2022-01-01")) == 0


def test_nothing_is_promised_where_no_rule_says_what_carries_over() -> None:
    unknown = _carried(RuleBook([]), P, [(600, "A", "310115")], on("2022-01-01"))
    assert (unknown.paid, unknown.here, unknown.there, unknown.answer.outcome) == (1, None, None, "unknown")
    assert "insurance_carry/pension" in unknown.answer.text("en")


@pytest.mark.parametrize(
    ("what", "filed", "last"),
    [
        ("registration", "2026-02-10", "2026-03-02"),
        ("change", "2026-04-30", "2026-05-18"),
        ("pension", "2026-09-24", "2026-10-29"),
        ("unemployment", "2026-09-24", "2026-10-15"),
        ("maternity", "2026-09-24", "2026-10-15"),
        ("medical", "2026-09-24", "2026-11-12"),
        ("work_injury", "2026-09-24", "2026-10-29"),
    ],
)
def test_agency_has_its_working_days(what: str, filed: str, last: str) -> None:
    found = handled_by(BOOK, what, "310115", on(filed))
    assert found is not None
    assert (found[0].day.isoformat(), found[1].certainty) == (last, "V")
    assert handled_by(BOOK, what, "310115", on("2023-11-30")) is None


# Services.


def test_services_are_offered_where_and_since_their_rows_say() -> None:
    assert {item.name for item in items_in(BOOK, "330402", on("2024-12-03"))} == {
        "transit",
        "museum",
        "medical_settlement",
    }
    assert items_in(BOOK, "330402", on("2024-12-02")) == []
    assert items_in(BOOK, "440300", on("2026-11-29")) == []
    transit = require_item(BOOK, "transit", "110105", on("2026-11-29"), "electronic")
    assert (transit.number, transit.must_take, transit.rule.uncertain) == (SERVICES["transit"].number, True, True)
    assert transit.title("zh") == "交通出行"
    for name, region, form in (("transit", "440300", None), ("sports", "110105", None), ("transit", "110105", "paper")):
        with pytest.raises(StateError, match=r"insurance\.service"):
            require_item(BOOK, name, region, on("2026-11-29"), form)
    assert {row.id for row in BOOK.all("service_items")} <= SERVICES.keys()
