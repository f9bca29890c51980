"""``icard qr``: files, the terminal, and what cannot be drawn."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from icard_crypto import qr
from icard_crypto.encoding import envelope
from tests.kit.cli import run
from tests.kit.trust_domain import code
from verifier.cli import qr_command
from verifier.cli.commands import app


def test_png_reads_back(tmp_path: Path) -> None:
    """The PNG holds the text, at level M, with the module size asked for."""
    path = tmp_path / "a.png"
    done = run(app, "qr", code(), "--out", path, "--module-size", "3", "--json")
    assert done.status == 0
    [facts] = done.lines
    assert (facts["level"], facts["characters"]) == ("M", len(code()))
    assert Image.open(path).width == (facts["modules"] + 8) * 3
    assert [found.content for found in qr.read(path)] == [code()]


def test_level_and_version_are_exact(tmp_path: Path) -> None:
    """What is asked for is drawn."""
    done = run(app, "qr", "IC1:ABC", "--out", tmp_path / "a.svg", "--level", "H", "--version", "7")
    assert done.out == f"wrote {tmp_path / 'a.svg'}: 7-H, 45 x 45 modules, 7 characters\n"
    assert (tmp_path / "a.svg").read_text().startswith("<svg")


def test_files_of_text_and_cose_are_drawn(tmp_path: Path) -> None:
    """Line breaks of a text file are no part of the code; COSE bytes become the IC1 text."""
    (tmp_path / "a.txt").write_text(code() + "\r\n")
    (tmp_path / "a.cose").write_bytes(envelope.read(code()).cose)
    for name in ("a.txt", "a.cose"):
        out = tmp_path / "a.png"
        assert run(app, "qr", tmp_path / name, "--out", out).status == 0
        assert [found.content for found in qr.read(out)] == [code()]


def test_terminal_shows_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The half blocks, read as pixels, are a code that reads back."""
    monkeypatch.setattr(qr_command, "is_terminal", lambda: True)
    done = run(app, "qr", "IC1:ABC")
    assert done.status == 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in done.out.splitlines()]
    image = Image.new("L", (len(lines[0]), 2 * len(lines)), 255)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            for half, dark in enumerate({" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}[character]):
                if dark:
                    image.putpixel((column, 2 * row + half), 0)
    out = BytesIO()
    image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST).save(out, "PNG")
    assert [found.content for found in qr.read(out.getvalue())] == ["IC1:ABC"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("IC1:ABC",), "cli.no_output"),
        (("IC1:ABC", "--out", "a.gif"), "cli.option"),
        (("IC1:abc", "--out", "a.png"), "qr.character"),
        (("A" * 5000, "--out", "a.png"), "qr.too_large"),
        ((" ", "--out", "a.png"), "text.empty"),
        (("A" * 200, "--out", "a.png", "--version", "1"), "qr.too_large"),
        (("IC1:ABC", "--out", "a.png", "--version", "41"), "cli.usage"),
        (("IC1:ABC", "--out", "none/a.png"), "file.unwritable"),
        (("none/a.txt", "--out", "a.png"), "cli.no_such_input"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], error: str
) -> None:
    """One error with its code, exit status 64, and no file."""
    monkeypatch.chdir(tmp_path)
    done = run(app, "qr", *options, "--json")
    assert (done.status, done.out) == (64, "")
    assert done.error["code"] == error
    assert list(tmp_path.iterdir()) == []


def test_lowest_level_is_warned_of(tmp_path: Path) -> None:
    """A text that only level L holds is drawn with a warning on standard error."""
    done = run(app, "qr", "A" * 4000, "--out", tmp_path / "a.png")
    assert done.status == 0
    assert done.err.startswith("warning: The code holds so much that only the lowest error correction (L) was left")
