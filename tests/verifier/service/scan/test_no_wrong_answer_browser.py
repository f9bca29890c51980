"""What must never happen at a gate, in a real Chromium: an old answer beside a new card, an answer dismissed before
anybody saw it, a scan that is lost or changes the rule."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.kit.scan.browser import SCREEN, Watched
from tests.kit.scan.memory_desk import MemoryDesk
from tests.kit.scan.scenes import SCENES, codes_in, reference_name
from tests.kit.scan.states import BLIND_READER
from tests.kit.trust_domain import DAY, HOUR, NOW, World

NAME = reference_name()
#: What stands on the screen in the first two frames after something was pasted.
_NEXT_FRAMES = """text => new Promise(done => {
  const transfer = new DataTransfer();
  transfer.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
  requestAnimationFrame(() => done([document.getElementById("held").innerText, document.title,
    document.querySelectorAll("#held .panel-valid, #held img, #held [data-outcome]").length]));
})"""


@pytest.mark.parametrize("width", [390, 1280])
def test_previous_answer_leaves_in_the_frame_in_which_a_new_code_comes(
    desk: MemoryDesk, opened: Callable[..., Watched], width: int
) -> None:
    """While the service is asked about the next code nothing of the answer before it is on the screen or in the
    title, and no press can throw the check away by confirming it."""
    page = opened()
    page.page.set_viewport_size({"width": width, "height": 844})
    page.show(SCENES["valid"].shown())
    desk.gate = threading.Event()
    text, title, left = page.page.evaluate(_NEXT_FRAMES, SCENES["not_a_card"].shown())
    assert NAME not in text
    assert left == 0
    assert "Checking a new code" in text
    assert not title.startswith("Valid")
    assert page.page.locator('#held [data-act="no-match"]').count() == 0
    assert page.page.get_by_text("Face matches").count() == 0
    desk.gate.set()
    page.page.wait_for_selector('#held [data-outcome="INVALID"]')


def test_previous_answer_leaves_for_a_picture_and_a_scan(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A picture and a hand scanner's burst replace it as a pasted text does; Esc gives the check up."""
    page = opened()
    picture = codes_in("HTTPS://EXAMPLE.COM/")
    gives: tuple[Callable[[], None], ...] = (
        lambda: page.page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": picture}),
        lambda: page.page.keyboard.type("HTTPS://EXAMPLE.COM/ A B C"),
    )
    for give in gives:
        desk.gate = None
        page.show(SCENES["valid"].shown())
        desk.gate = threading.Event()
        give()
        expect(page.page.locator("#held .pending")).to_be_visible()
        assert NAME not in page.page.content()
        desk.gate.set()
        page.page.wait_for_selector('#held [data-outcome="INVALID"]')
        page.dismiss()
    desk.gate = None
    page.show(SCENES["valid"].shown())
    desk.gate = threading.Event()
    page.paste(SCENES["not_a_card"].shown())
    page.page.wait_for_selector("#held .pending")
    page.dismiss()
    desk.gate.set()
    expect(page.page.locator("#held")).to_be_empty()


@pytest.mark.parametrize("selector", ["#rule", "#set-sound", "#set-next"])
def test_scan_into_a_list_is_taken_and_changes_nothing(
    desk: MemoryDesk, opened: Callable[..., Watched], selector: str
) -> None:
    """With the focus on any list a hand scanner's code gets its answer under the rule that was chosen."""
    page = opened("?lang=en&rule=gate", script=BLIND_READER)
    page.page.set_viewport_size(SCREEN)  # type: ignore[arg-type]
    if selector != "#rule":
        page.page.click(".settings summary")
    page.page.focus(selector)
    chosen = page.page.input_value(selector)
    address = page.page.url
    page.scan(SCENES["valid"].shown(), "VALID")
    assert page.page.input_value(selector) == chosen
    assert page.page.url == address
    assert page.page.evaluate("document.body.dataset.rule") == "gate"


def test_scan_is_taken_wherever_the_focus_is(opened: Callable[..., Watched]) -> None:
    """Over everything on the page that can have the focus, before an answer and beside one."""
    page = opened("?lang=en", script=BLIND_READER)
    page.page.set_viewport_size(SCREEN)  # type: ignore[arg-type]
    page.page.click(".settings summary")
    count: int = page.page.evaluate(f"{_FOCUSABLE}.length")
    assert count >= 12
    for place in range(count):
        page.page.evaluate(f"{_FOCUSABLE}[{place}].focus()")
        page.scan("IC1:ABCDEF", "INVALID")
        assert page.page.evaluate("document.body.dataset.input") == "ready"
        # Esc closes the menu first.
        page.page.evaluate("document.querySelector('.settings').open = false")
        page.dismiss()
        page.page.evaluate("document.querySelector('.settings').open = true")


_FOCUSABLE = """[...document.querySelectorAll("a, button, input, select, summary")].filter(each =>
each.checkVisibility({
  visibilityProperty: true }) && each.type !== "hidden" && each.getBoundingClientRect().width > 0)"""


