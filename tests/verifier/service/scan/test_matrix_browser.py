"""Every verdict and every other state, in both languages, by day and by night, on a screen and two telephones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Browser

from icard_crypto.errors import Language
from tests.kit.scan.browser import Watched, forgive, watched
from tests.kit.scan.memory_desk import MemoryDesk, SeenCode
from tests.kit.scan.scenes import SCENES
from tests.kit.scan.states import STATES
from tests.verifier.service.scan.test_view import verdict_of
from verifier.service.scan.view import answer
from verifier.service.scan.words import LANGUAGES, Words

SIZES: tuple[Any, ...] = ({"width": 1280, "height": 800}, {"width": 390, "height": 844}, {"width": 320, "height": 568})
THEMES: tuple[Any, ...] = ("light", "dark")
#: What is not wholly on the first screen, of the signs and words of the first answer.
_BELOW = """() => {
  const first = [...document.querySelectorAll("#held .panel .sign svg, #held .panel .word")].slice(0, 2);
  return first.filter(element => {
    const box = element.getBoundingClientRect();
    return !box.height || box.top < 0 || box.left < 0 || box.right > innerWidth || box.bottom > innerHeight;
  }).map(element => element.outerHTML);
}"""


_LOOKS = list(product(SIZES, THEMES))
#: What takes longest, axe-core, looks at all six looks of each in ``make soak``, and at one in turn elsewhere.
FULL = pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.soak)])
LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def looks(page: Watched, name: str, number: int, *, full: bool) -> Iterator[str]:
    """The page in each size and theme, and nothing too wide in any; axe-core finds no serious fault."""
    for turn, (size, theme) in enumerate(_LOOKS):
        page.page.set_viewport_size(size)
        page.page.emulate_media(color_scheme=theme)
        look = f"{name} {size['width']} {theme}"
        assert page.overflow() == 0, look
        if full or turn == number % len(_LOOKS):
            assert page.faults() == [], look
        yield look


@FULL
@LANGUAGE
def test_every_verdict(browser: Browser, desk: MemoryDesk, url: str, language: Language, full: bool) -> None:
    """Each verdict shows its sign and its word in the chosen language on the first screen, the person only where the
    card is authentic, the test band only in tests, in every size and theme."""
    with watched(browser, f"{url}?lang={language}") as page:
        for number, (name, scene) in enumerate(SCENES.items()):
            desk.world = scene.world
            if page.answered():
                page.dismiss()
            page.page.select_option("#rule", scene.policy)
            page.show(scene.shown())
            assert page.outcome() == scene.outcome, name
            wanted = answer(SeenCode("k", verdict_of(name)), Words(language)).word
            assert page.text("#held .word").split() == wanted.upper().split()
            held = page.text("#held")
            assert ("VOGEL" in held or "HOHENLOHE" in held) == (verdict_of(name).card is not None), name
            assert "example" not in page.page.content()
            assert page.page.locator("#held .chip").count() == int(scene.test), name
            for look in looks(page, name, number, full=full):
                assert page.page.evaluate(_BELOW) == [], look
                assert page.page.locator(".band-top").is_visible() == scene.test, look


@FULL
@LANGUAGE
def test_every_other_state(browser: Browser, desk: MemoryDesk, url: str, language: Language, full: bool) -> None:
    """Before a scan, while scanning, without an answer: each in every size and theme."""
    for number, (name, state) in enumerate(STATES.items()):
        desk.world = SCENES["valid"].world if state.knowing else None
        with watched(browser, f"{url}?lang={language}", script=state.script) as page:
            state.bring(desk, page)
            assert page.answered() == state.answered, name
            for look in looks(page, name, number, full=full):
                assert page.page.evaluate(_BELOW) == [], look
            forgive(page, state.complaints)
