"""The size that a photo's header states: of real files, of files that lie, and of what is none."""

from __future__ import annotations

import random
import struct
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, features

from icard_crypto.card.photo_size import MOST_SIDE, is_small, size_of

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    *([("AVIF", {})] if features.check("avif") else []),
]


def photo(form: str, width: int, height: int, **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), (200, 150, 120)).save(out, form, **options)
    return out.getvalue()


#: What the finding measured: 34 bytes that declare 8,000 x 8,000 pixels.
BOMB = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/" + struct.pack("<I", 7999 | 7999 << 14) + bytes(9)


@pytest.mark.parametrize(("form", "options"), KINDS, ids=[f"{form} {options}" for form, options in KINDS])
@pytest.mark.parametrize("size", [(24, 32), (240, 320), (1024, 1), (1025, 8)])
def test_the_size_is_that_of_the_picture(form: str, options: dict[str, Any], size: tuple[int, int]) -> None:
    """As it is decoded; beyond the bound it is not for pages."""
    data = photo(form, *size, **options)
    assert Image.open(BytesIO(data)).size == size
    assert size_of(data) == size
    assert is_small(data) == (max(size) <= MOST_SIDE)


def test_a_small_file_that_declares_a_huge_picture_is_not_small() -> None:
    """Whatever decodes it would take a gigabyte."""
    assert size_of(BOMB) == (8000, 8000)
    assert not is_small(BOMB)


def test_of_two_sizes_the_larger_counts() -> None:
    """A frame of 8,000 behind a canvas of 24, and a second frame of a JPEG."""
    small = photo("WEBP", 24, 32, lossless=True)
    canvas = b"VP8X\x0a\0\0\0\0\0\0\0\x17\0\0\x1f\0\0"
    both = b"RIFF" + struct.pack("<I", 4 + len(canvas) + len(BOMB) - 12) + b"WEBP" + canvas + BOMB[12:]
    assert size_of(both) == (8000, 8000)
    assert is_small(small)
    jpeg = photo("JPEG", 24, 32)
    second = jpeg[:-2] + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 9000, 9000) + b"\x03" + bytes(9) + b"\xff\xd9"
    assert size_of(second) == (9000, 9000)


@pytest.mark.skipif(not features.check("avif"), reason="Pillow has no AVIF")
def test_an_avif_is_judged_by_its_data_too() -> None:
    """Its property may say less than what a decoder finds; what else is in the file is not shown at all."""
    data = photo("AVIF", 600, 2000)
    assert size_of(data) == (600, 2000)
    lying = data.replace(struct.pack(">II", 600, 2000), struct.pack(">II", 60, 200))
    assert lying != data
    assert size_of(lying) == (600, 2000)
    assert size_of(data + b"\0\0\0\x08free") is None


def test_no_bytes_raise() -> None:
    """Cut, changed and random files have a size or none."""
    chance = random.Random(5)
    for form, options in KINDS:
        whole = photo(form, 60, 80, **options)
        for _ in range(400):
            data = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.3 else whole)
            for _ in range(chance.randrange(1, 6)):
                if data:
                    data[chance.randrange(len(data))] = chance.randrange(256)
            found = size_of(bytes(data))
            assert found is None or min(found) >= 0
    for other in (b"", b"GIF89a", b"\xff\xd8\xff", b"RIFF....WEBP", b"\0\0\0\x18ftypavif", b"\0\0\0\0ftyp"):
        assert not is_small(other)


def test_a_jpeg_that_a_decoder_reads_otherwise_is_not_small() -> None:
    """A marker without a length in front of the real frame hides it from whoever reads a length there; no height at
    all; the same file without that is small."""
    whole = photo("JPEG", 24, 32)
    frame = whole.index(b"\xff\xc0")
    hidden = b"\xff\x01\0\x15" + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 9000, 9000) + b"\x03" + bytes(9)
    for data in (
        whole[:frame] + hidden + whole[frame:],
        whole[:frame] + b"\xff\xd0" + whole[frame:],
        whole[: frame + 5] + b"\0\0" + whole[frame + 7 :],
        b"\xff\xd8" + whole,
    ):
        assert not is_small(data)
    assert is_small(whole)


@pytest.mark.skipif(not features.check("avif"), reason="Pillow has no AVIF")
@pytest.mark.parametrize("way", ["grid", "long header"])
def test_an_avif_made_of_others_is_not_small(way: str) -> None:
    """A grid may show one small item thousands of times; a size in a box with a long header is one all the same."""
    data = photo("AVIF", 60, 80)
    assert is_small(data)
    if way == "grid":
        assert not is_small(data.replace(b"av01", b"grid", 1).replace(b"infe", b"infe"))
    else:
        assert not is_small(data.replace(b"\0\0\0\x14ispe", b"\0\0\0\x01ispe", 1))
