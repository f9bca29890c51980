"""Reading QR codes from good and poor pictures: icard_crypto.qr.read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from icard_crypto import qr
from icard_crypto.errors import MissingPart
from icard_crypto.qr import _read, _readers
from tests.kit import pictures

MODULE = 8
LENGTHS = (417, 700)
SEEDS = range(20)


def _clean(text: str, module_size: int = MODULE) -> Image.Image:
    return Image.open(BytesIO(qr.draw_png(text, module_size=module_size))).convert("L")


def _any_code(content: str | bytes, scale: int = 6) -> Image.Image:
    """A symbol in whatever mode, as others draw it."""
    barcode = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode)
    return Image.fromarray(np.array(barcode.to_image(scale=scale)))


CLEAN = {length: _clean(pictures.card_text(length)) for length in LENGTHS}

SPOILT: dict[str, Callable[[Image.Image, int], Image.Image]] = {
    "perspective": lambda image, seed: pictures.perspective(image, 0.2, seed),
    "noise": lambda image, seed: pictures.noisy(image, 40, seed),
    "inverted": lambda image, seed: pictures.inverted(pictures.rotated(image, seed)),
    "blurred": lambda image, seed: pictures.blurred(pictures.noisy(image, seed / 2, seed), MODULE, 0.5),
    "jpeg": lambda image, seed: pictures.jpeg(pictures.noisy(image, seed, seed), 20),
    "rotated": lambda image, seed: pictures.rotated(image, 18 * seed + 5),
    "faint": lambda image, seed: pictures.faint(image, 0.03, seed),
    "shaded": lambda image, seed: pictures.shaded(pictures.rotated(image, 18 * seed), 0.2),
    "perspective and noise": lambda image, seed: pictures.noisy(pictures.perspective(image, 0.2, seed), 40, seed),
    "perspective, noise, inverted, jpeg": lambda image, seed: pictures.jpeg(
        pictures.inverted(pictures.noisy(pictures.perspective(image, 0.2, seed), 40, seed)), 20
    ),
    "perspective and blur": lambda image, seed: pictures.blurred(pictures.perspective(image, 0.2, seed), MODULE, 0.35),
}


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("spoilt", SPOILT)
def test_spoilt_pictures_are_read(spoilt: str, length: int) -> None:
    """Twenty seeds of each distortion all read."""
    text = pictures.card_text(length)
    failed = [
        seed for seed in SEEDS if [code.content for code in qr.read(SPOILT[spoilt](CLEAN[length], seed))] != [text]
    ]
    assert failed == []


def test_a_retry_reads_what_the_first_try_does_not() -> None:
    """A code out of focus needs the ladder, and the result names the try."""
    picture = pictures.blurred(CLEAN[417], MODULE, 0.5)
    assert qr.read(picture, thorough=False) == []
    [code] = qr.read(picture)
    assert code.attempt != "as is"
    assert code.reader == "zxing-cpp"


def test_several_codes_stand_in_reading_order() -> None:
    """Rows from the top, each from the left, though the right one of a row stands a little higher."""
    one, two, three, four = (_clean(f"IC1:CODE{n}", 4) for n in (1, 2, 3, 4))
    sheet = pictures.on_canvas((700, 700), (one, (20, 60)), (two, (400, 20)), (three, (40, 420)), (four, (430, 450)))
    assert [code.content for code in qr.read(sheet)] == [f"IC1:CODE{n}" for n in (1, 2, 3, 4)]


def test_a_poor_code_beside_a_good_one_is_read_too() -> None:
    """The tries go on while something located is unread; positions are those of the picture given."""
    poor = pictures.blurred(_clean("IC1:POOR" + "P" * 400), MODULE, 0.5)
    good = _clean("IC1:GOOD" + "G" * 400)
    sheet = pictures.on_canvas((1300, 650), (poor, (20, 20)), (good, (680, 20)))
    codes = qr.read(sheet)
    assert [str(code.content)[:8] for code in codes] == ["IC1:POOR", "IC1:GOOD"]
    assert codes[0].attempt != "as is"
    assert codes[1].attempt == "as is"
    for code, left in zip(codes, (20, 680), strict=True):
        corner = code.position[0]
        assert abs(corner[0] - left - 32) <= MODULE
        assert abs(corner[1] - 20 - 32) <= MODULE


def test_the_same_content_stands_once() -> None:
    """Two prints of one code are one result."""
    one = _clean("IC1:SAME")
    assert len(qr.read(pictures.on_canvas((600, 300), (one, (10, 10)), (one, (300, 10))))) == 1


def test_the_exif_orientation_is_applied() -> None:
    """A telephone's picture on its side, mirrored too, gives codes in the order in which a person sees them."""
    sheet = pictures.on_canvas((700, 300), (_clean("IC1:LEFT"), (20, 20)), (_clean("IC1:RIGHT"), (400, 20)))
    stored = sheet.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = qr.read(pictures.encoded(stored, "JPEG", exif=exif))
    assert [code.content for code in upright] == ["IC1:LEFT", "IC1:RIGHT"]
    exif[0x0112] = 2
    mirrored = sheet.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert [code.content for code in qr.read(pictures.encoded(mirrored, "WEBP", exif=exif))] == [
        "IC1:LEFT",
        "IC1:RIGHT",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("https://example.org/?q=1", "https://example.org/?q=1"),
        ("WIFI:T:WPA;S:Guest;P:secret;;", "WIFI:T:WPA;S:Guest;P:secret;;"),
        (
            "HC1:6BF+70790T9WJWG.FKY*4GO0.O1CV2 O5 N2FBBRW1*70HS8WY04AC",
            "HC1:6BF+70790T9WJWG.FKY*4GO0.O1CV2 O5 N2FBBRW1*70HS8WY04AC",
        ),
        ("工作许可", "工作许可"),
        (bytes.fromhex("d28443a10126a0") + bytes(range(64)), bytes.fromhex("d28443a10126a0") + bytes(range(64))),
        (bytes.fromhex("789c") + bytes(range(100, 200)), bytes.fromhex("789c") + bytes(range(100, 200))),
    ],
    ids=["url", "wifi", "vaccination certificate", "chinese", "cose", "zlib"],
)
def test_any_content_is_returned(content: str | bytes, expected: str | bytes) -> None:
    """Text as str, binary as the very bytes; what it is worth is decided elsewhere."""
    assert [code.content for code in qr.read(_any_code(content))] == [expected]


