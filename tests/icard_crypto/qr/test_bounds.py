"""What a hostile or a large picture costs: every try is bounded, and what people really send is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageChops

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from icard_crypto.qr import _read, _readers
from icard_crypto.qr._candidates import MOST_CANDIDATES, _dark_in, corner_candidates
from tests.kit import pictures

TEXT = pictures.card_text(417)
CODE = Image.open(BytesIO(qr.draw_png(TEXT))).convert("L")
DARK = np.array(CODE) < 128


def stripes(side: int, module: int) -> Image.Image:
    """Runs of 1:1:3:1:1 both ways, in modules of so many pixels: a carpet of what looks like the corner of a code."""
    line = bytes((0, 255, 0, 0, 0, 255, 0, 255)[x // module % 8] for x in range(side))
    across = Image.frombytes("L", (side, 1), line).resize((side, side))
    return ImageChops.darker(across, across.transpose(Image.Transpose.ROTATE_90))


def sheet(codes: int, columns: int = 8) -> Image.Image:
    """So many different codes beside and below each other."""
    made = Image.new("L", (columns * 400, -(-codes // columns) * 400), 255)
    for number in range(codes):
        one = Image.open(BytesIO(qr.draw_png(f"IC1:{number:05d}"))).resize((300, 300))
        made.paste(one, (number % columns * 400 + 50, number // columns * 400 + 50))
    return made


def rgba(dark: tuple[int, ...], light: tuple[int, ...]) -> Image.Image:
    """The code with these colours and transparencies."""
    pixels = np.zeros((*DARK.shape, 4), np.uint8)
    pixels[DARK], pixels[~DARK] = dark, light
    return Image.fromarray(pixels, "RGBA")


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _noting(sizes: list[tuple[int, int]]) -> Callable[[Image.Image], list[_readers.Found]]:
    """A reader that finds nothing and notes what it was shown."""

    def scan(image: Image.Image) -> list[_readers.Found]:
        sizes.append(image.size)
        return []

    return scan


@pytest.mark.parametrize(("side", "module"), [(2000, 2), (2000, 3), (4000, 3)])
def test_a_carpet_of_corners_is_given_to_no_reader(monkeypatch: pytest.MonkeyPatch, side: int, module: int) -> None:
    """One look at 2000 x 2000 took 31 s: no reader is shown it as it is."""
    shown: list[tuple[int, int]] = []
    monkeypatch.setattr(_read, "scan_zxing", _noting(shown))
    assert corner_candidates(stripes(side, module)) > MOST_CANDIDATES
    assert qr.read(stripes(side, module), thorough=False) == []
    assert shown == []


def test_blank_rows_hide_no_carpet() -> None:
    """Which rows are looked at, nobody knows beforehand: with every tenth pair of them blank it is one all the same."""
    picture = stripes(2000, 2).convert("L")
    for y in range(0, 1998, 20):
        picture.paste(255, (0, y, 2000, y + 2))
    assert all(corner_candidates(picture) > MOST_CANDIDATES for _ in range(5))


def test_rows_that_are_looked_at_together_are_as_each_alone() -> None:
    """Each row has a threshold of its own, whatever rows it is read with; rows come back in the order asked for."""
    picture = pictures.noisy(CODE, 60, 2)
    rows = [picture.height - 1, 0, *range(5, picture.height, 17)]
    together = _dark_in(picture, rows)
    assert together == [_dark_in(picture, [y])[0] for y in rows]
    assert {len(row) for row in together} == {picture.width}
    assert all(set(row) == {0, 1} for row in together)


def test_what_people_send_is_no_carpet() -> None:
    """A sheet of codes, noise, and a large code stay far below the bound."""
    for image in (sheet(40), pictures.noisy(sheet(8), 40, 1), CODE.resize((3000, 3000))):
        assert corner_candidates(image) < MOST_CANDIDATES * 3 / 4


def test_between_tries_the_deadline_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it no further try is begun: what was found is given, and where nothing was, that is an error by name."""
    tries: list[tuple[int, int]] = []
    clock = iter(range(100))
    monkeypatch.setattr("icard_crypto.qr._read.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(_read, "scan_zxing", _noting(tries))
    with pytest.raises(DecodeError) as caught:
        qr.read(Image.new("L", (400, 400), 255), deadline=3)
    assert (caught.value.code, len(tries)) == ("picture.late", 2)


def test_sixty_codes_are_sixty_and_more_than_are_told_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never the first so many of them."""
    assert len(qr.read(sheet(60))) == 60
    corners = ((0, 0), (9, 0), (9, 9), (0, 9))
    many = [_readers.Found(f"{number}", corners) for number in range(_read.MOST_CODES)]
    monkeypatch.setattr(_read, "scan_zxing", lambda _: many)
    with pytest.raises(DecodeError, match=r"picture\.too_many_codes"):
        qr.read(CODE)


@pytest.mark.parametrize("reader", ["scan_zxing", "scan_zbar"])
def test_no_foreign_exception_leaves(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """Whatever a reader raises, the next try is made."""

    def broken(_: object) -> None:
        raise ValueError("-1 is not a valid ZBarOrientation")

    monkeypatch.setattr(_read, reader, broken)
    assert qr.read(Image.new("L", (100, 100), 255)) == []


def test_what_pyzbar_raises_is_nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows no orientation -1, which zbar gives for a symbol of structured append."""
    pyzbar = pytest.importorskip("pyzbar.pyzbar")

    def broken(*_: object, **__: object) -> None:
        raise ValueError("-1 is not a valid ZBarOrientation")

    monkeypatch.setattr(pyzbar, "decode", broken)
    assert _readers.scan_zbar(CODE) == []


@pytest.mark.parametrize(("width", "height", "form"), [(5712, 4284, "JPEG"), (8064, 6048, "JPEG"), (4960, 7016, "PNG")])
def test_photos_of_today_and_fine_scans_are_read(width: int, height: int, form: str) -> None:
    """24 and 48 million pixels, and a page at 600 dots an inch."""
    photo = Image.new("L", (width, height), 180)
    photo.paste(CODE.resize((1500, 1500)), (1800, 1200))
    assert [code.content for code in qr.read(encoded(photo, form))] == [TEXT]


@pytest.mark.parametrize(
    "image",
    [
        rgba((255, 255, 255, 255), (0, 0, 0, 0)),
        rgba((0, 0, 0, 255), (0, 0, 0, 0)),
        rgba((255, 255, 255, 255), (255, 255, 255, 0)),
        rgba((0, 0, 0, 0), (255, 255, 255, 255)),
        rgba((200, 200, 255, 255), (0, 0, 0, 0)).quantize(4),
        rgba((255, 255, 255, 255), (0, 0, 0, 0)).convert("LA"),
    ],
    ids=["light on nothing", "dark on nothing", "light on light nothing", "holes in white", "palette", "grey"],
)
def test_transparency_of_every_kind_is_read(image: Image.Image) -> None:
    """On white, and where that shows nothing on black."""
    assert [code.content for code in qr.read(encoded(image))] == [TEXT]


def test_heavy_metadata_is_no_damage() -> None:
    """A colour profile of 1.5 MB, as printers and calibrated screens have."""
    data = encoded(CODE.convert("RGB"), icc_profile=os.urandom(1_500_000))
    assert [code.content for code in qr.read(data)] == [TEXT]
