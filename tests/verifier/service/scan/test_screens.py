"""The pictures of the page in the documentation: whole, linked, and drawn by the tool."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.kit.scan.scenes import SCENES
from tests.kit.scan.states import STATES
from tools.screens import FOLDER, draw, pictures

PAGE = FOLDER.parent / "scan-page.md"


def test_the_folder_is_complete() -> None:
    """Each picture is in the folder and on the page, and no other is in either; together they stay below 4 MB."""
    wanted = {picture.file for picture in pictures()}
    assert {path.name for path in FOLDER.iterdir()} == wanted
    assert set(re.findall(r"\(screens/([^)]+)\)", PAGE.read_text("utf-8"))) == wanted
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 4_000_000


def test_each_is_seen_in_both_ways() -> None:
    """Each verdict and state is there in both languages, in both themes and at both sizes; each size has each pair of
    language and theme."""
    every = list(pictures())
    assert {picture.name for picture in every} == {*SCENES, *STATES}
    for name in {picture.name for picture in every}:
        mine = [picture for picture in every if picture.name == name]
        assert {picture.width for picture in mine} == {390, 1280}
        assert {picture.language for picture in mine} == {"en", "zh"}
        assert {picture.theme for picture in mine} == {"light", "dark"}
    assert len({(picture.width, picture.language, picture.theme) for picture in every}) == 8


@pytest.mark.slow
def test_the_tool_draws(tmp_path: Path) -> None:
    """Two pictures are drawn at their sizes, and what is none of them goes."""
    (tmp_path / "old.png").write_bytes(b"")
    wanted = [picture for picture in pictures() if picture.name == "valid"]
    draw(tmp_path, wanted)
    assert {path.name for path in tmp_path.iterdir()} == {picture.file for picture in wanted}
    assert [Image.open(tmp_path / picture.file).width for picture in wanted] == [390, 1280]
