"""Portraits that fit a budget of bytes: icard_crypto.pictures.photo."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageStat

from icard_crypto.errors import DecodeError, EncodeError
from icard_crypto.pictures import photo
from icard_crypto.pictures.photo import PhotoFormat
from tests.kit.pictures import encoded, portrait

PORTRAIT = portrait()


def _opened(result: photo.Photo) -> Image.Image:
    return Image.open(BytesIO(result.data))


def _error(result: photo.Photo) -> float:
    """Mean squared difference from the portrait, seen at 300 x 400."""
    seen = _opened(result).convert("RGB").resize((300, 400))
    return sum(ImageStat.Stat(ImageChops.difference(seen, PORTRAIT.resize((300, 400)))).sum2) / (300 * 400 * 3)


@pytest.mark.parametrize("budget", [150, 200, 400, 600, 700])
def test_a_webp_that_fits(budget: int) -> None:
    """Up to 700 bytes: a WebP of shape 3:4 within the budget, as large as stated, under its number."""
    result = photo.fit(PORTRAIT, budget)
    assert len(result.data) <= budget
    assert (result.format, int(result.format)) == (PhotoFormat.WEBP, 4)
    opened = _opened(result)
    assert (opened.format, opened.size) == ("WEBP", (result.width, result.height))
    assert result.width * 4 == result.height * 3


def test_avif_where_it_is_better() -> None:
    """At 1,500 bytes the plain portrait is an AVIF, under its number, and better than the WebP of 700."""
    result = photo.fit(PORTRAIT, 1500)
    assert len(result.data) <= 1500
    assert (result.format, int(result.format)) == (PhotoFormat.AVIF, 3)
    assert (_opened(result).format, _opened(result).size) == ("AVIF", (result.width, result.height))
    assert _error(result) < _error(photo.fit(PORTRAIT, 700))


def test_more_bytes_are_a_better_picture() -> None:
    """The error falls with the budget, and the budget is used: at 400 bytes at least 340 are."""
    errors = [_error(photo.fit(PORTRAIT, budget)) for budget in (120, 200, 400, 700)]
    assert errors == sorted(errors, reverse=True)
    assert len(photo.fit(PORTRAIT, 400).data) > 340


@pytest.mark.parametrize("kind", [PhotoFormat.WEBP, PhotoFormat.AVIF])
def test_the_highest_quality_that_fits_is_found(kind: PhotoFormat) -> None:
    """The search over the quality finds what trying all of them finds, but for steps where a file shrinks."""
    small = PORTRAIT.resize((48, 64))
    lengths = [len(photo._encoded(small, kind, quality)) for quality in range(0, 101, 4)]
    found, _ = photo._highest_quality(small, kind, 800)
    assert found is not None
    assert 800 >= len(found) >= 0.97 * max(length for length in lengths if length <= 800)


def test_a_face_at_400_bytes_is_one() -> None:
    """Close to the original: a third of the error of the same face at 24 x 32."""
    coarse = PORTRAIT.resize((24, 32)).resize((300, 400))
    coarse_error = sum(ImageStat.Stat(ImageChops.difference(coarse, PORTRAIT.resize((300, 400)))).sum2) / (
        300 * 400 * 3
    )
    assert _error(photo.fit(PORTRAIT)) < coarse_error / 3


def test_nothing_fits_and_it_says_what_would() -> None:
    """photo.does_not_fit names the bytes, and with these it fits."""
    with pytest.raises(EncodeError) as refused:
        photo.fit(PORTRAIT, 40)
    assert (refused.value.code, refused.value.found) == ("photo.does_not_fit", "40")
    assert "recognisable" in refused.value.message()
    needed = int(str(refused.value.expected).split()[2])
    assert len(photo.fit(PORTRAIT, needed).data) == needed


@pytest.mark.parametrize("size", [(800, 600), (600, 1400), (3000, 300)])
def test_other_shapes_are_cropped_not_squeezed(size: tuple[int, int]) -> None:
    """A wide or tall picture with the portrait in its place keeps the portrait's proportions."""
    sheet = Image.new("RGB", size, (255, 0, 0))
    height = min(size[1], size[0] * 4 // 3)
    face = PORTRAIT.resize((height * 3 // 4, height))
    sheet.paste(face, ((size[0] - face.width) // 2, int((size[1] - face.height) * 0.4)))
    seen = _opened(photo.fit(sheet)).convert("RGB").resize((300, 400))
    wanted = PORTRAIT.resize((300, 400))
    assert sum(ImageStat.Stat(ImageChops.difference(seen, wanted)).mean) / 3 < 8


def test_upright_and_without_metadata() -> None:
    """A portrait stored on its side with a place in its EXIF data comes upright, without them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "SECRET PLACE"
    stored = encoded(PORTRAIT.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    assert b"SECRET PLACE" in stored
    result = photo.fit(stored, 600)
    assert b"SECRET" not in result.data
    assert "exif" not in _opened(result).info
    assert _error(result) < 3 * _error(photo.fit(PORTRAIT, 600))


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (9, 12), (20, 27)])
def test_tiny_pictures_are_not_enlarged(size: tuple[int, int]) -> None:
    """A picture smaller than the smallest size stays about what it is."""
    result = photo.fit(Image.new("RGB", size, (200, 180, 160)))
    assert result.width <= max(3, size[0])


def test_transparent_parts_are_white() -> None:
    """No black wall behind a cut-out face."""
    result = photo.fit(Image.new("RGBA", (300, 400), (0, 0, 0, 0)))
    assert min(low for low, _ in _opened(result).convert("RGB").getextrema()) > 245  # type: ignore[misc]


def test_the_same_picture_gives_the_same_bytes() -> None:
    """Two runs agree, AVIF too: the bytes are signed."""
    assert photo.fit(PORTRAIT, 1200) == photo.fit(PORTRAIT, 1200)


def test_the_limits_of_pictures_hold() -> None:
    """What is no picture is the same DecodeError as everywhere."""
    with pytest.raises(DecodeError) as refused:
        photo.fit(b"no picture")
    assert refused.value.code == "picture.not_a_picture"
    assert refused.value.message() == "This is not a picture of a kind that is read."
