"""Sheets as PDF: drawn, rendered to a picture, and their code read back from it."""

from __future__ import annotations

from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from icard_crypto import qr
from icard_crypto.pictures import pdf
from issuer.documents.sheets import GETA, Line, Sheet, draw_pdf, draw_png, shown_name, shown_text
from tests.kit.pictures import card_text

pytestmark = pytest.mark.slow
AT = 1_772_416_800


def sheet(value: str, code: str | None = None, banner: str | None = None) -> Sheet:
    return Sheet(
        "外国人工作许可证明",
        "Certificate",
        "上海市",
        [Line("姓名", "Name", value)],
        code or card_text(),
        "请扫描二维码",
        "Scan the code",
        ["说明 A note"],
        banner,
    )


def text_of(data: bytes) -> str:
    """The words of a PDF without spaces, for lines are broken at some of them."""
    with pypdfium2.PdfDocument(data) as document:
        pages = [document[number].get_textpage().get_text_bounded() for number in range(len(document))]
    return "".join("".join(pages).split())


@pytest.mark.parametrize(
    "name",
    [
        "WOLFESCHLEGELSTEINHAUSENBERGERDORFFVOGEL",
        "ŞAHİN ŁUKASZ NGUYỄN THỊ ẢNH ØYSTEIN",
        "Αθηνά Жанна",
        "龘靐䶮㐂",
    ],
)
def test_name_is_drawn_and_the_code_reads_back_from_the_picture(name: str) -> None:
    data = draw_pdf(sheet(name), AT)
    assert name.replace(" ", "") in text_of(data)
    assert [code.content for code in qr.read(pdf.page(data, 0, 150))] == [card_text()]


def test_longest_code_reads_back_and_a_long_text_is_broken_not_cut() -> None:
    code, employer = card_text(900), "上海浦东新区国际贸易技术咨询服务有限公司" * 6
    data = draw_pdf(sheet(employer, code), AT)
    assert employer in text_of(data)
    assert [one.content for one in qr.read(pdf.page(data, 0, 150))] == [code]


def test_picture_has_the_code_too() -> None:
    [code] = qr.read(draw_png(sheet("VOGEL", banner="测试环境"), AT))
    assert code.content == card_text()


def test_same_sheet_gives_the_same_picture() -> None:
    one, other = (Image.open(BytesIO(draw_png(sheet("VOGEL"), AT))).tobytes() for _ in range(2))
    assert one == other


def test_name_outside_the_fonts_is_shown_in_latin_letters_and_that_is_said() -> None:
    name, note = shown_name("𠮷田 VOGEL", "VOGEL")
    assert (name, note is not None and "VOGEL" in note) == ("VOGEL", True)
    assert shown_name("VOGEL", "VOGEL") == ("VOGEL", None)


def test_other_text_outside_the_fonts_has_a_mark_and_a_note() -> None:
    text, note = shown_text("上海𠮷野家")
    assert (text, note is not None and GETA in note) == (f"上海{GETA}野家", True)
    assert shown_text("上海") == ("上海", None)
