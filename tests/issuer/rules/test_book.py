"""Rows of rules: the strict file, the nearest region, the day, and what was known when."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import StateError
from issuer.rules.book import RuleBook, shipped
from issuer.rules.regions import ancestors, covers, is_known, region_name
from issuer.rules.rows import Rule, read_file, rule_from, rule_json

ROW: dict[str, Any] = {
    "id": "D03",
    "region": "CN",
    "valid_from": "2020-01-01",
    "valid_to": None,
    "published_on": "2019-12-01",
    "value": {"number": 20},
    "source": "ALL 42",
    "certainty": "V",
}


def row(**changes: Any) -> Rule:
    return rule_from("deadlines", {**ROW, **changes}, "row")


def file(**changes: Any) -> str:
    return json.dumps({"kind": "deadlines", "rows": [{**ROW, **changes}]})


def test_nearest_region_wins_and_an_ended_row_falls_back_to_the_one_around_it() -> None:
    nation, province = row(), row(region="310000", valid_to="2023-12-31", value={"number": 10})
    book = RuleBook([nation, province]).strict()
    assert book.find("deadlines", "D03", "310115", date(2022, 1, 1)) == province
    assert book.find("deadlines", "D03", "310115", date(2023, 12, 31)) == province
    assert book.find("deadlines", "D03", "310115", date(2024, 1, 1)) == nation
    assert book.find("deadlines", "D03", "320500", date(2022, 1, 1)) == nation
    assert book.find("deadlines", "D03", "310115", date(2019, 12, 31)) is None
    assert book.find("deadlines", "D99", "310115", date(2022, 1, 1)) is None


def test_known_on_leaves_out_rows_published_later() -> None:
    """Shanghai announced the limits that hold from 1 July 2021 on 9 July."""
    old = row(region="310000", valid_to="2021-06-30")
    new = row(region="310000", valid_from="2021-07-01", published_on="2021-07-09")
    book = RuleBook([old, new])
    day = date(2021, 7, 5)
    assert book.find("deadlines", "D03", "310000", day, known_on=date(2021, 7, 8)) is None
    assert book.find("deadlines", "D03", "310000", day, known_on=date(2021, 7, 9)) == new
    assert book.find("deadlines", "D03", "310000", day) == new
    assert book.all(known_on=date(2021, 7, 8)) == (old,)


def test_row_without_publication_day_is_known_from_its_first_day() -> None:
    rule = row(published_on=None)
    assert rule.holds(date(2022, 1, 1), known_on=date(2020, 1, 1))
    assert not rule.holds(date(2022, 1, 1), known_on=date(2019, 12, 31))


def test_end_of_a_row_counts_only_once_it_is_known() -> None:
    rule = row(valid_to="2023-06-30", ended_on="2023-06-01")
    assert rule.holds(date(2023, 7, 1), known_on=date(2023, 5, 31))
    assert not rule.holds(date(2023, 7, 1), known_on=date(2023, 6, 1))
    assert not rule.holds(date(2023, 7, 1))


def test_effective_gives_one_row_for_each_id() -> None:
    first, local, second = row(), row(region="310000"), row(id="D04")
    book = RuleBook([second, local, first])
    assert book.effective("deadlines", "310115", date(2022, 1, 1)) == (local, second)
    assert book.effective("materials", "310115", date(2022, 1, 1)) == ()
    assert book.kinds == ("deadlines",)


def test_require_names_rule_region_and_day() -> None:
    with pytest.raises(StateError) as fault:
        RuleBook([]).require("deadlines", "D03", "310000", date(2022, 1, 1))
    assert (fault.value.code, fault.value.path) == ("rules.none", "deadlines/D03")
    assert fault.value.expected == "a row for 310000 on 2022-01-01"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([row(), row(valid_from="2021-01-01")], "rules.overlap"),
        ([row(valid_to="2021-01-01"), row(valid_from="2021-01-01")], "rules.overlap"),
        ([row(), row()], "rules.overlap"),
        ([row(valid_to="2019-12-31")], "rules.order"),
        ([row(region="990000")], "rules.region"),
        ([row(region="shanghai")], "rules.region"),
    ],
)
def test_strict_book_refuses(rows: list[Rule], code: str) -> None:
    book = RuleBook(rows)
    assert [finding.code for finding in book.check()] == [code]
    with pytest.raises(StateError) as fault:
        book.strict()
    assert fault.value.code == code
    assert "deadlines/D03/" in (fault.value.path or "")


def test_gap_is_reported_and_allowed() -> None:
    book = RuleBook([row(valid_to="2021-01-01"), row(valid_from="2021-01-03")])
    assert [(finding.code, finding.severity) for finding in book.check()] == [("rules.gap", "warning")]
    assert book.strict() is book
    touching = RuleBook([row(valid_to="2021-01-01"), row(valid_from="2021-01-02")])
    assert touching.check() == []


def test_with_rows_adds_rows_and_puts_the_ended_form_in_place_of_the_open_one() -> None:
    book = RuleBook([row()])
    later = book.with_rows([row(valid_to="2024-12-31", ended_on="2024-12-01"), row(valid_from="2025-01-01")])
    assert [rule.valid_to for rule in later.strict().all()] == [date(2024, 12, 31), None]
    assert [rule.valid_to for rule in book.all()] == [None]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("{", "rules.file", "x.json"),
        ("[]", "rules.file", "x.json"),
        ('{"kind": "deadlines"}', "rules.file", "x.json"),
        ('{"kind": "deadlines", "rows": {}}', "rules.file", "x.json"),
        ('{"kind": "Deadlines", "rows": []}', "rules.file", "x.json: kind"),
        ('{"kind": "deadlines", "rows": [], "more": 1}', "rules.file", "x.json"),
        ('{"kind": "deadlines", "rows": [1]}', "rules.field", "x.json: rows.0"),
        (file(colour="red"), "rules.field", "x.json: rows.0"),
        (file(id=""), "rules.field", "x.json: rows.0.id"),
        (file(id=3), "rules.field", "x.json: rows.0.id"),
        (file(region=None), "rules.field", "x.json: rows.0.region"),
        (file(valid_from=None), "rules.field", "x.json: rows.0.valid_from"),
        (file(valid_from="2024-02-30"), "rules.field", "x.json: rows.0.valid_from"),
        (file(valid_from="20240101"), "rules.field", "x.json: rows.0.valid_from"),
        (file(valid_to="soon"), "rules.field", "x.json: rows.0.valid_to"),
        (file(published_on=1), "rules.field", "x.json: rows.0.published_on"),
        (file(value=[1]), "rules.field", "x.json: rows.0.value"),
        (file(certainty="X"), "rules.field", "x.json: rows.0.certainty"),
        (file(uncertain="yes"), "rules.field", "x.json: rows.0.uncertain"),
        (file(note=1), "rules.field", "x.json: rows.0.note"),
        (file(source="  "), "rules.source", "x.json: rows.0"),
        (file(source="x" * 501), "rules.source", "x.json: rows.0"),
    ],
)
def test_file_with_a_fault_is_refused_with_its_place(text: str, code: str, place: str) -> None:
    with pytest.raises(StateError) as fault:
        read_file(text, "x.json")
    assert (fault.value.code, fault.value.path) == (code, place)
    assert fault.value.message("zh")
    assert fault.value.hint("en")


@pytest.mark.parametrize("missing", ROW)
def test_row_without_a_field_is_refused(missing: str) -> None:
    entry = {name: value for name, value in ROW.items() if name != missing}
    with pytest.raises(StateError) as fault:
        rule_from("deadlines", entry, "row")
    assert (fault.value.code, fault.value.found) == ("rules.field", missing)


def test_row_survives_its_json() -> None:
    rule = row(note="as told", valid_to="2024-12-31", ended_on="2024-12-01", certainty="R")
    entry = rule_json(rule)
    assert rule.uncertain
    assert not row().uncertain
    assert rule_from(entry.pop("kind"), entry, "row") == rule


def test_shipped_rows_are_right_and_read_once() -> None:
    book = shipped()
    assert [finding for finding in book.check() if finding.severity == "error"] == []
    assert shipped() is book


def test_ancestors_of_a_county() -> None:
    assert ancestors("310115") == ("310115", "310100", "310000", "CN")
    assert ancestors("320500") == ("320500", "320000", "CN")
    assert ancestors("320000") == ("320000", "CN")
    assert ancestors("CN") == ("CN",)
    assert ancestors("nowhere") == ("nowhere", "CN")
    assert covers("310000", "310115")
    assert not covers("310115", "310000")


@pytest.mark.parametrize("code", ["CN", "310000", "310115", "320500", "320583", "429004", "110101", "659001"])
def test_region_is_known(code: str) -> None:
    assert is_known(code)


@pytest.mark.parametrize("code", ["", "000000", "990000", "329900", "31000", "3100000", "３１００００", "310-00", "cn"])
def test_region_is_not_known(code: str) -> None:
    assert not is_known(code)


def test_region_names() -> None:
    assert (region_name("310000", "zh"), region_name("310000", "en")) == ("上海市", "Shanghai")
    assert region_name("320583", "en") == "Suzhou (320583)"
    assert region_name("990000", "en") == "990000"


days = st.dates(date(2015, 1, 1), date(2030, 12, 31))
regions = st.sampled_from(["CN", "310000", "310115", "320000", "320500", "320583"])


@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), regions, days, st.none() | days, days), max_size=12),
    rule_id=st.sampled_from("ab"),
    region=regions,
    on=days,
    known=st.none() | days,
)
def test_find_agrees_with_a_plain_search(
    rows: list[tuple[str, str, date, date | None, date]], rule_id: str, region: str, on: date, known: date | None
) -> None:
    """Whatever the rows: the answer is the one of the nearest region that holds and was known."""
    rules = [
        Rule("k", name, place, first, last, published, {}, "source", "V")
        for name, place, first, last, published in rows
    ]
    book = RuleBook(rules)
    if any(finding.severity == "error" for finding in book.check()):
        return
    fitting = [
        rule
        for rule in rules
        if rule.id == rule_id
        and rule.region in ancestors(region)
        and rule.valid_from <= on
        and (rule.valid_to is None or on <= rule.valid_to)
        and (known is None or (rule.published_on or rule.valid_from) <= known)
    ]
    nearest = min(fitting, key=lambda rule: ancestors(region).index(rule.region), default=None)
    assert book.find("k", rule_id, region, on, known) == nearest
