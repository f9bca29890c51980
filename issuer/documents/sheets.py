"""Sheets of paper as PDF, in Chinese and English: a certificate or a notification with its code; a report of many rows.

Promises:

1. What the font can't draw is never drawn as an empty box: a name is then shown in Latin letters, any other character
   as :data:`GETA`, and the sheet says so.
2. A text that is too long for its line is broken, never cut.
3. The font's characters are embedded, and only those that are used; a sheet has no time but the one that it is given.
"""

from __future__ import annotations

import datetime
import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from icard_crypto import qr
from icard_crypto.pictures import pdf as pdf_pages

if TYPE_CHECKING:
    from fpdf import FPDF

__all__ = [
    "GETA",
    "Kept",
    "Line",
    "Report",
    "Section",
    "Sheet",
    "draw_pdf",
    "draw_png",
    "draw_report",
    "shown_name",
    "shown_text",
]

#: Replaces a character that the font doesn't have, as printers mark one.
GETA: Final = "〓"
_FAMILY: Final = "sc"
_LATIN: Final = "latin"
_MARGIN: Final = 20.0
_LABEL: Final = 58.0
_CODE: Final = 62.0
_RESOLUTION: Final = 150
#: Millimetres that a heading needs below it.
_HEADING: Final = 25.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sheet: what it is in both languages, and its value."""

    zh: str
    en: str
    value: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A page of its own that whoever has the sheet keeps and hands to nobody: its lines, and why."""

    lines: Sequence[Line] = field(repr=False)
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet says.

    Args:
        title_zh, title_en: of the sheet; issuer: who issues it.
        code: the text of its QR code; code_zh, code_en: what to do with it.
        notes: sentences below, in both languages.
        banner: across the top, such as a warning that this is a test.
        kept: its last page, for the holder alone.
    """

    title_zh: str
    title_en: str
    issuer: str
    lines: Sequence[Line]
    code: str = field(repr=False)
    code_zh: str
    code_en: str
    notes: Sequence[str] = ()
    banner: str | None = None
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading in both languages; a row is the text of one paragraph."""

    zh: str
    en: str
    rows: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """Pages of sections, under the head of a sheet."""

    title_zh: str
    title_en: str
    issuer: str
    sections: Sequence[Section]
    notes: Sequence[str] = ()
    banner: str | None = None


def draw_report(report: Report, at: int) -> bytes:
    """The report as PDF, on as many pages of A4 as it takes, each with its number.

    Args:
        at: Unix time of its making.
    """
    page = _begun(report, at)
    _notes(page, report.notes)
    for section in report.sections:
        page.ln(3)
        # A heading at the foot of a page goes with its first row to the next one.
        if page.get_y() > page.h - page.b_margin - _HEADING:
            page.add_page()
        page.set_font(_FAMILY, size=13)
        page.set_text_color(0, 0, 0)
        page.multi_cell(0, 8, f"{section.zh}  {section.en}", align="L", new_x="LMARGIN", new_y="NEXT")
        page.set_font(_FAMILY, size=9)
        for row in section.rows:
            page.multi_cell(0, 4.6, _drawable(row), align="L", new_x="LMARGIN", new_y="NEXT")
            page.ln(1.4)
    return bytes(page.output())


def draw_pdf(sheet: Sheet, at: int) -> bytes:
    """The sheet as PDF, one page of A4; another one where it is very long, and one of what is kept.

    Args:
        at: Unix time of its making.
    """
    page = _begun(sheet, at)
    for line in sheet.lines:
        _line(page, line)
    _code(page, sheet)
    _notes(page, sheet.notes)
    if sheet.kept is not None:
        page.add_page()
        _kept(page, sheet, sheet.kept)
    return bytes(page.output())


def draw_png(sheet: Sheet, at: int) -> bytes:
    """The sheet's first page as PNG."""
    picture = pdf_pages.page(draw_pdf(sheet, at), 0, _RESOLUTION)
    out = BytesIO()
    picture.convert("RGB").save(out, "PNG")
    return out.getvalue()


def shown_name(name: str, latin: str) -> tuple[str, str | None]:
    """A name as a sheet shows it, and the note beside it where that isn't the name itself.

    Args:
        latin: the same name in the letters of the machine-readable zone.
    """
    if covers(name):
        return name, None
    return latin, (
        f"姓名中有字体未收录的字符，以拉丁字母显示。The name has characters that the font lacks; it is shown in Latin "
        f"letters ({latin})."
    )


def shown_text(text: str) -> tuple[str, str | None]:
    """Any other text, with :data:`GETA` for what the font lacks, and the note where there is one."""
    if covers(text):
        return text, None
    return _drawable(text), f"“{GETA}”代表字体未收录的字符。“{GETA}” stands for a character that the font lacks."


def covers(text: str) -> bool:
    """Whether the font has every character."""
    return GETA not in _drawable(text.replace(GETA, ""))


