"""Pictures from strangers: icard_crypto.pictures.pictures, seen through the reader."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from icard_crypto.pictures import pictures
from tests.kit.pictures import encoded

CODE = Image.open(BytesIO(qr.draw_png("IC1:ABC"))).convert("L")


def _png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG whose header declares a size, with next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def _jpeg_of_size(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("L", (8, 8)), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _webp_of_size(kind: bytes) -> bytes:
    body = {
        b"VP8X": b"\x00" * 4 + b"\xff\x3f\x00" * 2,
        b"VP8L": b"\x2f" + (0x3FFF | 0x3FFF << 14).to_bytes(4, "little") + b"\x00" * 5,
        b"VP8 ": b"\x10\x00\x00\x9d\x01\x2a" + b"\xff\x3f\xff\x3f",
    }[kind]
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def _refusal(shown: pictures.Picture) -> DecodeError:
    with pytest.raises(DecodeError) as refused:
        qr.read(shown)
    assert refused.value.message("zh") != refused.value.message("en")
    return refused.value


def _transparent(image: Image.Image) -> Image.Image:
    """Dark modules opaque, everything else fully transparent and, underneath, black."""
    alpha = image.point(lambda value: 255 - value)
    return Image.merge("LA", (Image.new("L", image.size, 0), alpha))


@pytest.mark.parametrize(
    "data",
    [
        encoded(CODE, "PNG"),
        encoded(CODE, "JPEG"),
        encoded(CODE.convert("CMYK"), "JPEG"),
        encoded(CODE, "WEBP", lossless=True),
        encoded(CODE, "WEBP", quality=30),
        encoded(CODE.convert("1"), "PNG"),
        encoded(CODE.convert("P"), "PNG"),
        encoded(CODE.convert("P"), "PNG", transparency=255),
        encoded(_transparent(CODE), "PNG"),
        encoded(_transparent(CODE).convert("RGBA"), "PNG"),
        encoded(_transparent(CODE).convert("RGBA"), "WEBP", lossless=True),
        encoded(Image.fromarray(np.asarray(CODE).astype(np.uint16) * 40), "PNG"),
        encoded(CODE, "PNG", save_all=True, append_images=[Image.new("L", CODE.size, 255)]),
        encoded(CODE.convert("RGB"), "WEBP", save_all=True, append_images=[Image.new("RGB", CODE.size, 255)]),
    ],
    ids=[
        "png",
        "jpeg",
        "cmyk",
        "webp-lossless",
        "webp",
        "1-bit",
        "palette",
        "palette-transparent",
        "la",
        "rgba",
        "rgba-webp",
        "16-bit",
        "apng",
        "awebp",
    ],
)
def test_every_kind_of_picture_is_read(data: bytes) -> None:
    """Formats, modes, transparency on white, dim 16-bit grey scaled rather than cut off, first frames."""
    assert [code.content for code in qr.read(data)] == ["IC1:ABC"]


def test_16_bit_grey_is_scaled() -> None:
    """65,535 levels become 255; nothing is cut off."""
    levels = (np.arange(256, dtype=np.uint16) * 257).reshape(1, 256)
    assert pictures.open_picture(encoded(Image.fromarray(levels)), "L").tobytes() == bytes(range(256))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_every_mode_of_pillow_is_read(mode: str) -> None:
    """An image in memory of any mode."""
    image = CODE.convert("I").convert("I;16") if mode == "I;16" else CODE.convert("RGB").convert(mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(CODE).astype(np.uint16) * 257)
    assert [code.content for code in qr.read(image)] == ["IC1:ABC"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (_png(30000, 30000), "30000 x 30000 pixels"),
        (_png(100_000, 521), "100000 x 521 pixels"),
        (_jpeg_of_size(65000, 65000), "65000 x 65000 pixels"),
        (_webp_of_size(b"VP8X"), "16384 x 16384 pixels"),
        (_webp_of_size(b"VP8L"), "16384 x 16384 pixels"),
        (_webp_of_size(b"VP8 "), "16383 x 16383 pixels"),
    ],
    ids=["png", "narrow png", "jpeg", "webp", "webp lossless", "webp lossy"],
)
@pytest.mark.filterwarnings("error")
def test_a_small_file_that_declares_a_huge_picture_is_refused(data: bytes, found: str) -> None:
    """By the header alone: no pixel is decoded, and Pillow's own warning of large pictures is not heard."""
    refused = _refusal(data)
    assert (refused.code, refused.found) == ("picture.too_large", found)
    most = pictures.MOST_PIXELS if data.startswith(b"RIFF") else pictures.MOST_DECODED
    assert refused.expected == f"at most {most} pixels"


def test_pixels_and_images_in_memory_have_the_same_limit() -> None:
    """6501 x 8000 is too large as an array and as a Pillow image, 4000 x 4000 is not."""
    for shown in (np.full((8000, 6501), 255, np.uint8), Image.new("1", (6501, 8000))):
        assert (_refusal(shown).code, _refusal(shown).found) == ("picture.too_large", "6501 x 8000 pixels")
    assert qr.read(np.full((4000, 4000), 255, np.uint8), thorough=False) == []


