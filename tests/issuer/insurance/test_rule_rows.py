"""The rows of social insurance as a whole: each can be found where it holds, and each kind is read by a module."""

from __future__ import annotations

from pathlib import Path

import pytest

import issuer.insurance
from issuer.insurance.answers import Answer
from issuer.insurance.findings import Finding
from issuer.rules.book import shipped
from issuer.rules.rows import Rule

BOOK = shipped()
ROWS = [row for row in BOOK.all() if row.kind.startswith("insurance_") or row.kind == "service_items"]
SOURCE = "".join(path.read_text("utf-8") for path in Path(next(iter(issuer.insurance.__path__))).rglob("*.py"))


@pytest.mark.parametrize("kind", sorted({row.kind for row in ROWS}))
def test_each_kind_is_read_by_a_module(kind: str) -> None:
    assert f'"{kind}"' in SOURCE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_is_what_holds_in_its_region_on_its_days(row: Rule) -> None:
    for day in (row.valid_from, row.valid_to or row.valid_from):
        assert BOOK.find(row.kind, row.id, row.region, day) == row
    assert row.source
    if row.certainty == "R" or "uncertain" in (row.note or ""):
        assert row.uncertain or "practice is uneven" in (row.note or "")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whatever_rests_on_a_row_shows_its_source_and_certainty(row: Rule) -> None:
    """Answers and findings, as programs and screens get them."""
    for shown in (
        Answer("refused", "treaty_not_in_force", (row,), {"country": "FRA", "schemes": "pension"}).to_json(),
        Finding("unpaid", "A", row.region, 600, rules=(row,)).to_json(),
    ):
        (brief,) = shown["rules"]
        assert (brief["name"], brief["source"], brief["certainty"]) == (row.name, row.source, row.certainty)
        assert shown["uncertain"] is row.uncertain


def test_what_the_facts_call_uncertain_is_marked() -> None:
    names = {row.name for row in ROWS if row.uncertain}
    assert {
        "insurance_number/form/CN/2011-10-15",
        "insurance_treaties/DNK/CN/2014-05-14",
        "insurance_treaties/KGZ/CN/2025-10-14",
        "insurance_treaties/FRA/CN/2016-10-31",
        "insurance_duty/duty/310000/2011-10-15",
        "insurance_limits/base/310000/2025-07-01",
        "insurance_due_days/due/CN/2009-10-10",
        "insurance_benefits/unemployment/CN/2011-07-01",
    } <= names
