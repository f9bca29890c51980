"""Drawing QR codes: icard_crypto.qr.draw."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from xml.etree import ElementTree

import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from icard_crypto import qr
from icard_crypto.encoding.base45 import ALPHABET
from icard_crypto.errors import EncodeError, MissingPart
from icard_crypto.qr import _draw, _readers, _writers
from tests.kit.pictures import card_text

TEXT = card_text()


def _modules_of_svg(svg: str, side: int) -> list[list[int]]:
    """The modules that the path of an SVG strokes: M, m and h commands of rows of dark runs."""
    path = ElementTree.fromstring(svg).findall("{http://www.w3.org/2000/svg}path")[-1].attrib["d"]  # noqa: S314
    grid = [[0] * side for _ in range(side)]
    x, y = 0, 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", path):
        if command == "h":
            for column in range(x, x + int(first)):
                grid[int(y)][column] = 1
            x += int(first)
        else:
            x = int(first) + (0 if command == "M" else x)
            y = float(second) + (0 if command == "M" else y)
    return grid


def test_the_reference_card_is_a_12_m_code() -> None:
    """417 characters are drawn as 12-M without a warning, 65 modules and a border of 4 on each side."""
    drawing = qr.draw(TEXT)
    assert (drawing.version, drawing.level, drawing.modules, drawing.warning) == (12, "M", 65, None)
    picture = Image.open(BytesIO(drawing.png()))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "1", ((65 + 8) * 8, (65 + 8) * 8))
    assert picture.crop((0, 0, picture.width, 32)).getextrema() == (255, 255)


@pytest.mark.parametrize(("length", "version"), [(419, 12), (420, 13), (3391, 40)])
def test_the_smallest_version_is_taken(length: int, version: int) -> None:
    """The table of capacities is exact at its steps."""
    drawing = qr.draw("A" * length)
    assert (drawing.version, drawing.level) == (version, "M")


def test_the_capacities_are_those_of_another_encoder() -> None:
    """segno, which has its own table, takes each longest text at its version and the next one not."""
    for level, lengths in _draw._capacities().items():
        for version in (1, 9, 10, 26, 27, 40):
            longest = lengths[version - 1]
            symbol = segno.make("A" * longest, error=level, version=version, boost_error=False, mask=0)
            assert (symbol.version, symbol.error) == (version, level)
            with pytest.raises(segno.DataOverflowError):
                segno.make("A" * (longest + 1), error=level, version=version, boost_error=False)


def test_level_l_comes_with_a_warning() -> None:
    """A text that no M symbol holds is drawn at L; the warning has words in both languages and is not raised."""
    drawing = qr.draw("A" * 3392)
    assert (drawing.version, drawing.level) == (36, "L")
    assert drawing.warning is not None
    assert drawing.warning.code == "qr.low_correction"
    assert (drawing.warning.expected, drawing.warning.found) == ("at most 3391 characters", "3392")
    assert drawing.warning.message("en") != drawing.warning.message("zh")


def test_level_l_asked_for_is_no_warning() -> None:
    """Who asks for L is not warned of it."""
    assert qr.draw(TEXT, level="L").warning is None


def test_level_and_version_asked_for_are_exact() -> None:
    """A wish is neither raised nor lowered, and the symbol says so itself."""
    drawing = qr.draw(TEXT, level="Q", version=20)
    assert (drawing.version, drawing.level, drawing.modules) == (20, "Q", 97)
    [barcode] = zxingcpp.read_barcodes(Image.open(BytesIO(drawing.png())).convert("L"))
    assert barcode.ec_level == "Q"


@pytest.mark.parametrize(
    ("length", "level", "version", "expected"),
    [
        (4297, None, None, "at most 3391 at 40-M, 4296 at 40-L (characters)"),
        (3392, "M", None, "at most 3391 at 40-M (characters)"),
        (420, "M", 12, "at most 419 at 12-M (characters)"),
        (600, None, 12, "at most 419 at 12-M, 535 at 12-L (characters)"),
    ],
)
def test_what_does_not_fit_says_what_would(
    length: int, level: qr.Level | None, version: int | None, expected: str
) -> None:
    """qr.too_large names the longest text for the wish, and the length given."""
    with pytest.raises(EncodeError) as refused:
        qr.draw("A" * length, level=level, version=version)
    assert refused.value.code == "qr.too_large"
    assert (refused.value.expected, refused.value.found) == (expected, str(length))
    assert "does not fit" in refused.value.message()


@pytest.mark.parametrize(
    ("text", "offset", "found"), [("IC1:a", 4, "U+0061"), ("A\nB", 1, "U+000A"), ("甲", 0, "U+7532")]
)
def test_only_the_alphanumeric_set_is_drawn(text: str, offset: int, found: str) -> None:
    """The first character outside the set is named; nothing is drawn in byte mode."""
    with pytest.raises(EncodeError) as refused:
        qr.draw(text)
    assert (refused.value.code, refused.value.offset, refused.value.found) == ("qr.character", offset, found)
    assert "alphanumeric" in refused.value.message()


def test_an_empty_text_is_refused() -> None:
    """There is no symbol of nothing."""
    with pytest.raises(EncodeError) as refused:
        qr.draw("")
    assert refused.value.code == "qr.empty"
    assert refused.value.message() == "There is no text to draw as a QR code."


def test_a_picture_that_does_not_read_back_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the drawn picture says something else, draw raises instead of returning it."""
    png = _draw._png
    other = qr.draw("ANOTHER")
    monkeypatch.setattr(_draw, "_png", lambda *_: png(other._grey, other.modules, 8, 4))
    with pytest.raises(EncodeError) as refused:
        qr.draw(TEXT)
    assert refused.value.code == "qr.not_readable"
    assert refused.value.expected == "the text drawn"


