"""Points and categories: the vectors, each row, each route, unknown facts, the longest term."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import StateError
from issuer.permits.categories import assess, longest_term
from issuer.permits.points import points_of
from issuer.permits.refusals import PermitRefused
from issuer.rules.book import shipped

BOOK = shipped()
ON = date(2024, 6, 3)
MASTER: dict[str, Any] = {
    "education": "master",
    "age": 32,
    "experience_years": 6,
    "salary": 300_000,
    "months_in_china": 11,
    "chinese": "hsk4",
    "merit": False,
    "local_points": 0,
}
DOCTOR: dict[str, Any] = {
    "education": "doctor",
    "age": 40,
    "experience_years": 20,
    "salary": 500_000,
    "months_in_china": 12,
    "chinese": "hsk5",
    "merit": True,
    "local_points": 0,
}

TEACHER: dict[str, Any] = {"mother_tongue": True, "education": "bachelor"}


def by_row(facts: dict[str, Any], region: str) -> dict[str, int]:
    return {row.rule.id: row.points for row in points_of(BOOK, facts, region, ON)}


def test_master_in_shanghai_has_72_points() -> None:
    rows = {
        "salary": 14,
        "education": 15,
        "experience": 9,
        "months": 15,
        "chinese": 4,
        "region": 0,
        "age": 15,
        "merit": 0,
        "local": 0,
    }
    assert by_row(MASTER, "310115") == rows
    assert sum(rows.values()) == 72


def test_doctor_in_chengdu_has_110_points() -> None:
    rows = {
        "salary": 20,
        "education": 20,
        "experience": 20,
        "months": 15,
        "chinese": 5,
        "region": 10,
        "age": 15,
        "merit": 5,
        "local": 0,
    }
    assert by_row(DOCTOR, "510100") == rows
    assert sum(rows.values()) == 110


def test_categories_of_both() -> None:
    master, doctor = assess(BOOK, MASTER, "310115", ON), assess(BOOK, DOCTOR, "510100", ON)
    assert (master.category, master.total) == ("B", 72)
    assert (doctor.category, doctor.total) == ("A", 110)


@pytest.mark.parametrize(
    ("row", "fact", "points"),
    [
        ("salary", {450_000: 20, 449_999: 17, 350_000: 17, 250_000: 14, 249_999: 11, 150_000: 11, 70_000: 8}, None),
        ("salary", {69_999: 5, 50_000: 5, 49_999: 0, 0: 0}, None),
        ("education", {"doctor": 20, "highest_skill": 20, "master": 15, "bachelor": 10, "other": 0}, None),
        ("experience", {0: 0, 1: 0, 2: 5, 3: 6, 16: 19, 17: 20, 40: 20}, None),
        ("months", {12: 15, 9: 15, 8: 10, 6: 10, 5: 5, 3: 5, 2: 0}, None),
        ("chinese", {"native": 5, "degree": 5, "hsk6": 5, "hsk5": 5, "hsk4": 4, "hsk3": 3}, None),
        ("chinese", {"hsk2": 2, "hsk1": 1, "none": 0}, None),
        ("age", {17: 0, 18: 10, 25: 10, 26: 15, 45: 15, 46: 10, 55: 10, 56: 5, 60: 5, 61: 0}, None),
        ("merit", {True: 5, False: 0}, None),
        ("local", {0: 0, 7: 7, 10: 10, 11: 10}, None),
    ],
)
def test_points_of_a_row(row: str, fact: dict[Any, int], points: None) -> None:
    rule = BOOK.require("points", row, "CN", ON)
    for value, expected in fact.items():
        found = next(one for one in points_of(BOOK, {rule.value["fact"]: value}, "310000", ON) if one.rule.id == row)
        assert (found.points, found.known) == (expected, True), value


@pytest.mark.parametrize(("region", "poor", "points"), [
    ("510100", None, 10), ("210200", None, 10), ("310000", None, 0), ("130700", True, 10), ("130700", False, 0),
])  # fmt: skip
def test_points_of_the_region(region: str, poor: bool | None, points: int) -> None:
    facts = {} if poor is None else {"poor_county": poor}
    assert by_row(facts, region)["region"] == points


def test_every_row_of_points_is_read_here() -> None:
    assert set(by_row({}, "CN")) == {rule.id for rule in BOOK.all("points")}
    assert sum(rule.value["most"] for rule in BOOK.all("points")) == 120


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"education": "school"}, "education"),
        ({"salary": -1}, "salary"),
        ({"age": True}, "age"),
        ({"age": "40"}, "age"),
    ],
)
def test_value_that_no_rule_knows_is_refused(facts: dict[str, Any], path: str) -> None:
    with pytest.raises(StateError) as fault:
        points_of(BOOK, facts, "CN", ON)
    assert (fault.value.code, fault.value.path) == ("permit.fact", path)


@pytest.mark.parametrize(
    ("facts", "route", "category"),
    [
        ({"talent_programme": True}, "A1", "A"),
        ({"recognised_achievement": True}, "A2", "A"),
        ({"encouraged_post": True}, "A3", "A"),
        ({"founder": True}, "A4", "A"),
        ({"education": "bachelor", "experience_years": 2}, "B1", "B"),
        (
            {"mother_tongue": True, "education": "bachelor", "teaching_certificate": True, "experience_years": 0},
            "B2",
            "B",
        ),
        ({"skill_certificate": True}, "B4", "B"),
        ({"quota": True}, "C1", "C"),
        ({"short_work": True}, "C2", "C"),
        ({"other_by_rule": True}, "C3", "C"),
    ],
)
def test_one_route_gives_its_category(facts: dict[str, Any], route: str, category: str) -> None:
    found = assess(BOOK, facts, "310000", ON)
    assert found.category == category
    assert [one.rule.id for one in found.routes if one.met] == [route]
    assert all(one.title("en") and one.title("zh") and one.evidence for one in found.routes)


@pytest.mark.parametrize(("salary", "category"), [(740_910, "A"), (740_909, "B"), (493_940, "B"), (493_939, None)])
def test_salary_routes_in_changzhou(salary: int, category: str | None) -> None:
    """The average of Changzhou from July 2022 is 123,485 a year."""
    facts = {"salary": salary, "education": "other", "experience_years": 0, "age": 30, "months_in_china": 0}
    facts |= {"chinese": "none", "merit": False, "local_points": 0}
    found = assess(BOOK, facts, "320400", date(2022, 12, 1))
    assert found.category == category
    assert {one.rule.id: one.threshold for one in found.routes if one.rule.value["test"]["type"] == "salary"} == {
        "A5": 740_910,
        "B3": 493_940,
    }


def test_salary_route_is_undecided_where_no_average_is_known() -> None:
    found = assess(BOOK, MASTER, "310000", ON)
    route = next(one for one in found.routes if one.rule.id == "A5")
    assert (route.met, route.missing) == (None, ("average_salary",))


def test_nothing_known_meets_nothing_and_names_what_is_missing() -> None:
    found = assess(BOOK, {}, "310000", ON)
    assert found.category is None
    assert {one.met for one in found.routes} == {None}
    missing = {one.rule.id: one.missing for one in found.routes}
    assert missing["B1"] == ("education", "experience_years")
    assert missing["B2"] == ("mother_tongue", "education", "experience_years", "teaching_certificate")
    assert "salary" in missing["A6"]


def test_points_that_cannot_be_reached_any_more_decide() -> None:
    """The rows that are missing give at most 20: 85 cannot be reached, 60 is."""
    facts = {name: value for name, value in MASTER.items() if name not in ("merit", "local_points", "chinese")}
    routes = {one.rule.id: one.met for one in assess(BOOK, facts, "310000", ON).routes}
    assert (routes["A6"], routes["B5"]) == (None, True)
    routes = {one.rule.id: one.met for one in assess(BOOK, facts | {"local_points": 0}, "310000", ON).routes}
    assert routes["A6"] is False


def test_standard_is_uncertain_from_its_revision() -> None:
    before = assess(BOOK, MASTER, "310000", date(2025, 9, 29)).routes
    after = assess(BOOK, MASTER, "310000", date(2025, 9, 30)).routes
    assert [one.rule.uncertain for one in before] == [False] * 14
    assert [one.rule.uncertain for one in after] == [True] * 11 + [False] * 3


def test_every_route_is_read_here() -> None:
    read = {one.rule.key for day in (ON, date(2026, 1, 5)) for one in assess(BOOK, {}, "CN", day).routes}
    assert read == {rule.key for rule in BOOK.all("category_routes")}


@pytest.mark.parametrize(("age", "code"), [(17, "permit.too_young"), (18, None), (60, None), (61, "permit.age")])
def test_age_is_refused_with_its_rule(age: int, code: str | None) -> None:
    found = assess(BOOK, {"education": "bachelor", "experience_years": 5, "age": age}, "310000", ON)
    assert [one.code for one in found.refusals] == ([] if code is None else [code])
    for refusal in found.refusals:
        assert refusal.rule is not None
        assert refusal.sentence("en").endswith("]")
        assert refusal.sentence("zh") != refusal.sentence("en")
        assert refusal.error().to_dict()["rule"] == refusal.rule.name


def test_category_a_has_no_age() -> None:
    assert assess(BOOK, {"founder": True, "age": 80}, "310000", ON).refusals == ()


@pytest.mark.parametrize(
    ("category", "ends", "until", "limit"),
    [
        ("A", {}, "2029-06-02", "category"),
        ("B", {}, "2026-06-02", "category"),
        ("C", {}, "2025-06-02", "category"),
        ("B", {"contract": "2025-05-31", "passport": "2030-01-01"}, "2025-05-31", "contract"),
        ("B", {"contract": "2025-05-31", "licence": "2025-01-31", "passport": "2025-02-28"}, "2025-01-31", "licence"),
        ("A", {"passport": "2024-06-03"}, "2024-06-03", "passport"),
    ],
)
def test_longest_term(category: str, ends: dict[str, str], until: str, limit: str) -> None:
    days = {name: date.fromisoformat(day) for name, day in ends.items()}
    term = longest_term(BOOK, category, "310000", ON, **days)
    assert (term.until.isoformat(), term.limit) == (until, limit)


def test_term_that_would_end_before_it_begins_is_refused() -> None:
    with pytest.raises(PermitRefused) as fault:
        longest_term(BOOK, "B", "310000", ON, passport=date(2024, 6, 2))
    assert (fault.value.code, fault.value.path, fault.value.found) == ("permit.no_term", "passport", "2024-06-02")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "salary": st.integers(0, 3_000_000),
            "education": st.sampled_from(["doctor", "highest_skill", "master", "bachelor", "other"]),
            "experience_years": st.integers(0, 60),
            "months_in_china": st.integers(0, 12),
            "chinese": st.sampled_from(["native", "hsk5", "hsk3", "none"]),
            "age": st.integers(18, 90),
            "merit": st.booleans(),
            "local_points": st.integers(0, 50),
        },
    ),
    st.sampled_from(["310000", "510100", "320400"]),
)
def test_more_knowledge_never_undoes_what_is_decided(facts: dict[str, Any], region: str) -> None:
    """A route that is met or not stays so when a missing fact is added, and no sum passes 120."""
    whole = {**MASTER, **facts}
    before, after = assess(BOOK, facts, region, ON), assess(BOOK, whole, region, ON)
    assert 0 <= before.total <= after.total <= 120
    for early, late in zip(before.routes, after.routes, strict=True):
        assert early.met is None or early.met == late.met
