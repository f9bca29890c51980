"""Every component, in both languages and themes, on a screen and on telephones, with large text and at 200 %."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from tests.kit.scan.browser import Watched

SIZES: tuple[Any, ...] = ({"width": 1280, "height": 900}, {"width": 390, "height": 844}, {"width": 320, "height": 568})
THEMES: tuple[Any, ...] = ("light", "dark")
Visiting = Callable[..., Watched]


#: What takes longest, axe-core, looks at all looks in ``make soak``, and at two of each language elsewhere.
FULL = pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.soak)])


@FULL
@pytest.mark.parametrize("language", ["en", "zh"])
def test_gallery_has_no_serious_fault_and_no_sideways_scroll(visiting: Visiting, language: str, full: bool) -> None:
    """axe-core finds nothing serious, and nothing is too wide, in any size and theme."""
    page = visiting(f"gallery?lang={language}")
    assert page.page.locator("section.group").count() >= 18
    for number, (size, theme) in enumerate(product(SIZES, THEMES)):
        page.page.set_viewport_size(size)
        page.page.emulate_media(color_scheme=theme)
        assert page.overflow() == 0, (size, theme)
        if full or number in ((0, 3) if language == "en" else (1, 2)):
            assert page.faults() == [], (size, theme)


def test_gallery_fits_at_double_text_size_and_in_forced_colours(visiting: Visiting) -> None:
    """At 200 % text nothing is cut off sideways; with forced colours nothing disappears."""
    page = visiting("gallery?lang=en")
    for size in SIZES:
        page.page.set_viewport_size(size)
        page.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.overflow() == 0, size
    page.page.emulate_media(forced_colors="active")
    assert page.page.locator(".tag-bad").first.evaluate("tag => getComputedStyle(tag).borderTopWidth") == "1px"


def test_larger_text_stays_chosen(visiting: Visiting) -> None:
    """The choice of larger text goes along to other pages, and can be taken back."""
    page = visiting("log-in?lang=zh")
    assert page.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "16px"
    page.page.get_by_role("link", name="大字版").click()
    page.page.get_by_role("link", name="帮助").click()
    assert page.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    page.page.get_by_role("link", name="标准字号").click()
    assert page.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "16px"


def test_code_on_the_card_has_whole_pixels_for_each_module(visiting: Visiting) -> None:
    """The picture's side is a whole multiple of its modules, at 390 and at 1280 pixels."""
    page = visiting("gallery")
    for size in SIZES[:2]:
        page.page.set_viewport_size(size)
        side, modules = page.page.eval_on_selector(
            ".face .qr img", "image => [image.getBoundingClientRect().width, image.naturalWidth]"
        )
        assert side % modules == 0
        assert side >= 2 * modules


def test_table_keeps_its_roles_and_labels_on_a_telephone(visiting: Visiting) -> None:
    """Rows that have become blocks still are rows of a table, each value with its label before it."""
    page = visiting("gallery?lang=en")
    table = page.page.locator("#tables table")
    assert table.get_by_role("row").count() == 4
    cell = table.locator("td").first
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Kind"'
    assert cell.evaluate("cell => getComputedStyle(cell).display") == "grid"


def test_hostile_name_stays_text_and_in_its_place(visiting: Visiting) -> None:
    """Markup in a name is shown as typed, and a direction override ends with its own cell."""
    page = visiting("gallery?lang=en")
    assert page.page.locator("#tables b", has_text="John").count() == 0
    assert "<b>John</b>" in page.text("#tables table")
    assert page.page.locator("#tables tbody tr").nth(2).locator("bdi").count() == 6