def _begun(sheet: Sheet | Report, at: int) -> FPDF:
    """A document with its fonts and the head of its first page."""
    from fpdf import FPDF

    class Numbered(FPDF):
        def footer(self) -> None:
            self.set_y(-_MARGIN + 4)
            self.set_font(_FAMILY, size=8)
            self.set_text_color(90, 90, 90)
            self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="C")

    page = Numbered(format="A4") if isinstance(sheet, Report) else FPDF(format="A4")
    page.set_creation_date(datetime.datetime.fromtimestamp(at, datetime.UTC))
    page.set_title(f"{sheet.title_zh} {sheet.title_en}")
    page.set_lang("zh-CN")
    page.set_margins(_MARGIN, _MARGIN, _MARGIN)
    page.set_auto_page_break(True, _MARGIN)
    page.add_font(_FAMILY, "", _chinese())
    page.add_font(_LATIN, "", _latin())
    page.set_fallback_fonts([_LATIN])
    page.add_page()
    _head(page, sheet)
    return page


def _notes(page: FPDF, notes: Sequence[str]) -> None:
    page.set_font(_FAMILY, size=9)
    page.set_text_color(90, 90, 90)
    for note in notes:
        page.multi_cell(0, 5, _drawable(note), new_x="LMARGIN", new_y="NEXT", align="L")
        page.ln(1)


def _head(page: FPDF, sheet: Sheet | Report) -> None:
    if sheet.banner is not None:
        page.set_fill_color(255, 236, 179)
        page.set_font(_FAMILY, size=11)
        page.cell(0, 9, _drawable(sheet.banner), fill=True, align="C", new_x="LMARGIN", new_y="NEXT")
        page.ln(4)
    page.set_font(_FAMILY, size=22)
    page.cell(0, 12, _drawable(sheet.title_zh), align="C", new_x="LMARGIN", new_y="NEXT")
    page.set_font(_FAMILY, size=13)
    page.cell(0, 8, sheet.title_en, align="C", new_x="LMARGIN", new_y="NEXT")
    page.set_font(_FAMILY, size=11)
    page.set_text_color(90, 90, 90)
    page.multi_cell(0, 7, _drawable(sheet.issuer), align="C", new_x="LMARGIN", new_y="NEXT")
    page.set_text_color(0, 0, 0)
    page.ln(5)


def _line(page: FPDF, line: Line) -> None:
    top = page.get_y()
    page.set_font(_FAMILY, size=9)
    page.set_text_color(90, 90, 90)
    page.multi_cell(_LABEL, 6, f"{line.zh}  {line.en}", align="L", new_x="LMARGIN", new_y="NEXT")
    below = page.get_y()
    page.set_xy(page.l_margin + _LABEL, top)
    page.set_text_color(0, 0, 0)
    page.set_font(_FAMILY, size=12)
    page.multi_cell(0, 6, _drawable(line.value), align="L", new_x="LMARGIN", new_y="NEXT")
    page.set_y(max(below, page.get_y()) + 1)


def _code(page: FPDF, sheet: Sheet) -> None:
    if page.get_y() + _CODE + 12 > page.h - page.b_margin:
        page.add_page()
    page.ln(2)
    top = page.get_y()
    page.image(BytesIO(qr.draw_png(sheet.code)), x=page.l_margin, y=top, w=_CODE, h=_CODE)
    page.set_xy(page.l_margin + _CODE + 6, top + 8)
    page.set_font(_FAMILY, size=11)
    left = page.l_margin
    page.set_left_margin(page.l_margin + _CODE + 6)
    page.multi_cell(0, 6, sheet.code_zh, align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    page.set_font(_FAMILY, size=10)
    page.multi_cell(0, 5, sheet.code_en, align="L", new_x="LMARGIN", new_y="NEXT")
    page.set_left_margin(left)
    page.set_xy(left, top + _CODE + 6)


def _kept(page: FPDF, sheet: Sheet, kept: Kept) -> None:
    page.set_text_color(0, 0, 0)
    _head(page, sheet)
    for line in kept.lines:
        _line(page, line)
    page.ln(4)
    page.set_font(_FAMILY, size=11)
    page.multi_cell(0, 6, kept.zh, align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    page.set_font(_FAMILY, size=10)
    page.multi_cell(0, 5, kept.en, align="L", new_x="LMARGIN", new_y="NEXT")


def _drawable(text: str) -> str:
    known = _coverage()
    composed = unicodedata.normalize("NFC", text)
    return "".join(character if ord(character) in known or character == "\n" else GETA for character in composed)


@functools.cache
def _coverage() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    found: set[int] = set()
    for path in (_chinese(), _latin()):
        with TTFont(path, lazy=True) as font:
            found.update(font.getBestCmap())
    return frozenset(found)


def _chinese() -> Path:
    from pylopdf_fonts_zh_cn import sans_path

    return Path(sans_path())


def _latin() -> Path:
    """Latin letters of passports that the Chinese font lacks, such as those of Turkish, Polish and Vietnamese."""
    return Path(str(resources.files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf"))