def test_a_file_above_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A sparse file of a terabyte is refused like any other above 32 MiB."""
    path = tmp_path / "huge.png"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    for shown in (path, bytes(pictures.MOST_BYTES + 1)):
        assert _refusal(shown).code == "picture.too_large"
        assert _refusal(shown).expected == "at most 33554432 bytes"


def test_a_jpeg_with_thousands_of_scans_is_refused() -> None:
    """Each empty scan is a few bytes and a pass over all pixels; 64 are enough for anyone."""
    data = encoded(CODE, "JPEG", progressive=True)
    scan, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    assert qr.read(data[:end] + data[scan:end] * 20 + data[end:])
    refused = _refusal(data[:end] + data[scan:end] * 64 + data[end:])
    assert (refused.code, refused.expected) == ("picture.too_large", "at most 64 scans")


def test_what_segments_and_trailers_of_a_jpeg_hold_is_no_scan() -> None:
    """A comment and a film behind the picture may contain the bytes of the marker."""
    data = encoded(CODE, "JPEG", comment=b"\xff\xda" * 500)
    assert [code.content for code in qr.read(data + b"\x00\x02" + b"\xff\xda\x00\x02" * 500)] == ["IC1:ABC"]


def test_scans_over_a_large_picture_are_counted_by_their_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few dozen empty scans are nothing over a small picture and many seconds over a large one: it is refused before
    the first is decoded. One of as many scans as encoders make is read."""
    data = encoded(Image.new("L", (6000, 6000), 255), "JPEG", progressive=True, quality=30)
    last = data[data.rindex(b"\xff\xda") : -2]
    hostile = data[:-2] + 40 * last + data[-2:]
    assert qr.read(data, thorough=False) == []

    def decoded(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(pictures, "_upright_on", decoded)
    assert _refusal(hostile).code == "picture.too_large"


@pytest.mark.parametrize(
    "data",
    [
        encoded(CODE)[:-200],
        encoded(CODE)[:60],
        encoded(CODE, "WEBP")[:-50],
        _png(50, 50, b"\x00" * 10),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\x00\x00\x00\x00WEBP",
        _png(0, 50),
    ],
    ids=["png cut", "png header", "webp cut", "png short of pixels", "signature", "jpeg start", "riff", "no width"],
)
def test_damaged_pictures_are_broken(data: bytes) -> None:
    """What starts as a picture and is none is picture.broken, whatever Pillow raises."""
    refused = _refusal(data)
    assert refused.code in ("picture.broken", "picture.not_a_picture")
    assert "damaged" in refused.message() or "not a picture" in refused.message()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "bytes that start with nothing"),
        (b"GIF89a" + bytes(50), "bytes that start with 47494638"),
        (encoded(CODE, "BMP"), "bytes that start with 424d"),
        (encoded(CODE, "TIFF"), "bytes that start with 49492a00"),
        (b"IC1:ABC", "bytes that start with 4943313a"),
    ],
    ids=["empty", "gif", "bmp", "tiff", "text"],
)
def test_other_formats_are_not_opened(data: bytes, found: str) -> None:
    """PNG, JPEG and WebP, by content; no other decoder of Pillow ever runs."""
    refused = _refusal(data)
    assert refused.code == "picture.not_a_picture"
    assert refused.expected == "PNG, JPEG or WebP"
    assert str(refused.found).startswith(found)


@pytest.mark.parametrize(
    "shown",
    [
        np.zeros((9, 9), np.float32),
        np.zeros((9, 9, 2), np.uint8),
        np.zeros((2, 2, 2, 2), np.uint8),
        np.zeros(9, np.uint16),
    ],
    ids=["floats", "two channels", "four dimensions", "one dimension"],
)
def test_arrays_that_are_no_pixels(shown: np.ndarray) -> None:
    """An array of another type or shape is refused with the shape that is meant."""
    refused = _refusal(shown)
    assert (refused.code, refused.expected) == ("picture.not_a_picture", "unsigned bytes, height x width, x 3 or x 4")


def test_things_that_are_no_picture() -> None:
    """An object without bytes is a DecodeError too, and named by its type."""
    refused = _refusal(12)  # type: ignore[arg-type]
    assert (refused.code, refused.found) == ("picture.not_a_picture", "int")


@pytest.mark.parametrize("path", ["/nowhere/at/all.png", "/", "nul\0character"])
def test_paths_that_cannot_be_read(path: str) -> None:
    """A missing file, a folder and an impossible name are picture.unreadable; the path itself is not repeated."""
    refused = _refusal(path)
    assert refused.code == "picture.unreadable"
    assert refused.message() == "The picture's file cannot be opened."
    assert os.path.basename(path) == "" or os.path.basename(path) not in str(refused)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_data_do_not_spoil_a_picture() -> None:
    """Orientation is then as stored."""
    data = encoded(CODE, "JPEG", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    assert [code.content for code in qr.read(data)] == ["IC1:ABC"]


def _outcome(data: bytes) -> str:
    try:
        return type(qr.read(data, thorough=False)).__name__
    except DecodeError as refused:
        return refused.layer


STARTS: dict[str, Callable[[bytes], bytes]] = {
    "anything": lambda rest: rest,
    "png": lambda rest: b"\x89PNG\r\n\x1a\n" + rest,
    "png header": lambda rest: encoded(CODE)[:33] + rest,
    "jpeg": lambda rest: b"\xff\xd8\xff" + rest,
    "jpeg header": lambda rest: encoded(CODE, "JPEG")[:200] + rest,
    "webp": lambda rest: b"RIFF\xff\x00\x00\x00WEBPVP8 " + rest,
    "webp extended": lambda rest: _webp_of_size(b"VP8X")[:20] + rest,
}


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(STARTS)), st.binary(max_size=300))
def test_any_bytes_give_a_list_or_a_decode_error(start: str, rest: bytes) -> None:
    """No other exception, whatever follows a believable beginning."""
    assert _outcome(STARTS[start](rest)) in ("list", "picture")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.integers(0, 10_000), st.integers(0, 255))
def test_any_changed_byte_gives_a_list_or_a_decode_error(kind: str, at: int, value: int) -> None:
    """A real picture with one byte changed."""
    data = bytearray(encoded(CODE, kind))
    data[at % len(data)] = value
    assert _outcome(bytes(data)) in ("list", "picture")
