"""Verdicts in a real Chromium: what stands on the first screen, at which size, in which form, in which font."""

from __future__ import annotations

import re
from io import BytesIO
from itertools import combinations, product

import numpy as np
from PIL import Image
from playwright.sync_api import Browser

from tests.kit.scan.browser import PHONE, SCREEN, Watched, watched
from tests.kit.scan.memory_desk import MemoryDesk
from tests.kit.scan.scenes import SCENES, Scene

#: One of each form and shape for what takes longer.
FEW = ("valid", "valid-test-no-photo", "revoked", "not_a_card", "status_stale")


#: Words and buttons that are not wholly within their panel or bar, or are broken into lines.
_CUT = """() => [...document.querySelectorAll("#held .word > span, #held .actions button")].filter(element => {
  const box = element.getBoundingClientRect();
  const frame = element.closest(".panel, .actions").getBoundingClientRect();
  const lines = box.height / parseFloat(getComputedStyle(element).fontSize);
  return box.left < frame.left || box.right > frame.right || element.scrollWidth > element.clientWidth + 1
    || (element.matches(".word > span") && lines > 1.5);
}).map(element => element.textContent)"""


#: The visible buttons in the colour of a primary one, by a selector each.
_PRIMARY = """() => {
  const probe = document.body.appendChild(document.createElement("button"));
  probe.className = "primary";
  const colour = getComputedStyle(probe).backgroundColor;
  probe.remove();
  return [...document.querySelectorAll("button, .button")]
    .filter(each => each.checkVisibility({ visibilityProperty: true }))
    .filter(each => getComputedStyle(each).backgroundColor === colour)
    .map(each => (each.matches(".start") ? ".start" : `#held [data-act="${each.dataset.act}"]`));
}"""


def shown(page: Watched, desk: MemoryDesk, url: str, scene: Scene, query: str = "") -> None:
    """Open the page under the scene's policy and show its code."""
    desk.world = scene.world
    page.page.goto(f"{url}?rule={scene.policy}{query}")
    page.show(scene.shown())


def inside(page: Watched, selector: str) -> bool:
    """Whether all elements are wholly on the screen, without scrolling and not under the bar at the bottom."""
    found: bool = page.page.evaluate(
        """selector => [...document.querySelectorAll(selector)].every(element => {
          const box = element.getBoundingClientRect();
          const bar = document.querySelector("#held .actions").getBoundingClientRect();
          const below = element.closest(".actions") ? innerHeight : bar.top;
          return box.height > 0 && box.top >= 0 && box.left >= 0
            && box.right <= innerWidth && box.bottom <= below + 0.5;
        })""",
        selector,
    )
    return found


