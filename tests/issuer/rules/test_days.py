"""Calendar days, working days and months: vectors, month ends, leap days, unknown years, midnight in Beijing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import StateError
from issuer.rules import days
from issuer.rules.book import RuleBook, shipped
from issuer.rules.days import Deadline, Pause, WorkCalendar
from issuer.rules.rows import rule_from
from tools.make_calendar import FOLDER, calendar_files

CALENDAR = WorkCalendar.of(shipped(), "CN")


def d(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "number", "end"),
    [
        ("2026-02-10", 10, "2026-03-02"),  # the Spring Festival, with 14 and 28 February worked
        ("2026-04-30", 10, "2026-05-18"),
        ("2026-09-24", 10, "2026-10-15"),  # 10 October is a working Saturday
        ("2026-10-09", 1, "2026-10-10"),
        ("2026-10-10", 1, "2026-10-12"),
        ("2026-09-19", 1, "2026-09-20"),  # from a Saturday to a working Sunday
        ("2026-02-13", 0, "2026-02-13"),
        ("2024-02-08", 1, "2024-02-09"),  # New Year's Eve was no holiday in 2024
        ("2025-01-27", 1, "2025-02-05"),
    ],
)
def test_working_days_after(start: str, number: int, end: str) -> None:
    assert CALENDAR.after(d(start), number) == Deadline(d(end), provisional=False)


def test_ten_working_days_over_the_turn_of_the_year_are_provisional_then_firm() -> None:
    """The table ends with 2026; the notice for 2027 may move what is computed before."""
    before = CALENDAR.after(d("2026-12-21"), 10)
    assert before == Deadline(d("2027-01-05"), provisional=True)
    entry = {
        "id": "2027",
        "region": "CN",
        "valid_from": "2027-01-01",
        "valid_to": "2027-12-31",
        "published_on": "2026-12-02",
        "value": {"off": ["2027-01-01", "2027-01-04"], "worked": ["2027-01-09"]},
        "source": "a notice made up for this test",
        "certainty": "J",
    }
    grown = shipped().with_rows([rule_from("calendar", entry, "row")]).strict()
    assert WorkCalendar.of(grown, "CN").after(d("2026-12-21"), 10) == Deadline(d("2027-01-06"), provisional=False)
    assert WorkCalendar.of(grown, "CN", known_on=d("2026-12-01")).after(d("2026-12-21"), 10) == before


def test_days_up_to_the_last_known_one_are_firm() -> None:
    assert CALENDAR.known_through == d("2026-12-31")
    assert CALENDAR.after(d("2026-12-21"), 8) == Deadline(d("2026-12-31"), provisional=False)
    assert CALENDAR.after(d("2026-12-31"), 1) == Deadline(d("2027-01-04"), provisional=True)


def test_holidays_by_law_are_off_beyond_the_known_days() -> None:
    assert not CALENDAR.is_worked(d("2027-10-01"))
    assert not CALENDAR.is_worked(d("2027-02-05"))  # New Year's Eve
    assert CALENDAR.is_worked(d("2027-10-04"))


def test_a_region_may_have_a_year_of_its_own() -> None:
    """Guangxi is off on the third day of the third lunar month."""
    national = next(rule for rule in shipped().all("calendar", "2026"))
    entry = {
        "id": "2026",
        "region": "450000",
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "published_on": "2025-12-01",
        "value": {"off": [*national.value["off"], "2026-04-20"], "worked": national.value["worked"]},
        "source": "a notice made up for this test",
        "certainty": "J",
    }
    book = shipped().with_rows([rule_from("calendar", entry, "row")]).strict()
    assert not WorkCalendar.of(book, "450100").is_worked(d("2026-04-20"))
    assert WorkCalendar.of(book, "440300").is_worked(d("2026-04-20"))


def test_pauses_do_not_count_and_an_open_one_leaves_no_date() -> None:
    start = d("2026-03-02")
    assert CALENDAR.after(start, 5) == Deadline(d("2026-03-09"))
    assert CALENDAR.after(start, 5, [Pause(d("2026-03-04"), d("2026-03-05"))]) == Deadline(d("2026-03-11"))
    assert CALENDAR.after(start, 5, [Pause(d("2026-03-07"), d("2026-03-08"))]) == Deadline(d("2026-03-09"))
    assert CALENDAR.after(start, 5, [Pause(d("2026-03-09"))]) is None
    assert CALENDAR.after(start, 5, [Pause(d("2026-03-10"))]) == Deadline(d("2026-03-09"))
    both = [Pause(d("2026-03-04"), d("2026-03-05")), Pause(d("2026-03-05"), d("2026-03-06"))]
    assert CALENDAR.after(start, 5, both) == Deadline(d("2026-03-12"))
    assert CALENDAR.between(start, d("2026-03-12"), both) == 5


def test_working_days_before() -> None:
    """Ten working days before the end of 31 March 2026."""
    assert CALENDAR.before(d("2026-03-31"), 10) == Deadline(d("2026-03-17"))
    assert CALENDAR.before(d("2026-10-12"), 1) == Deadline(d("2026-10-10"))
    assert CALENDAR.before(d("2027-01-06"), 3) == Deadline(d("2026-12-31"), provisional=True)


def test_last_day_that_is_a_holiday_rolls_to_the_next_working_day() -> None:
    assert CALENDAR.rolled(d("2026-02-14")) == Deadline(d("2026-02-14"))
    assert CALENDAR.rolled(d("2026-02-15")) == Deadline(d("2026-02-24"))
    assert CALENDAR.rolled(d("2027-01-01")) == Deadline(d("2027-01-04"), provisional=True)


@pytest.mark.parametrize(
    ("start", "number", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-05-29", 6, "2026-11-29"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-11-30", 1, "2026-12-30"),
    ],
)
def test_months_after(start: str, number: int, end: str) -> None:
    assert days.months_after(d(start), number) == d(end)


def test_months_before() -> None:
    assert days.months_before(d("2026-08-31"), 6) == d("2026-02-28")
    assert days.months_before(d("2026-01-15"), 1) == d("2025-12-15")


@pytest.mark.parametrize(
    ("until", "opens", "closes"),
    [("2027-03-31", "2026-12-31", "2027-03-01"), ("2028-02-29", "2027-12-01", "2028-01-30")],
)
def test_calendar_days_before(until: str, opens: str, closes: str) -> None:
    assert (days.days_before(d(until), 90), days.days_before(d(until), 30)) == (d(opens), d(closes))


def test_day_changes_at_midnight_in_beijing() -> None:
    midnight = int(datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    assert days.day_of(midnight) == d("2026-03-02")
    assert days.day_of(midnight - 1) == d("2026-03-01")
    assert days.start_of_day(d("2026-03-02")) == midnight
    assert days.end_of_day(d("2026-03-01")) == midnight
    assert Deadline(d("2026-03-01")).ends_at == midnight


def test_days_before_the_table_are_refused() -> None:
    with pytest.raises(StateError) as fault:
        CALENDAR.after(d("2003-12-30"), 1)
    assert (fault.value.code, fault.value.found) == ("days.unknown", "2003-12-31")


@pytest.mark.parametrize("number", [-1, 5501])
def test_number_of_days_is_bounded(number: int) -> None:
    with pytest.raises(StateError) as fault:
        CALENDAR.after(d("2026-01-05"), number)
    assert fault.value.code == "days.range"


def test_period_to_count_is_bounded() -> None:
    with pytest.raises(StateError) as fault:
        CALENDAR.between(d("2004-01-01"), d("2039-01-01"))
    assert fault.value.code == "days.range"


def test_a_book_without_a_calendar_is_refused() -> None:
    with pytest.raises(StateError) as fault:
        WorkCalendar.of(RuleBook([]), "CN")
    assert fault.value.code == "rules.none"


def test_a_missing_year_ends_what_is_known() -> None:
    rows = [rule for rule in shipped().all("calendar") if rule.id != "2020"]
    assert WorkCalendar.of(RuleBook(rows), "CN").known_through == d("2019-12-31")


def test_every_day_of_the_table_is_the_library_s() -> None:
    day, last = d("2004-01-01"), d("2026-12-31")
    while day <= last:
        assert CALENDAR.is_worked(day) == chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


def test_table_is_what_the_tool_makes() -> None:
    for name, text in calendar_files().items():
        assert (FOLDER / name).read_text("utf-8") == text


@given(st.dates(date(2004, 1, 1), date(2039, 1, 1)), st.integers(0, 60))
def test_after_and_between_are_inverse(start: date, number: int) -> None:
    deadline = CALENDAR.after(start, number)
    assert deadline is not None
    assert CALENDAR.between(start, deadline.day) == number
    assert number == 0 or CALENDAR.is_worked(deadline.day)


@given(st.dates(date(2005, 1, 1), date(2039, 1, 1)), st.integers(1, 60))
def test_before_and_between_are_inverse(end: date, number: int) -> None:
    first = CALENDAR.before(end, number).day
    assert CALENDAR.between(first - timedelta(days=1), end - timedelta(days=1)) == number


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 600))
def test_months_end_on_the_same_number_or_on_the_last_day(start: date, number: int) -> None:
    end = days.months_after(start, number)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == number
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)
