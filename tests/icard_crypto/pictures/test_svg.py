"""SVG as icard draws it is read back; anything else that calls itself SVG is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from icard_crypto.pictures.svg import drawn, is_svg
from tests.kit import pictures
from tests.kit.cli import NOW, run, trusted_file
from tests.kit.trust_domain import code
from verifier.cli.commands import app

TEXT = pictures.card_text(417)
SVG = qr.draw_svg(TEXT, title="Card <of> A&B")


@pytest.mark.parametrize("text", ["IC1:A", TEXT, pictures.card_text(2900)], ids=["short", "usual", "largest"])
@pytest.mark.parametrize("before", ["", "\ufeff", '<?xml version="1.0" encoding="UTF-8"?>\n'])
def test_own_drawing_is_read(text: str, before: str) -> None:
    """Of every size, whatever an editor or a mail program put in front."""
    data = (before + qr.draw_svg(text)).encode()
    assert is_svg(data)
    assert [each.content for each in qr.read(data)] == [text]


def test_a_command_reads_what_a_command_drew(tmp_path: Path) -> None:
    """``icard qr --out card.svg`` and ``icard verify card.svg``; in a folder too."""
    text = code()
    assert run(app, "qr", text, "--out", tmp_path / "card.svg").status == 0
    options = ("--trusted", trusted_file(tmp_path), "--now", NOW, "--policy", "unsafe_no_status")
    assert run(app, "verify", tmp_path / "card.svg", *options).status == 0
    (tmp_path / "cards").mkdir()
    (tmp_path / "card.svg").rename(tmp_path / "cards" / "a.svg")
    assert run(app, "verify", tmp_path / "cards", *options).status == 0


@pytest.mark.parametrize(
    "data",
    [
        "<svg></svg>",
        SVG.replace('viewBox="0 0 ', 'viewBox="0 1 '),
        SVG.replace("</svg>", SVG[SVG.rindex("<path") :]),
        '<svg viewBox="0 0 999 999"><path stroke="#000" d="M1 1.5h1"/></svg>',
        '<svg viewBox="0 0 99 99"><image href="file:///etc/passwd"/></svg>',
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>',
        SVG + " " * 2**20,
    ],
    ids=["empty", "view", "two symbols", "large", "reference", "entity", "long"],
)
def test_another_svg_is_refused_by_name(data: str) -> None:
    """Nothing of it is interpreted."""
    with pytest.raises(DecodeError) as caught:
        qr.read(data.encode())
    assert caught.value.code == "picture.not_a_picture"


def test_strokes_beyond_the_view_take_no_memory() -> None:
    """They are cut off."""
    image = drawn(b'<svg viewBox="0 0 21 21"><path stroke="#000" d="M20 20.5h999M999 999.5h999"/></svg>')
    assert image.size == (84, 84)
    assert image.getpixel((83, 83)) == 0