def test_first_screen_of_a_phone(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """At 390 x 844 word, reason, order, photo, rows and button need no scrolling, and the panel leaves room for the
    photo; at 320 x 568 word to photo."""
    with watched(browser, url) as page:
        for name in ("valid", "valid-work", "valid-long-names", "valid-test-no-photo", "valid-lapsed"):
            shown(page, desk, url, SCENES[name])
            wanted = (
                "#held .word, #held .fact, #held .panel .order, #held .photo img, #held .row, #held .actions button"
            )
            assert inside(page, wanted), name
            panel: int = page.page.evaluate("document.querySelector('#held .panel').offsetHeight")
            assert panel <= 0.4 * 844, name
        for name in ("revoked", "malformed", "status_stale", "insurance_lapsed"):
            shown(page, desk, url, SCENES[name])
            assert inside(page, "#held .word, #held .fact, #held .order-below, #held .actions button"), name
        page.page.set_viewport_size({"width": 320, "height": 568})
        for language in ("en", "zh"):
            shown(page, desk, url, SCENES["valid"], f"&lang={language}")
            assert inside(page, "#held .word, #held .fact, #held .panel .order, #held .photo img"), language


def test_narrow_and_large_text(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """At 320 px, and at 200 % text, nothing scrolls sideways and no verdict's word is cut or broken, both languages."""
    with watched(browser, url) as page:
        for language, name in product(("en", "zh"), (*FEW, "valid-long-names", "insurance_lapsed")):
            shown(page, desk, url, SCENES[name], f"&lang={language}")
            for width, size in ((320, 100), (390, 200), (1280, 200)):
                page.page.set_viewport_size({"width": width, "height": 700})
                page.page.evaluate(f"document.documentElement.style.fontSize = '{size}%'")
                assert page.overflow() == 0, (name, language, width)
                assert page.page.evaluate(_CUT) == [], (name, language, width)


def test_told_apart_in_grey(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """In grey, on the screen and on paper, the three panels differ in more than shade: frame, sign and word, so that at
    least a tenth of their pixels are far apart once each is stretched to full contrast."""
    pictures: dict[str, list[np.ndarray]] = {"screen": [], "print": []}
    with watched(browser, url) as page:
        for media, kept in pictures.items():
            page.page.emulate_media(media=media)  # type: ignore[arg-type]
            for name in ("valid", "revoked", "status_stale"):
                shown(page, desk, url, SCENES[name])
                grey = (
                    Image.open(BytesIO(page.page.locator("#held .panel").screenshot())).convert("L").resize((200, 100))
                )
                values = np.asarray(grey, float)
                kept.append((values - values.min()) / (np.ptp(values) or 1))
    for media, kept in pictures.items():
        for one, other in combinations(kept, 2):
            assert (np.abs(one - other) > 0.5).mean() > 0.1, media


def test_frames_differ(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """On paper and with a system's own colours the frames differ by style: solid, double, dashed."""
    with watched(browser, url) as page:
        for how in ({"media": "print"}, {"media": "screen", "forced_colors": "active"}):
            page.page.emulate_media(**how)  # type: ignore[arg-type]
            styles = []
            for name in ("valid", "revoked", "status_stale"):
                shown(page, desk, url, SCENES[name])
                styles.append(
                    page.page.evaluate("getComputedStyle(document.querySelector('#held .panel')).borderTopStyle")
                )
            assert styles == ["solid", "double", "dashed"]


def test_chinese_is_chinese_and_digits_are_not(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """Chinese words are drawn from a font for simplified Chinese, the Latin digits beside them from another."""
    with watched(browser, url, viewport=SCREEN, locale="zh-CN") as page:
        shown(page, desk, url, SCENES["valid"])
        session = page.page.context.new_cdp_session(page.page)
        session.send("DOM.enable")
        session.send("CSS.enable")
        root = session.send("DOM.getDocument")["root"]["nodeId"]

        def fonts(selector: str) -> dict[str, float]:
            node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
            used = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
            return {font["familyName"]: font["glyphCount"] for font in used}

        word = fonts("#held .word")
        assert len(word) == 1
        assert re.search(r"CJK|YaHei|PingFang|Hei|Han", next(iter(word)))
        until = fonts("#held .row .until")
        assert len(until) == 2
        latin = [name for name in until if name not in word]
        # 2028, 4, 30
        assert until[latin[0]] >= 7


def test_one_primary_button(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """Every state has one primary button, of at least 48 px and alone in its colour, on telephones and screens; once
    there is an answer it is in the lower half of a telephone, and what has the focus is never under the bar."""
    with watched(browser, url) as page:
        for viewport in (PHONE, SCREEN):
            page.page.set_viewport_size(viewport)  # type: ignore[arg-type]
            page.page.goto(url)
            assert page.page.evaluate(_PRIMARY) == [".start"]
            for name in FEW:
                shown(page, desk, url, SCENES[name])
                (primary,) = page.page.evaluate(_PRIMARY)
                box = page.page.locator(primary).bounding_box()
                assert box is not None
                assert box["height"] >= 48
                assert viewport is SCREEN or box["y"] > viewport["height"] / 2
        page.page.set_viewport_size({"width": 320, "height": 480})
        shown(page, desk, url, SCENES["valid"])
        page.page.focus("#held summary")
        page.page.keyboard.press("Enter")
        page.page.locator("#held summary").focus()
        assert inside(page, "#held summary")
