"""The copy of one's data as PDF: what is drawn is read back from the pages."""

from __future__ import annotations

from typing import Any

import pypdfium2
import pytest

from issuer.documents.sheets import draw_report
from issuer.privacy import copy_report as pages
from issuer.privacy.copy_report import copy_report
from issuer.privacy.export import FORMAT, export_schema
from issuer.privacy.holdings import sections


def document(**more: Any) -> dict[str, Any]:
    """A copy made at noon of 29 November 2026 in Beijing."""
    person = {"person_id": "a" * 32, "name": "MUSTER ERIKA", "created_at": 1_795_924_800}
    start = {"format": FORMAT, "made_at": "2026-11-29T04:00:00+00:00", "issuer": "Sample City", "person": person}
    return {**start, "contributions": [], "kept": [], **more}


def contribution(fen: int) -> dict[str, Any]:
    """A row of the books for August 2026."""
    return {"kind": "paid", "month": 679, "scheme": 1, "employer_part": fen, "employee_part": 0, "day": "2026-09-01"}


def words(data: bytes) -> str:
    """The words of a PDF without spaces, for lines are broken at some of them."""
    with pypdfium2.PdfDocument(data) as found:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in found)


def test_every_section_and_every_own_field_has_words_in_both_languages() -> None:
    known = pages._words()
    wanted = set(export_schema()["properties"]) - pages._HEAD
    assert known["sections"].keys() == wanted
    fields = {name for holding in sections() for name in holding.shown}
    assert fields - known["fields"].keys() == set()
    assert all(one["en"] and one["zh"] for kind in known.values() for one in kind.values())


def test_pages_have_days_months_sums_and_both_languages() -> None:
    found = words(draw_report(*copy_report(document(contributions=[contribution(496_224)]))))
    for text in ("个人信息副本", "Copyofpersonaldata", "SampleCity", "2026-11-2912:00", "MUSTERERIKA", "缴费明细"):
        assert text in found
    for text in ("月份month:2026-08", "单位部分employer'spart:4962.24CNY", "险种scheme:pension"):
        assert text in found


def test_section_without_rows_is_left_out() -> None:
    report, _ = copy_report(document())
    assert [one.en for one in report.sections] == ["Person"]


def test_rows_beyond_the_most_are_counted_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_ROWS", 2)
    report, _ = copy_report(document(contributions=[contribution(number) for number in (1, 2, 3)]))
    assert len(report.sections[-1].rows) == 2
    assert any("the first 2 of 3" in note for note in report.notes)


def test_what_is_inside_a_record_keeps_its_names() -> None:
    report, _ = copy_report(document(insurance=[{"region": "310115", "record": {"born": "1988-05-01", "died": None}}]))
    assert report.sections[-1].rows == ["地区 region: 310115 · 登记内容 record: (born: 1988-05-01)"]
