"""What is measured of a photo: size, shape, white background, frame; and how it is kept."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from icard_crypto.pictures.pictures import open_picture
from issuer.documents.photos import has_shape, measured
from issuer.rules.book import shipped
from tests.kit.uploaded import photo

RULE: dict[str, Any] = {name: value for rule in shipped().all("photo") for name, value in rule.value.items()}


def seen(data: bytes) -> tuple[dict[str, Any], bytes]:
    return measured(open_picture(data, "RGB"), RULE)


def test_photo_in_front_of_white_is_white_and_has_no_frame() -> None:
    found, _ = seen(photo())
    assert (found["width"], found["height"], found["framed"]) == (900, 1200, 0)
    assert found["white"] == 1.0


@pytest.mark.parametrize("ground", ["#d0d0d0", "#ffffc8", "lightblue", "black"])
def test_background_that_is_grey_or_tinted_is_not_white(ground: str) -> None:
    assert seen(photo(ground=ground))[0]["white"] < RULE["share"]


def test_background_half_in_shadow_is_not_white_enough() -> None:
    made = Image.open(BytesIO(photo(kind="PNG")))
    made.paste((150, 150, 150), (0, 0, 450, 700))
    out = BytesIO()
    made.save(out, "PNG")
    assert 0.3 < seen(out.getvalue())[0]["white"] < RULE["share"]


@pytest.mark.parametrize("frame", ["black", "red", "#888888"])
def test_frame_is_seen_along_every_edge(frame: str) -> None:
    assert seen(photo(frame=frame))[0]["framed"] >= RULE["edges"]


def test_white_frame_around_a_grey_background_is_a_frame() -> None:
    found, _ = seen(photo(ground="#707070", frame="white"))
    assert found["framed"] >= RULE["edges"]


def test_photo_is_kept_scaled_upright_and_without_metadata() -> None:
    turned = Image.open(BytesIO(photo(kind="PNG"))).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a place"
    out = BytesIO()
    turned.save(out, "JPEG", exif=exif)
    found, kept = seen(out.getvalue())
    assert (found["width"], found["height"]) == (900, 1200)
    again = Image.open(BytesIO(kept))
    assert (again.format, again.size, len(again.getexif())) == ("JPEG", tuple(RULE["scaled"]), 0)
    assert len(kept) <= RULE["most_bytes"]


def test_photo_between_the_two_sizes_is_kept_at_the_smaller_one() -> None:
    kept = seen(photo((400, 533)))[1]
    assert Image.open(BytesIO(kept)).size == tuple(RULE["least"])


@pytest.mark.parametrize("size", [(353, 472), (354, 471), (900, 900)])
def test_photo_too_small_or_of_another_shape_is_not_kept(size: tuple[int, int]) -> None:
    assert seen(photo(size))[1] == b""


@pytest.mark.parametrize(("size", "fits"), [((354, 472), True), ((900, 1200), True), ((900, 1120), False)])
def test_shape_within_its_tolerance(size: tuple[int, int], fits: bool) -> None:
    assert has_shape(*size, RULE) is fits
