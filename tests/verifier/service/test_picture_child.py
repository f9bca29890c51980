"""The child that reads pictures: what it tells of the codes in one."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from icard_crypto import qr
from verifier.service.limits import PICTURE_CODES
from verifier.service.picture_child import read


def _sheet(codes: int) -> bytes:
    made = Image.new("1", (10 * 300, -(-codes // 10) * 300), 255)
    for number in range(codes):
        one = Image.open(BytesIO(qr.draw_png(f"IC1:{number:05d}"))).resize((240, 240))
        made.paste(one, (number % 10 * 300 + 30, number // 10 * 300 + 30))
    out = BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("codes", [60, PICTURE_CODES])
def test_every_code_of_a_picture_is_told(codes: int) -> None:
    """As many as there are, so that no INVALID one is left out."""
    assert len(json.loads(read(b"1" + _sheet(codes)))["codes"]) == codes


def test_more_codes_than_are_told_are_an_error() -> None:
    """By name, and not the first of them."""
    answer = json.loads(read(b"1" + _sheet(PICTURE_CODES + 1)))
    assert answer["error"]["code"] == "picture.too_many_codes"