def test_svg_and_png_show_the_same_modules() -> None:
    """The strokes of the SVG, shifted by the border, are the dark pixels of a PNG with one pixel a module."""
    drawing = qr.draw(TEXT, module_size=1)
    side = drawing.modules + 2 * drawing.border
    picture = Image.open(BytesIO(drawing.png())).convert("L")
    pixels = [[1 if picture.getpixel((x, y)) == 0 else 0 for x in range(side)] for y in range(side)]
    assert _modules_of_svg(drawing.svg(), side) == pixels


def test_the_svg_has_a_title_and_no_size() -> None:
    """The title is escaped; a view box instead of width and height."""
    svg = qr.draw_svg("IC1:ABC", title='Card <of> "A&B"')
    root = ElementTree.fromstring(svg)  # noqa: S314
    assert root.attrib["viewBox"] == "0 0 29 29"
    assert "width" not in root.attrib
    assert root.findtext("{http://www.w3.org/2000/svg}title") == 'Card <of> "A&B"'


@pytest.mark.parametrize("module_size", [1, 2, 3, 20])
def test_module_sizes_read_back(module_size: int) -> None:
    """From one pixel a module to twenty the picture has the size asked for."""
    assert Image.open(BytesIO(qr.draw_png(TEXT, module_size=module_size))).width == 73 * module_size


def test_a_narrow_border_only_by_name() -> None:
    """Below four modules of quiet zone the caller must say that it is meant."""
    with pytest.raises(ValueError, match="narrow_border"):
        qr.draw(TEXT, border=3)
    assert Image.open(BytesIO(qr.draw(TEXT, border=0, narrow_border=True).png())).width == 65 * 8


