"""The checklist: every material in every process, conditions known and unknown, ages and authentication of papers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from icard_crypto.errors import StateError
from issuer.permits.materials import (
    PROCESSES,
    FilingFacts,
    Item,
    Process,
    authentication_for,
    checklist,
    paper_refusals,
    usable_until,
)
from issuer.rules.book import shipped
from issuer.rules.rows import rule_from, rule_json

BOOK = shipped()
ON = date(2026, 11, 30)
#: Facts of a plain filing: nothing that makes anything conditional.
PLAIN: dict[str, Any] = {
    "category": "B",
    "age": 35,
    "earlier_permit": False,
    "same_post": False,
    "other_employer": False,
    "dependants": False,
    "category_by_proof": False,
    "physical_permit": False,
    "agency": False,
    "regulated_industry": False,
    "promotion": False,
    "position_changes": False,
    "category_changes": False,
    "in_china": False,
}


def facts(process: Process, region: str = "310000", **changes: Any) -> FilingFacts:
    return FilingFacts(process, region, ON, **{**PLAIN, **changes})


def needs(of: FilingFacts) -> dict[str, str]:
    return {item.code: item.need for item in checklist(BOOK, of)}


def required(of: FilingFacts) -> set[str]:
    return {code for code, need in needs(of).items() if need == "required"}


def item(code: str, of: FilingFacts) -> Item:
    return next(one for one in checklist(BOOK, of) if one.code == code)


@pytest.mark.parametrize(
    ("process", "codes"),
    [
        ("overseas", "M01 M02 M03 M04 M05 M06 M07 M08"),
        ("in_country", "M01 M02 M03 M04 M05 M06 M07 M08 M09"),
        ("short", "M01 M06 M07"),
        ("extension", "M01 M06 M07 M09"),
        ("change", "M01 M07 M09 M13"),
        ("cancellation", "M01 M07 M14"),
        ("reissue", "M01 M07 M08"),
    ],
)
def test_plain_filing_needs(process: Process, codes: str) -> None:
    assert required(facts(process)) == set(codes.split())
    assert "conditional" not in needs(facts(process)).values()


#: Process, what is different, what is needed besides and what is not any more.
CASES: list[tuple[Process, dict[str, Any], str, str]] = [
    ("overseas", {"earlier_permit": True, "same_post": True, "permit_ended": date(2020, 1, 1)}, "", "M02"),
    ("overseas", {"earlier_permit": True, "permit_ended": date(2023, 11, 30)}, "", "M03 M04"),
    ("overseas", {"earlier_permit": True, "permit_ended": date(2023, 11, 29)}, "", ""),
    ("in_country", {"other_employer": True, "earlier_permit": True, "permit_ended": ON}, "M12", "M03 M04"),
    ("overseas", {"dependants": True}, "M10", ""),
    ("overseas", {"category_by_proof": True}, "M11", ""),
    ("change", {"category_changes": True}, "M11", ""),
    ("change", {"position_changes": True}, "M06", ""),
    ("extension", {"promotion": True}, "M13", ""),
    ("extension", {"asked_for": frozenset({"M05"})}, "M05", ""),
    ("extension", {"physical_permit": True}, "M15", ""),
    ("reissue", {"physical_permit": True}, "M15", ""),
    ("cancellation", {"in_china": True}, "M09", ""),
    ("cancellation", {"agency": True}, "M16", ""),
    ("extension", {"regulated_industry": True}, "M17", ""),
    ("overseas", {"age": 61}, "", ""),
]


@pytest.mark.parametrize(("process", "changes", "more", "less"), CASES)
def test_a_fact_changes_the_list(process: Process, changes: dict[str, Any], more: str, less: str) -> None:
    plain = required(facts(process))
    assert required(facts(process, **changes)) == (plain | set(more.split())) - set(less.split())


def test_guarantee_over_60_is_asked_for_in_shenzhen_alone() -> None:
    assert needs(facts("overseas", "440300", age=61))["M18"] == "required"
    assert needs(facts("overseas", "440300", age=60))["M18"] == "not_needed"
    assert "M18" not in needs(facts("overseas", "310000", age=61))


@pytest.mark.parametrize("process", PROCESSES)
def test_unknown_facts_make_conditional_never_drop(process: Process) -> None:
    unknown = FilingFacts(process, "440300", ON)
    known = facts(process, "440300")
    assert needs(unknown).keys() == needs(known).keys()
    for code, need in needs(unknown).items():
        assert need == "conditional" or need == needs(known)[code], code


def test_unknown_day_of_the_earlier_permit_is_conditional() -> None:
    assert needs(facts("overseas", earlier_permit=True))["M04"] == "conditional"


@pytest.mark.parametrize(
    ("code", "process", "category", "allowed"),
    [
        ("M02", "overseas", "A", True),
        ("M03", "in_country", "A", True),
        ("M04", "overseas", "B", False),
        ("M05", "overseas", "B", True),
        ("M05", "in_country", "B", False),
        ("M05", "in_country", "A", True),
        ("M07", "overseas", "A", False),
    ],
)
def test_commitment_may_stand_in(code: str, process: Process, category: str, allowed: bool) -> None:
    assert item(code, facts(process, category=category)).commitment is allowed


def test_each_entry_has_its_rule_and_words_in_both_languages() -> None:
    for process in PROCESSES:
        for one in checklist(BOOK, FilingFacts(process, "440300", ON)):
            assert one.title("en").isascii()
            assert one.reasons["en"].isascii()
            assert re.search("[\u4e00-\u9fff]", one.title("zh"))
            assert re.search("[\u4e00-\u9fff]", one.reasons["zh"])
            assert one.rule.kind == "materials"


def test_every_material_row_and_case_is_read() -> None:
    """Each case of each row decides for some filing of this file."""
    decided = set()
    for process in PROCESSES:
        others = [changes for name, changes, _, _ in CASES if name == process]
        everything = {name: True for name, value in PLAIN.items() if value is False}
        for changes in ({}, *others, everything, {"earlier_permit": True, "same_post": True, "age": 70}):
            for one in checklist(BOOK, facts(process, "440300", **changes)):
                decided.add((one.code, one.reasons["en"]))
    rows = {(rule.id, case["en"]) for rule in BOOK.all("materials") for cases in rule.value["needs"].values()
            for case in cases}  # fmt: skip
    assert decided == rows


@pytest.mark.parametrize("change", [
    {"overseas": [{"need": "required", "en": "x", "zh": "x", "when": ["full_moon"]}]},
    {"overseas": [{"need": "perhaps", "en": "x", "zh": "x"}]},
    {"overseas": [{"need": "required", "en": "x", "zh": "x", "when": ["agency"]}]},
])  # fmt: skip
def test_row_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    entry = rule_json(BOOK.require("materials", "M07", "CN", ON))
    entry["value"] = {**entry["value"], "needs": change}
    wrong = rule_from(entry.pop("kind"), {**entry, "region": "310000"}, "row")
    with pytest.raises(StateError) as fault:
        checklist(BOOK.with_rows([wrong]), facts("overseas"))
    assert (fault.value.code, fault.value.path) == ("rules.value", wrong.name)


def codes(of: Item, **paper: Any) -> list[str]:
    return [one.code for one in paper_refusals(BOOK, of, facts("overseas"), **paper)]


GOOD: dict[str, Any] = {
    "issued": date(2026, 6, 1),
    "state": "DEU",
    "way": "apostille",
    "authenticated_on": date(2026, 6, 20),
    "translated": True,
    "sealed": True,
}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"issued": date(2026, 5, 30)}, []),
        ({"issued": date(2026, 5, 29), "authenticated_on": date(2026, 11, 23)}, ["permit.paper_expired"]),
        ({"issued": None}, ["permit.paper_undated"]),
        ({"issued": date(2026, 12, 1)}, ["permit.paper_future"]),
        ({"way": None}, ["permit.paper_unauthenticated"]),
        ({"authenticated_on": None}, ["permit.paper_unauthenticated"]),
        ({"way": "legalisation"}, ["permit.paper_authentication"]),
        ({"state": "IND"}, ["permit.paper_authentication"]),
        ({"state": "IND", "way": "legalisation"}, []),
        ({"state": "IRQ"}, ["permit.paper_authentication"]),
        ({"state": "IRQ", "way": "legalisation"}, []),
        ({"state": "HKG", "way": "local_notary"}, []),
        ({"state": "CHN", "way": None, "translated": False}, []),
        ({"translated": False}, ["permit.paper_untranslated"]),
        ({"sealed": False}, ["permit.translation_unsealed"]),
        ({"issued": None, "way": None, "translated": False}, ["permit.paper_undated", "permit.paper_unauthenticated",
                                                               "permit.paper_untranslated"]),
    ],
)  # fmt: skip
def test_no_crime_certificate(changes: dict[str, Any], found: list[str]) -> None:
    """Six months from its issue, though the apostille is of last week."""
    assert codes(item("M04", facts("overseas")), **{**GOOD, **changes}) == found


def test_refusal_names_its_rule_and_says_when_it_is_uncertain() -> None:
    certificate = item("M04", facts("overseas"))
    old, wrong = (
        paper_refusals(BOOK, certificate, facts("overseas"), **{**GOOD, **changes})[0]
        for changes in ({"issued": date(2026, 5, 29)}, {"way": "legalisation"})
    )
    assert old.sentence("en") == (
        "The paper is too old: its time counts from issue, not from authentication. "
        "[Notice [2017] 36, service guide on work permits (from a secondary source; rule M04)]"
    )
    assert old.expected == "by 2026-11-29"
    assert "uncertain" in wrong.sentence("en")
    assert "不确定" in wrong.sentence("zh")


def test_passport_page_runs_out_never_and_needs_no_authentication() -> None:
    assert codes(item("M07", facts("overseas")), issued=date(2019, 1, 1), state="DEU") == []


@pytest.mark.parametrize(
    ("state", "on", "way"),
    [
        ("DEU", "2023-11-06", "legalisation"),
        ("DEU", "2023-11-07", "apostille"),
        ("CAN", "2024-01-10", "legalisation"),
        ("CAN", "2024-01-11", "apostille"),
        ("IND", "2024-01-11", "legalisation"),
        ("XKX", "2024-01-11", "legalisation"),
        ("MAC", "2018-01-01", "local_notary"),
    ],
)
def test_authentication_by_state_and_day(state: str, on: str, way: str) -> None:
    assert authentication_for(BOOK, state, date.fromisoformat(on)).way == way


def test_every_row_about_authentication_is_read() -> None:
    states = {rule.id for rule in BOOK.all("authentication")}
    read = {authentication_for(BOOK, state, ON).rule.id for state in [*states - {"other"}, "IRQ"]}
    assert read == states


@pytest.mark.parametrize(("code", "until"), [("M04", "2027-02-28"), ("M05", "2027-02-28"), ("M08", "2027-02-28")])
def test_six_months_from_issue_end_on_the_month_s_last_day(code: str, until: str) -> None:
    found = usable_until(BOOK, code, "310000", date(2026, 8, 31), ON)
    assert found is not None
    assert found[0].isoformat() == until
    assert {rule.id for rule in BOOK.all("document_validity")} == {"M04", "M05", "M08"}


def test_list_of_a_day_before_the_rules_is_empty() -> None:
    early = replace(facts("overseas"), day=date(2017, 3, 31))
    assert checklist(BOOK, early) == ()
