"""The pictures of the portal in the documentation: whole, linked, and drawn by the tool."""

from __future__ import annotations

import re

from tools.portal_screens import FOLDER, pictures

PAGE = FOLDER.parent / "portal.md"


def test_the_folder_is_complete() -> None:
    """Each picture is in the folder and on the page, and no other is in either; together they stay below 5 MB."""
    wanted = {picture.file for picture in pictures()}
    assert {path.name for path in FOLDER.iterdir()} == wanted
    assert set(re.findall(r"\(portal-screens/([^)]+)\)", PAGE.read_text("utf-8"))) == wanted
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000


def test_each_page_is_seen_in_both_languages_and_themes() -> None:
    every = list(pictures())
    for name in {picture.name for picture in every}:
        mine = [picture for picture in every if picture.name == name]
        assert {picture.language for picture in mine} == {"en", "zh"}
        assert {picture.theme for picture in mine} == {"light", "dark"}