@pytest.mark.parametrize(
    "wrong", [{"module_size": 0}, {"module_size": 21}, {"version": 0}, {"version": 41}, {"level": "X"}]
)
def test_arguments_out_of_range(wrong: dict[str, int]) -> None:
    """Wrong use of the API is a ValueError that names the argument."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        qr.draw(TEXT, **wrong)  # type: ignore[arg-type]


def test_a_picture_beyond_the_readers_limit_is_not_drawn() -> None:
    """What read() would refuse is not drawn."""
    with pytest.raises(ValueError, match="16000000 pixels"):
        qr.draw(TEXT, version=40, module_size=20, border=20)


@settings(max_examples=30, deadline=None)
@given(st.text(ALPHABET, min_size=1, max_size=600))
def test_every_text_of_the_set_is_drawn_and_read(text: str) -> None:
    """draw and read are inverse."""
    assert [code.content for code in qr.read(qr.draw(text).png())] == [text]


def test_terminal_form_shows_the_same_modules() -> None:
    """The half blocks are the dark pixels of a PNG with one pixel a module, two rows a line."""
    drawing = qr.draw(TEXT, module_size=1)
    side = drawing.modules + 2 * drawing.border
    picture = Image.open(BytesIO(drawing.png())).convert("L")
    rows = [[picture.getpixel((x, y)) == 0 for x in range(side)] for y in range(side)]
    halves = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
    shown: list[list[bool]] = []
    for line in drawing.terminal().split("\n"):
        shown += [[halves[each][half] for each in line] for half in (0, 1)]
    assert shown[:side] == rows


@pytest.mark.parametrize("marked", [False, True])
def test_styled_code_reads_back_by_both_readers(marked: bool) -> None:
    """Rounded modules, and a mark in the middle at level H, are the text to each of the two readers."""
    mark = Image.new("RGB", (64, 64), "#14519e") if marked else None
    png = qr.draw_styled(TEXT, mark=mark)
    picture = Image.open(BytesIO(png)).convert("L")
    assert [found.content for found in _readers.scan_zxing(picture)] == [TEXT]
    assert [found.content for found in _readers.scan_zbar(picture)] == [TEXT]
    middle = Image.open(BytesIO(png)).convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert (middle == (20, 81, 158)) == marked
    side = picture.width // 12 - 8
    assert side == qr.draw(TEXT, level="H" if marked else None).modules


def test_styled_code_that_one_reader_cannot_read_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A style that only one of the two readers reads, or a second reader that is not there, gives no picture."""
    monkeypatch.setattr(_writers, "scan_zbar", lambda _: [])
    with pytest.raises(EncodeError) as refused:
        qr.draw_styled(TEXT)
    assert (refused.value.code, refused.value.found) == ("qr.not_readable", "0 codes by zbar")
    monkeypatch.setitem(sys.modules, "pyzbar.pyzbar", None)
    with pytest.raises(MissingPart) as missing:
        qr.draw_styled(TEXT)
    assert missing.value.found == "no zbar, the second reader"


@pytest.mark.parametrize("module_size", [3, 21])
def test_styled_modules_have_room_to_be_round(module_size: int) -> None:
    """Outside of 4 to 20 pixels a module is refused."""
    with pytest.raises(ValueError, match="4 to 20"):
        qr.draw_styled(TEXT, module_size=module_size)


#: Its drawing has a pattern in it that zxing-cpp takes for the beginning of another code, as one in ten thousand has.
PHANTOM = (
    "IC1:AFD17WI8XNBF.N17D%I05A0Y*OZ%RE2P8M7C/4WJXO98XRAJMT5-KO88/* U5K**-$-O:A5ORJG/C:D03Y%3M/$$KBPZ:IK9:2B+.S47"
    "0M.URQU-BJC4OE1BOJR72GH5Q0H8%%/2O-SC6G5% Z96WU+.SA 7RE-N7ZUQ%-JX$R3W6-GYGTLI/K$ TZFWZ7Z41DDO67HLC%JO0A5IKF1G"
    "V5$X33F0Z.-SI/5$M1*-EXUVWXYR0H-$7EYNY93FU8AZCJ0ISUGQ3.H. 4G**HJ5TP5E1R89Z4W-AUL%H%RRN90PCHW3*T1V$30:*NOR8%OD"
    "HB-9L8B5LJOXRCG%XW-JRHT/I*-TN7JUE1355V$CZ9KG$$:JC-GOQPMS%VBQR$WAQI 7$UHO +0I-84KD*0MTKNIR///Z043BPTM28HGIX$."
    " XSPGFG2KM9C8K+*/XC:"
)


def test_pattern_that_looks_like_another_code_does_not_keep_a_text_from_being_drawn() -> None:
    png = qr.draw_png(PHANTOM)
    found = _readers.scan_zxing(Image.open(BytesIO(png)).convert("L"))
    assert [one.content for one in found] == [None, PHANTOM]
    assert [code.content for code in qr.read(png)] == [PHANTOM]
