"""Strangers' files looked at in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from icard_crypto.errors import StateError
from issuer.documents import drawing
from issuer.documents.drawing import Looked, draw_page, look, media_type_of
from issuer.documents.drawing_child import MEMORY
from tests.kit.people import at_once
from tests.kit.uploaded import bomb, forest, nested, pdf, picture, scan, stuck

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (picture("PNG"), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        (pdf(), "application/pdf"),
        (b"\n\n" + pdf(), "application/pdf"),
        (picture("WEBP"), None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_type_follows_from_content(data: bytes, media_type: str | None) -> None:
    assert media_type_of(data) == media_type


def test_pages_are_counted_and_drawn() -> None:
    data = pdf(3)
    assert look(data, "application/pdf").pages == 3
    page = Image.open(BytesIO(draw_page(data, "application/pdf", 3)))
    assert (page.format, page.size) == ("JPEG", (1240, 1755))


def test_picture_is_one_page_drawn_anew_and_smaller() -> None:
    data = picture("PNG", (3000, 1500))
    page = Image.open(BytesIO(draw_page(data, "image/png", 1)))
    assert (page.format, page.size) == ("JPEG", (2000, 1000))


@pytest.mark.parametrize(
    ("data", "media_type", "code"),
    [
        (b"%PDF-1.7\nnothing", "application/pdf", "upload.broken"),
        (picture("PNG")[:60], "image/png", "upload.broken"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", "upload.broken"),
        (pdf(51), "application/pdf", "upload.pages"),
    ],
)
def test_file_that_is_no_use_is_refused_by_name(data: bytes, media_type: str, code: str) -> None:
    with pytest.raises(StateError) as refused:
        look(data, media_type)
    assert refused.value.code == code


@pytest.mark.parametrize("number", [0, 2])
def test_page_outside_the_file_is_refused(number: int) -> None:
    with pytest.raises(StateError) as refused:
        draw_page(pdf(), "application/pdf", number)
    assert refused.value.code == "upload.no_page"


@pytest.mark.slow
def test_bomb_of_pixels_stays_within_the_memory_of_its_process() -> None:
    """2.7 GB unpacked, of a file of 3 MB: it is drawn in strips, or refused. In a process whose only child draws."""
    assert len(bomb()) < 5_000_000
    program = (
        "import contextlib, resource\n"
        "from icard_crypto.errors import StateError\n"
        "from issuer.documents.drawing import draw_page\n"
        "from tests.kit.uploaded import bomb\n"
        "with contextlib.suppress(StateError):\n"
        "    assert draw_page(bomb(), 'application/pdf', 1).startswith(b'\\xff\\xd8')\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True)
    assert MEMORY / 20 < int(done.stdout) <= MEMORY


def test_process_has_no_more_memory_than_it_may(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child that asks for more dies of it, and that is said by name."""
    (tmp_path / "greedy.py").write_text(
        f"from icard_crypto.platform_parts import confine\nconfine({MEMORY})\nbytearray({MEMORY})\nprint('{{}}')\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setattr(drawing, "_CHILD", "greedy")
    with pytest.raises(StateError) as refused:
        look(picture(), "image/png")
    assert refused.value.code == "upload.costly"


@pytest.mark.slow
def test_page_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "SECONDS", 2.0)
    with pytest.raises(StateError) as refused:
        look(stuck(), "application/pdf")
    assert refused.value.code == "upload.costly"


def test_child_is_confined_before_it_reads_a_file() -> None:
    program = (
        "from issuer.documents import drawing_child\n"
        "def greedy(*_):\n"
        "    try:\n"
        "        return b'%d' % len(bytearray(drawing_child.MEMORY))\n"
        "    except MemoryError:\n"
        "        return b'confined'\n"
        "drawing_child.answered = greedy\n"
        "drawing_child.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=b'{"do": "look"}\n', capture_output=True, cwd=ROOT, check=True
    )
    assert done.stdout == b"confined"


def test_no_process_and_no_stream_is_left_behind() -> None:
    before = set(os.listdir("/proc/self/fd"))
    look(picture(), "image/png")
    assert set(os.listdir("/proc/self/fd")) == before
    assert children() == []


def children() -> list[bytes]:
    """The processes of this one that draw."""
    running = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    names = [Path(f"/proc/{child}/cmdline").read_bytes() for child in running]
    return [name for name in names if b"drawing_child" in name]


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nested": (nested, "upload.costly"),
    "forest": (forest, "upload.broken"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_by_name_and_holds_up_no_other_file(name: str) -> None:
    """A few kilobytes that unpack to a gigabyte, or have a tree of 10**12 pages: its own process is stopped at its
    limits, and a file beside it is looked at as if nothing was."""
    make, code = BOMBS[name]
    data = make()
    assert len(data) < 100_000
    refused, sound = at_once([lambda: look(data, "application/pdf"), lambda: look(pdf(2), "application/pdf")])
    assert isinstance(refused, StateError)
    assert refused.code == code
    assert sound == Looked("application/pdf", 2)
    assert children() == []


def test_scan_of_300_pages_is_refused_with_the_most_that_is_taken() -> None:
    with pytest.raises(StateError) as refused:
        look(scan(300), "application/pdf")
    assert (refused.value.code, refused.value.expected, refused.value.found) == (
        "upload.pages",
        "at most 50 pages",
        "300",
    )
