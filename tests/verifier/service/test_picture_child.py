"""The child that reads pictures: what it tells of the codes in one."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from icard_crypto import limits, qr
from verifier.service.limits import PICTURE_CODES
from verifier.service.picture_child import read
from verifier.service.picture_contents import read_answer


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
    assert answer["error"] == "picture.too_many_codes"


def _told(codes: object, error: object = None) -> bytes:
    return json.dumps({"codes": codes, "error": error}).encode()


@pytest.mark.parametrize(
    "packed",
    [
        _told([{"text": ""}] * (PICTURE_CODES + 1)),
        _told([{"text": "x" * (limits.CARD_TEXT + 1)}]),
        _told([{"text": 1}]),
        _told([{"hex": "00" * (limits.CARD_BYTES + 1)}]),
        _told([], {"code": "picture.broken", "expected": None, "found": "of another picture"}),
        _told([], "picture.of another picture"),
        b'{"codes":' + b"[" * 100_000 + b"]" * 100_000 + b',"error":null}',
    ],
    ids=["too many", "long text", "number", "long bytes", "words", "a code of its own", "deep"],
)
def test_what_a_reader_that_was_taken_over_tells_has_bounds(packed: bytes) -> None:
    """It costs its own picture; and nothing of what it says reaches anybody but codes."""
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        read_answer(packed)


def test_an_answer_at_its_bounds_is_read() -> None:
    """With the error's code and none of its words."""
    longest = "x" * limits.CARD_TEXT
    found = read_answer(_told([{"text": longest}] * (PICTURE_CODES - 1) + [{"hex": "d2"}], "picture.late"))
    assert found.codes == [longest] * (PICTURE_CODES - 1) + [b"\xd2"]
    assert (found.error and found.error.to_dict()) == {"code": "picture.late", "layer": "picture"}