@pytest.mark.parametrize("after", [50, 150, 300, 500])
def test_second_tap_leaves_the_next_answer_on_the_screen(
    desk: MemoryDesk, opened: Callable[..., Watched], after: int
) -> None:
    """A second tap 50 to 500 ms after a refusal was drawn under the same finger does not dismiss it; neither does Enter
    or Esc; a tap after that does."""
    page = opened(script=BLIND_READER)
    page.page.click(".start")
    page.page.wait_for_selector('body[data-input="scanning"]')
    page.page.evaluate("code => window.inView = [code]", SCENES["valid"].shown())
    page.page.wait_for_selector('#held [data-outcome="VALID"]')
    page.page.wait_for_selector("#held .actions:not([inert])")
    box = page.page.locator('#held [data-act="next"]').bounding_box()
    assert box is not None
    page.page.evaluate("window.inView = ['https://example.com']")
    # Taps at the same spot, timed in the page itself: after the refusal was drawn.
    page.page.evaluate(
        """([x, y, after]) => new MutationObserver((_, observer) => {
          if (!document.querySelector('#held [data-outcome="INVALID"]')) return;
          observer.disconnect();
          setTimeout(() => {
            document.elementFromPoint(x, y)?.click();
            document.querySelector('#held [data-act="next"]').click();
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
            window.tapped = true;
          }, after);
        }).observe(document.getElementById("held"), {childList: true})""",
        [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, after],
    )
    page.page.click('[data-act="next"]')
    page.page.wait_for_function("() => window.tapped")
    assert page.outcome() == "INVALID"
    page.page.evaluate("window.inView = []")
    page.page.click('[data-act="next"]')
    assert not page.answered()


def test_refusals_button_is_not_where_the_green_ones_is(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """On a telephone what dismisses a red or amber answer lies nowhere under the button that confirms a green one."""
    page = opened()
    places = {}
    for name in ("valid", "revoked", "not_a_card", "status_stale", "clock_unreliable", "not_disclosed", "expired"):
        desk.world = SCENES[name].world
        page.page.goto(f"{page.page.url.partition('?')[0]}?lang=en&rule={SCENES[name].policy}")
        page.show(SCENES[name].shown())
        places[name] = page.page.locator('#held [data-act="next"]').bounding_box()
    green = places.pop("valid")
    assert green is not None
    for name, box in places.items():
        assert box is not None
        apart = (
            box["x"] + box["width"] <= green["x"]
            or green["x"] + green["width"] <= box["x"]
            or box["y"] + box["height"] <= green["y"]
            or green["y"] + green["height"] <= box["y"]
        )
        assert apart, name


def test_old_list_has_no_tick_and_one_age(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """Under the rule that takes older lists, a list of 15 days is told by its own time, without a tick, the same age
    before and after the scan, and the panel says that older lists were accepted."""
    desk.world = World(environment="production", status_iat=NOW - 15 * DAY)
    page = opened("?lang=en&rule=offline")
    before = page.text("#age")
    page.show(SCENES["valid"].shown())
    assert page.outcome() == "VALID"
    assert before == "Lists updated 15 days ago"
    assert page.text("#held .age").startswith(before)
    assert page.page.locator("#held .row-tick").count() == 0
    assert "list of 23 Oct" in page.text("#held .row")
    assert "live" not in page.text("#held").lower()
    assert page.text("#held .chip-weak").lower() == "older lists accepted"


def test_rule_can_be_fixed_by_its_operator(opened: Callable[..., Watched]) -> None:
    """With ``fixed=1`` the address's rule stands there as a word and there is no list to change it."""
    page = opened("?lang=en&rule=inspection&fixed=1", script=BLIND_READER)
    assert page.page.locator("select#rule").count() == 0
    assert "Inspection" in page.text(".rule")
    page.show(SCENES["valid"].shown())
    assert page.outcome() == "INDETERMINATE"
    assert page.page.get_attribute('.languages a[lang="zh-Hans"]', "href") == "./?lang=zh&rule=inspection&fixed=1"


def test_bad_last_known_state_is_said_in_the_panel(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A stale list whose entry says suspended says so in the panel, also on a small telephone, and nobody says that
    it is not the holder's fault; an innocent one does."""
    suspended = SCENES["status_stale-suspended"]
    desk.world = suspended.world
    page = opened("?lang=en")
    page.page.set_viewport_size({"width": 360, "height": 640})
    page.show(suspended.shown())
    warning = page.page.locator("#held .panel .last-known")
    assert warning.inner_text() == "Last known: SUSPENDED on 6 Nov 2026. Do not accept until updated."
    box = warning.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 500
    assert "fault" not in page.text("#held")
    page.dismiss()
    assert suspended.world is not None
    desk.world = replace(suspended.world, entry=0, status_iat=NOW - 26 * HOUR)
    page.show(SCENES["status_stale"].shown())
    assert page.page.locator("#held .last-known").count() == 0
    assert "not the holder's fault" in page.text("#held")