def test_other_symbols_are_not_read() -> None:
    """An Aztec code is no QR code."""
    barcode = zxingcpp.create_barcode("IC1:ABC", zxingcpp.BarcodeFormat.Aztec)
    assert qr.read(Image.fromarray(np.array(barcode.to_image(scale=6)))) == []


def test_a_picture_without_a_code_is_an_empty_list() -> None:
    """No code is no error here."""
    assert qr.read(pictures.portrait((300, 400))) == []


def test_a_path_and_an_array_are_read(tmp_path: Path) -> None:
    """A path as str or Path whatever the suffix, and 8-bit pixels of one, three and four channels."""
    drawing = qr.draw("IC1:ABC")
    path = tmp_path / "scan.txt"
    path.write_bytes(drawing.png())
    grey = np.asarray(Image.open(path).convert("L"))
    colours = np.stack([grey] * 3, axis=2)
    opaque = np.dstack([colours, np.full_like(grey, 255)])
    for shown in (path, str(path), grey, colours, opaque, memoryview(drawing.png()), bytearray(drawing.png())):
        assert [code.content for code in qr.read(shown)] == ["IC1:ABC"]


def test_the_callers_image_is_unchanged() -> None:
    """Reading works on a copy."""
    image = _clean("IC1:ABC")
    before = image.tobytes()
    qr.read(pictures.blurred(image, MODULE))
    qr.read(image)
    assert image.tobytes() == before


def test_the_content_is_not_in_the_repr() -> None:
    """A result that ends in a log does not take the card with it."""
    [code] = qr.read(_clean("IC1:PRIVATE"))
    assert "PRIVATE" not in repr(code)


def test_readers_tells_what_is_missing_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without zbar's library the status says so in one line; reading goes on without it."""
    monkeypatch.setitem(sys.modules, "pyzbar.pyzbar", None)
    first, second = qr.readers()
    assert (first.name, first.available, first.reason) == ("zxing-cpp", True, None)
    assert (second.name, second.available) == ("zbar", False)
    assert second.reason is not None
    assert "libzbar0" in second.reason
    assert "\n" not in second.reason
    assert qr.read(Image.new("L", (100, 100), 255)) == []


def test_without_zxing_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing extra is a MissingPart with the command, for drawing and for reading."""
    picture = _clean("IC1:ABC")
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    for use in (lambda: qr.read(picture), lambda: qr.draw("IC1:ABC")):
        with pytest.raises(MissingPart) as missing:
            use()
        assert (missing.value.code, missing.value.found) == ("qr.extra_missing", "no zxing-cpp")
        assert missing.value.hint().startswith("pip install './icard-0.1.0-py3-none-any.whl[qr]'")


def test_without_pillow_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for Pillow."""
    png = qr.draw_png("IC1:ABC")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPart) as missing:
        qr.read(png)
    assert (missing.value.code, missing.value.found) == ("qr.extra_missing", "no pillow")


def test_importing_costs_nothing() -> None:
    """Neither Pillow nor a reader is imported by the import of the modules."""
    program = (
        "import sys, icard_crypto.qr, icard_crypto.pictures.photo; "
        "print([name for name in ('PIL', 'zxingcpp', 'segno', 'pyzbar', 'numpy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_zbar_is_asked_when_zxing_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the second reader reads is returned, under its name."""
    monkeypatch.setattr(_read, "scan_zxing", lambda _: [])
    found = _readers.Found("IC1:ABC", ((10, 10), (90, 10), (90, 90), (10, 90)))
    monkeypatch.setattr(_read, "scan_zbar", lambda _: [found])
    assert qr.read(Image.new("L", (100, 100), 255)) == [_read.Code("IC1:ABC", found.corners, "zbar", "as is")]


@pytest.mark.skipif(not qr.readers()[1].available, reason=f"zbar: {qr.readers()[1].reason}")
def test_zbar_reads_text_and_leaves_binary_alone() -> None:
    """The real second reader reads a card, and nothing that it would rewrite."""
    assert [found.content for found in _readers.scan_zbar(CLEAN[417])] == [pictures.card_text(417)]
    assert _readers.scan_zbar(_any_code(bytes.fromhex("789c") + bytes(range(100, 200)))) == []
