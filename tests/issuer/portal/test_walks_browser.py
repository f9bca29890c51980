"""Every page walked as its user: by role, in both languages and themes, on a screen and on a telephone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.kit.portal import Town
from tests.kit.scan.browser import PHONE, SCREEN, Watched
from tests.kit.walked_pages import PAGES, STATES, STRANGERS, USERS, paths_of

Visiting = Callable[..., Watched]
Looks = dict[str, list[tuple[Any, Any]]]
FURNISHED = True

#: By language, sizes and themes: each pair of size, theme and language occurs; soak walks all eight.
LOOKS: Looks = {
    "zh": [(PHONE, "light"), (SCREEN, "dark")],
    "en": [(PHONE, "dark"), (SCREEN, "light")],
}
NARROW: Any = {"width": 320, "height": 568}
ALL: Looks = {
    language: [(size, theme) for size in (PHONE, SCREEN) for theme in ("light", "dark")] for language in LOOKS
}
#: Names that only programs use: a state in capitals, a code of an error, a name that was put together and has no words.
_RAW = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  const raw = /\\b(?:STATES)\\b|\\b[a-z]{3,}\\.[a-z]+_[a-z_]+\\b|\\b(?:undefined|NaN)\\b/;
  while (walker.nextNode()) {
    const free = walker.currentNode.parentElement.closest("bdi, .code, option, textarea, script");
    if (!free && raw.test(walker.currentNode.data)) found.push(walker.currentNode.data.trim());
  }
  return found;
}""".replace("STATES", "|".join(sorted(STATES)))
#: What is on an English page and outside of what has its own language or comes from a record.
_STRAYS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    const free = parent.closest("bdi, [lang=zh-Hans], option, textarea, script");
    if (!free && /[\\u4e00-\\u9fff]/.test(walker.currentNode.data))
      found.push(walker.currentNode.data.trim());
  }
  return found;
}"""


def look(page: Watched, where: str, language: str, sizes: list[tuple[Any, Any]], axe: set[int]) -> None:
    """What holds on every page, for the one that is open: one heading, its language alone, nothing that scrolls
    sideways, also at the narrowest, and no serious fault.

    Args:
        axe: in which of the sizes axe-core looks at it.
    """
    assert page.page.locator("h1").count() == 1, where
    assert page.page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-Hans"}[language], where
    if language == "en":
        assert page.page.evaluate(_STRAYS) == [], where
    assert page.page.evaluate(_RAW) == [], where
    page.page.set_viewport_size(NARROW)
    assert page.overflow() == 0, f"{where} {NARROW['width']}"
    for number, (size, theme) in enumerate(sizes):
        page.page.set_viewport_size(size)
        page.page.emulate_media(color_scheme=theme)
        seen = f"{where} {size['width']} {theme}"
        assert page.overflow() == 0, seen
        if number in axe:
            assert page.faults() == [], seen


def walk(page: Watched, made: Town, paths: Sequence[str], who: str, looks: Looks, every: bool) -> None:
    """Walk pages in each look; axe-core looks at every page once, or in every look."""
    turns = itertools.cycle(range(sum(map(len, looks.values()))))
    for path in paths:
        turn = next(turns)
        for language, sizes in looks.items():
            address = made.path(path)
            answer = page.page.goto(address + ("&" if "?" in address else "?") + f"lang={language}")
            where = f"{who} {path} {language}"
            assert answer is not None, where
            assert answer.status == 200, where
            look(page, where, language, sizes, set(range(len(sizes))) if every else {turn})
            turn -= len(sizes)


@pytest.mark.slow
@pytest.mark.parametrize("role", PAGES)
def test_pages_of_a_role(visiting: Visiting, served: Town, role: str) -> None:
    """Each page of a role answers, fits, has one heading, no stray Chinese in English, and no serious fault."""
    walk(visiting("", USERS.get(role, role)), served, paths_of(role), role, LOOKS, False)


@pytest.mark.soak
@pytest.mark.parametrize("role", PAGES)
def test_pages_of_a_role_in_all_eight_views(visiting: Visiting, served: Town, role: str) -> None:
    """The same in every size, theme and language, with axe-core each time."""
    walk(visiting("", USERS.get(role, role)), served, paths_of(role), role, ALL, True)


def test_pages_for_whoever_is_not_logged_in(visiting: Visiting, served: Town) -> None:
    walk(visiting(), served, STRANGERS, "nobody", LOOKS, False)


@pytest.mark.soak
def test_pages_for_whoever_is_not_logged_in_in_all_eight_views(visiting: Visiting, served: Town) -> None:
    walk(visiting(), served, STRANGERS, "nobody", ALL, True)


@pytest.mark.parametrize("role", ["holder", "administrator"])
def test_first_page_fits_the_narrowest_telephone(visiting: Visiting, served: Town, role: str) -> None:
    """At 320 pixels nothing scrolls sideways."""
    page = visiting("", role, viewport=NARROW)
    assert page.overflow() == 0
    page.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.overflow() == 0


def test_holder_sees_the_code_and_the_state_without_scrolling(visiting: Visiting) -> None:
    """On a telephone the state, the whole code and the name are on the first screen."""
    page = visiting("?lang=en", "holder", viewport=PHONE)
    assert page.text(".face .tag") == "In force"
    for part in (".face .tag", ".face .qr img", ".face .who b"):
        box = page.page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= PHONE["height"], part
