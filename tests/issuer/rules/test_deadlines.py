"""Each deadline of the table: its day, its window, its rule and how certain it is."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from icard_crypto.errors import StateError
from issuer.rules.book import RuleBook, shipped
from issuer.rules.citations import cite, provisional_note, source_text, taken_from_nation
from issuer.rules.days import Pause, WorkCalendar
from issuer.rules.deadlines import due, due_moment, window
from issuer.rules.rows import Rule, rule_from

BOOK = shipped()
CALENDAR = WorkCalendar.of(BOOK, "CN")
ON = date(2026, 3, 2)
#: Row, event, and the last day. Each row of the file stands here, or in NO_DATE.
DUE = [
    ("D01", "310000", "2026-03-02", "2026-03-09"),
    ("D01", "220100", "2026-03-02", "2026-03-16"),
    ("D02", "310000", "2026-03-02", "2026-03-09"),
    ("D03", "310000", "2026-03-02", "2026-03-30"),
    ("D04", "220100", "2026-03-02", "2026-03-16"),
    ("D04", "440300", "2026-03-02", "2026-03-11"),
    ("D04-short", "310000", "2026-03-02", "2026-03-09"),
    ("D05", "310000", "2026-02-10", "2026-03-02"),
    ("D06", "310000", "2027-03-31", "2027-03-01"),
    ("D07", "310000", "2027-03-31", "2027-03-31"),
    ("D08", "310000", "2026-04-30", "2026-05-18"),
    ("D09", "310000", "2026-09-24", "2026-10-15"),
    ("D10", "310000", "2027-03-31", "2027-03-31"),
    ("D11", "310000", "2026-03-02", "2026-04-01"),
    ("D12", "310000", "2026-03-02", "2026-04-01"),
    ("D12-decision", "310000", "2026-03-02", "2026-03-23"),
    ("D13", "310000", "2026-03-02", "2026-03-12"),
    ("D14", "310000", "2027-03-31", "2027-03-01"),
    ("D16", "310000", "2026-03-02", "2026-04-01"),
    ("D19", "460100", "2026-03-02", "2026-04-01"),
    ("D19", "310000", "2026-03-02", "2026-04-01"),
    ("D20", "310000", "2026-03-02", "2026-05-31"),
    ("reconsideration", "310000", "2026-02-27", "2026-04-28"),
    ("reconsideration", "310000", "2026-03-03", "2026-05-06"),
    ("reconsideration-latest", "310000", "2024-02-29", "2029-02-28"),
    ("reconsideration-examined", "310000", "2026-03-02", "2026-03-09"),
    ("reconsideration-decided", "310000", "2026-03-02", "2026-05-06"),
    ("reconsideration-simple", "310000", "2026-03-02", "2026-04-01"),
    ("court", "310000", "2026-04-01", "2026-10-08"),
    ("court-after-reconsideration", "310000", "2026-03-02", "2026-03-17"),
    ("hearing", "310000", "2026-03-02", "2026-03-09"),
    ("message", "310000", "2026-03-02", "2026-03-09"),
    ("returned", "310000", "2026-03-02", "2026-04-01"),
    ("first-in-queue", "310000", "2026-03-31", "2026-03-17"),
    ("interim-ready", "310000", "2026-03-31", "2026-03-26"),
    ("interim-code", "310000", "2026-03-02", "2026-04-01"),
    ("social-card", "440100", "2026-03-02", "2026-03-18"),
    ("social-card", "330400", "2026-03-02", "2026-03-12"),
]
NO_DATE = ("D15", "D22")
IN_HOURS = ("D21",)


def rule(name: str, region: str = "310000") -> Rule:
    return BOOK.require("deadlines", name, region, ON)


@pytest.mark.parametrize(("name", "region", "event", "last"), DUE)
def test_last_day(name: str, region: str, event: str, last: str) -> None:
    found = due(rule(name, region), CALENDAR, date.fromisoformat(event))
    assert found is not None
    assert found.day == date.fromisoformat(last)
    assert found.title("en")
    assert found.title("zh")


def test_every_row_is_read_here() -> None:
    read = {rule(name, region).key for name, region, _, _ in DUE} | {rule(name).key for name in (*NO_DATE, *IN_HOURS)}
    assert {row.key for row in BOOK.all("deadlines")} == read


@pytest.mark.parametrize("name", NO_DATE)
def test_rule_without_a_number_gives_no_date(name: str) -> None:
    assert due(rule(name), CALENDAR, ON) is None
    assert due_moment(rule(name), CALENDAR, 1_772_400_000) is None


def test_hours_are_counted_to_the_second() -> None:
    assert due_moment(rule("D21"), CALENDAR, 1_772_400_000) == 1_772_400_000 + 86_400
    with pytest.raises(StateError) as fault:
        due(rule("D21"), CALENDAR, ON)
    assert fault.value.code == "rules.value"


def test_days_end_at_midnight_in_beijing() -> None:
    late = int(datetime(2026, 3, 2, 23, 59, 59, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    end = int(datetime(2026, 3, 10, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    assert due_moment(rule("D02"), CALENDAR, late) == end
    next_day = int(datetime(2026, 3, 11, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    assert due_moment(rule("D02"), CALENDAR, late + 1) == next_day
    found = due(rule("D02"), CALENDAR, ON)
    assert found is not None
    assert (found.passed(end - 1), found.passed(end)) == (False, True)


def test_category_may_change_the_number() -> None:
    promised = rule("D04", "220100")
    days = {category: due(promised, CALENDAR, ON, category=category) for category in ("A", "B")}
    assert [found.day.isoformat() for found in days.values() if found] == ["2026-03-09", "2026-03-16"]
    assert BOOK.find("deadlines", "D04", "310000", ON) is None


def test_prolonged_by_ten_days_at_most() -> None:
    found = due(rule("D03"), CALENDAR, ON, prolonged=10)
    assert found is not None
    assert found.day == date(2026, 4, 14)
    for number in (11, -1):
        with pytest.raises(StateError) as fault:
            due(rule("D03"), CALENDAR, ON, prolonged=number)
        assert fault.value.code == "rules.prolong"
    with pytest.raises(StateError):
        due(rule("D05"), CALENDAR, ON, prolonged=1)


def test_pause_moves_the_decision_and_an_open_one_leaves_no_date() -> None:
    found = due(rule("D03"), CALENDAR, ON, pauses=[Pause(date(2026, 3, 9), date(2026, 3, 13))])
    assert found is not None
    assert found.day == date(2026, 4, 7)
    assert due(rule("D03"), CALENDAR, ON, pauses=[Pause(date(2026, 3, 9))]) is None


def test_decision_over_the_turn_of_the_year_is_provisional() -> None:
    found = due(rule("D03"), CALENDAR, date(2026, 12, 10))
    assert found is not None
    assert (found.day, found.provisional) == (date(2027, 1, 8), True)
    assert provisional_note("en").startswith("provisional")
    assert "暂定" in provisional_note("zh")


@pytest.mark.parametrize(
    ("until", "day", "inside"),
    [
        ("2027-03-31", "2026-12-30", False),  # 91 days before
        ("2027-03-31", "2026-12-31", True),  # 90
        ("2027-03-31", "2027-03-01", True),  # 30
        ("2027-03-31", "2027-03-02", False),  # 29
        ("2028-02-29", "2027-11-30", False),
        ("2028-02-29", "2027-12-01", True),
        ("2028-02-29", "2028-01-30", True),
        ("2028-02-29", "2028-01-31", False),
    ],
)
def test_extension_window(until: str, day: str, inside: bool) -> None:
    assert window(rule("D06"), date.fromisoformat(until)).covers(date.fromisoformat(day)) is inside


def test_only_a_window_has_a_window() -> None:
    with pytest.raises(StateError) as fault:
        window(rule("D03"), ON)
    assert fault.value.code == "rules.value"


def test_extension_rule_of_2017_is_not_known() -> None:
    assert BOOK.find("deadlines", "D06", "310000", date(2018, 2, 27)) is None


def test_rule_is_cited_in_both_languages() -> None:
    assert cite(rule("D03"), "en") == (
        "Administrative Licensing Law, articles 42, 45, 82 (read in the law or on an authority's page; rule D03)"
    )
    assert cite(rule("D03"), "zh") == "《行政许可法》第42、45、82条（依据法律原文或主管部门网页；规则 D03）"
    assert cite(rule("D20"), "en").endswith("(this service's own rule; uncertain: practice may differ; rule D20)")
    assert "不确定" in cite(rule("D07"), "zh")


def test_national_rule_is_said_to_be_national() -> None:
    assert taken_from_nation(rule("D03"), "310000", "zh") == "上海市没有本地规则，适用全国规则"
    assert taken_from_nation(rule("D01", "220100"), "220100", "en") is None
    assert taken_from_nation(rule("D03"), "CN", "en") is None


def test_source_that_is_no_abbreviation_stays() -> None:
    year = BOOK.require("calendar", "2026", "CN", ON)
    assert source_text(year, "en") == year.source


@pytest.mark.parametrize("row", BOOK.all("deadlines"), ids=lambda row: row.name)
def test_row_is_whole(row: Rule) -> None:
    """Known fields only, both languages, and a source that can be written out."""
    value: dict[str, Any] = dict(row.value)
    assert set(value) <= {
        *("title", "unit", "number", "from", "then", "direction", "opens", "by_category", "prolong", "roll")
    }
    for words in (value["title"], value.get("then", value["title"])):
        assert words["en"].isascii()
        assert re.search("[\u4e00-\u9fff]", words["zh"])
    assert all(source_text(row, language) != row.source for language in ("en", "zh"))


def test_an_authority_s_own_row_wins_in_its_region() -> None:
    entry = {
        "id": "D05",
        "region": "310000",
        "valid_from": "2026-01-01",
        "valid_to": None,
        "published_on": "2025-12-15",
        "value": {**rule("D05").value, "number": 3},
        "source": "a notice made up for this test",
        "certainty": "J",
    }
    book: RuleBook = BOOK.with_rows([rule_from("deadlines", entry, "row")]).strict()
    for region, last in (("310115", date(2026, 3, 5)), ("320000", date(2026, 3, 16))):
        found = due(book.require("deadlines", "D05", region, ON), CALENDAR, ON)
        assert found is not None
        assert found.day == last
