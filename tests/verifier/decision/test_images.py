"""Pictures: a verdict for each code, and one that says why where there is none."""

from __future__ import annotations

import io
from typing import Any

import pytest

from icard_crypto import qr
from tests.kit.trust_domain import NOW, World, code
from verifier import UsageError

PIL_Image = pytest.importorskip("PIL.Image")
numpy = pytest.importorskip("numpy")

VERIFIER = World().verifier()


def test_one_code() -> None:
    """A drawn code is verified from its picture."""
    [verdict] = VERIFIER.verify_image(qr.draw_png(code()), now=NOW)
    assert verdict == VERIFIER.verify(code(), now=NOW)


def test_several_codes() -> None:
    """Several codes give several verdicts in reading order, never the first valid one alone."""
    texts = ["HTTPS://EXAMPLE.COM/", code(), code(expires=NOW)]
    pictures = [PIL_Image.open(io.BytesIO(qr.draw_png(text))).convert("L") for text in texts]
    height = max(picture.height for picture in pictures)
    sheet = PIL_Image.new("L", (sum(picture.width for picture in pictures), height), 255)
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width
    verdicts = VERIFIER.verify_image(sheet, now=NOW)
    assert sorted(str(verdict.reason) for verdict in verdicts) == ["expired", "not_a_card", "valid"]


def test_no_code() -> None:
    """An empty picture is one verdict: not a card, because there is no code."""
    [verdict] = VERIFIER.verify_image(PIL_Image.new("L", (200, 200), 255), now=NOW)
    assert (verdict.outcome, verdict.reason) == ("INVALID", "not_a_card")
    assert verdict.error is not None
    assert verdict.error.code == "picture.no_code"
    assert verdict.message() == "There is no QR code in this picture."
    assert verdict.action("zh") == "请重新拍摄：二维码完整、平整、无反光。"


@pytest.mark.parametrize(
    ("data", "reason", "error"),
    [
        (b"", "not_a_card", "picture.not_a_picture"),
        (b"not a picture", "not_a_card", "picture.not_a_picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "malformed", "picture.broken"),
    ],
)
def test_unreadable_picture(data: bytes, reason: str, error: str) -> None:
    """What is no picture, or a broken one, raises nothing: the verdict says so, in the words of the picture's error."""
    [verdict] = VERIFIER.verify_image(data, now=NOW)
    assert (verdict.outcome, verdict.reason) == ("INVALID", reason)
    assert verdict.error is not None
    assert verdict.error.code == error
    assert verdict.message() == verdict.error.message()


def test_now_is_checked() -> None:
    """The time is checked before the picture is opened."""
    with pytest.raises(UsageError) as caught:
        VERIFIER.verify_image(b"", now=float("nan"))
    assert caught.value.code == "usage.now"


class Failing:
    """A file whose reading fails."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def read(self, _: int) -> bytes:
        raise self.fault


def released() -> memoryview:
    view = memoryview(b"abc")
    view.release()
    return view


@pytest.mark.parametrize(
    "picture",
    [
        numpy.zeros((3, 3), dtype="M8[s]"),
        numpy.zeros((3, 3), dtype="m8[s]"),
        released(),
        Failing(OSError("x")),
        Failing(ValueError("closed")),
        Failing(RuntimeError("x")),
    ],
    ids=["datetime64", "timedelta64", "released", "disk", "closed", "any"],
)
def test_what_cannot_be_read_is_its_callers_fault(picture: Any) -> None:
    """And not a card's: it is wrong use, whatever the object raises."""
    with pytest.raises(UsageError) as caught:
        VERIFIER.verify_image(picture, now=NOW)
    assert caught.value.code == "usage.picture"


def test_a_released_view_is_no_code() -> None:
    """One is wrong use; among many it is misread."""
    with pytest.raises(UsageError) as caught:
        VERIFIER.verify(released(), now=NOW)
    assert caught.value.code == "usage.shown"
    assert [str(each.reason) for each in VERIFIER.verify_many([code(), released()], now=NOW)] == ["valid", "misread"]
