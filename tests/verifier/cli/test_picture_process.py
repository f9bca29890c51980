"""Pictures that a command reads in a process of its own: one that hangs, dies or lies costs one verdict."""

from __future__ import annotations

import sys
from io import BytesIO

import pytest
from PIL import Image

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from tests.kit import pictures
from verifier.cli.pictures import PictureProcess
from verifier.service.picture_contents import Way, contents, read_answer, write_answer

TEXT = pictures.card_text(417)
PICTURE = qr.draw_png(TEXT)
_REAL = "verifier.cli.pictures.command"


def _pdf(*pages: Image.Image) -> bytes:
    out = BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    return out.getvalue()


@pytest.mark.parametrize(
    ("program", "seconds", "code"),
    [
        ("import time; time.sleep(600)", 0.5, "picture.late"),
        ("import signal; signal.signal(15, signal.SIG_IGN); [0 for _ in iter(int, 1)]", 0.5, "picture.late"),
        ("raise SystemExit(1)", 60, "picture.broken"),
        ("import sys; sys.stdin.buffer.read(9); sys.stdout.buffer.write(bytes([255] * 9))", 60, "picture.broken"),
        ("import sys; sys.stdin.buffer.read(9); sys.stdout.buffer.write(b'\\0\\0\\0\\2[]')", 60, "picture.broken"),
    ],
    ids=["sleeps", "computes", "dies", "endless answer", "no answer"],
)
def test_a_reader_that_hangs_dies_or_lies_costs_one_picture(
    monkeypatch: pytest.MonkeyPatch, program: str, seconds: float, code: str
) -> None:
    """It is ended, the fault has a name, and the next picture is read by a new process."""
    with PictureProcess(seconds) as reading:
        monkeypatch.setattr(_REAL, lambda _: (sys.executable, "-c", program))
        with pytest.raises(DecodeError) as caught:
            list(reading.codes(PICTURE))
        assert caught.value.code == code
        monkeypatch.undo()
        reading._seconds = 60
        assert list(reading.codes(PICTURE)) == [TEXT]


def test_pages_that_nobody_came_to_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the codes of the others: of a document that takes too long not only what was found is said."""
    drawn, blank = Image.open(BytesIO(PICTURE)).convert("L"), Image.new("L", (300, 300), 255)
    data = _pdf(drawn, blank)
    assert contents(data, Way.COMMAND) == ([TEXT], None)
    times = iter([0.0, 1.0, 1000.0])
    monkeypatch.setattr("verifier.service.picture_contents.time.monotonic", lambda: next(times, 1000.0))
    monkeypatch.setattr(qr, "read", lambda page, **_: [qr.Code(TEXT, (), "zxing-cpp", "as is")])
    found = contents(data, Way.COMMAND)
    assert found.codes == [TEXT]
    assert found.error is not None
    assert (found.error.code, found.error.found) == ("picture.late", "1 pages")
    times = iter([0.0, 1.0, 1000.0])
    again = read_answer(write_answer(data, Way.COMMAND))
    assert (again.codes, again.error and again.error.code) == ([TEXT], "picture.late")


def test_a_page_that_is_hard_to_look_at_hides_no_code_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is told."""
    drawn = Image.open(BytesIO(PICTURE)).convert("L")
    seen = []

    def read(page: object, **_: object) -> list[qr.Code]:
        seen.append(page)
        if len(seen) == 1:
            raise DecodeError("picture.late")
        return [qr.Code(TEXT, (), "zxing-cpp", "as is")]

    monkeypatch.setattr(qr, "read", read)
    found = contents(_pdf(drawn, drawn), Way.COMMAND)
    assert (found.codes, found.error and found.error.code) == ([TEXT], "picture.late")
