"""What happens on the page: hand scanner, pictures, what is forgotten and when, in a real Chromium."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from icard_crypto import qr
from tests.kit.scan.browser import Watched, forgive
from tests.kit.scan.memory_desk import MemoryDesk
from tests.kit.scan.scenes import SCENES, codes_in, reference_name
from tests.kit.scan.states import BLIND_READER
from tests.kit.trust_domain import World
from verifier.runtime.http import Problem

NAME = reference_name()
#: Where the focus is in the order of the document (0: nowhere), whether that is seen, and its ring.
_FOCUSED = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return [0, true, ""];
  const place = [...document.querySelectorAll("*")].indexOf(focused);
  return [place, focused.getBoundingClientRect().height > 0, getComputedStyle(focused).outlineStyle];
}"""
#: Remembers vibrations and counts tones.
_COUNTED = """
  navigator.vibrate = rhythm => { (window.shaken ??= []).push(rhythm); return true; };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...all) {
    window.tones = (window.tones ?? 0) + 1;
    start.apply(this, all);
  };
"""
_GONE = """url => new Promise(done => {
  const image = new Image();
  image.onload = () => done(false);
  image.onerror = () => done(true);
  image.src = url;
})"""


def test_a_hand_scanner_types(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A burst is taken wherever the focus is and its Enter presses nothing; a new one replaces the answer; slow typing
    of a person is no burst; in the code's own field it works too and leaves nothing there."""
    page = opened(script=BLIND_READER)
    page.page.focus(".start")
    page.scan(SCENES["valid"].shown(), "VALID")
    assert page.page.evaluate("document.body.dataset.input") == "ready"
    page.scan("HTTPS://EXAMPLE.COM/ A B C", "INVALID")
    page.dismiss()
    expect(page.page.locator("#say")).to_have_text("Ready for the next scan")
    before = len(desk.asked)
    page.page.locator("body").focus()
    page.page.keyboard.type("ABCDEFGHIJ", delay=60)
    assert len(desk.asked) == before
    page.page.click('[data-do="type"]')
    page.scan(SCENES["valid"].shown(), "VALID")
    assert page.page.input_value("#code") == ""


def test_an_input_method_is_named(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """Full-width characters are not repaired in silence: the page says to switch the input method."""
    page = opened()
    page.page.click('[data-do="type"]')
    page.page.keyboard.insert_text("ＩＣ１：")
    expect(page.page.locator("#code-error")).to_contain_text("Switch the keyboard to English")
    assert page.page.input_value("#code") == ""
    assert desk.asked == []


def test_a_picture_with_several_codes(opened: Callable[..., Watched]) -> None:
    """A chosen picture with two codes gives a list, worst first, without a joint colour; one without a code a note."""
    page = opened()
    picture = codes_in(SCENES["valid"].shown(), "HTTPS://EXAMPLE.COM/")
    page.page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": picture})
    page.page.wait_for_selector("#held .several")
    outcomes = page.page.locator("#held article").evaluate_all("all => all.map(each => each.dataset.outcome)")
    assert outcomes == ["INVALID", "VALID"]
    expect(page.page.locator("#held h1")).to_be_focused()
    assert page.faults() == []
    page.dismiss()
    page.page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.page.locator("#held h1")).to_have_text("This file is not a picture we can read.")
    assert page.page.locator("#held .panel").count() == 0
    forgive(page, ["422"])


def test_a_picture_dropped_and_pasted(opened: Callable[..., Watched]) -> None:
    """A picture that is dropped or pasted anywhere is checked."""
    page = opened()
    picture = list(qr.draw_png(SCENES["valid"].shown()))
    for event in ("drop", "paste"):
        page.page.evaluate(
            """([kind, bytes]) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([new Uint8Array(bytes)], "card.png", {type: "image/png"}));
              const event = kind === "drop"
                ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true})
                : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
              document.body.dispatchEvent(event);
            }""",
            [event, picture],
        )
        page.page.wait_for_selector('#held [data-outcome="VALID"]')
        page.dismiss()


def test_a_text_from_the_clipboard(opened: Callable[..., Watched]) -> None:
    """The button for pasting checks what the clipboard holds; where it may not be read, the field for a text opens."""
    page = opened()
    page.page.evaluate("() => { navigator.clipboard.readText = () => Promise.reject(new DOMException()); }")
    page.page.click('[data-do="paste"]')
    expect(page.page.locator("#code")).to_be_focused()
    page.page.evaluate("code => { navigator.clipboard.readText = async () => code; }", SCENES["valid"].shown())
    page.page.click('[data-do="paste"]')
    page.page.wait_for_selector('#held [data-outcome="VALID"]')


def test_a_service_that_is_slow(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A check that takes longer is said to be going on; after five seconds there is no answer, which is no verdict."""
    desk.gate = threading.Event()
    page = opened()
    page.paste(SCENES["valid"].shown())
    expect(page.page.locator("#say")).to_have_text("Checking …")
    page.page.wait_for_selector('#held [data-outcome="NONE"]')
    desk.gate.set()
    page.page.click('[data-act="again"]')
    page.page.wait_for_selector('#held [data-outcome="VALID"]')


def test_personal_data_go(opened: Callable[..., Watched]) -> None:
    """After 30 s a green answer is gone, with a countdown from ten; any key restarts it; a red one stays without name
    and details."""
    page = opened(clock=True)
    page.show(SCENES["valid"].shown())
    page.page.clock.run_for(21_000)
    assert "Personal details will clear in" in page.text("#held .countdown")
    page.page.keyboard.press("Shift")
    page.page.clock.run_for(25_000)
    assert NAME in page.page.content()
    page.page.clock.run_for(6_000)
    assert NAME not in page.page.content()
    assert not page.answered()
    assert page.text("#say") == "Result cleared. Nothing was stored."


def test_a_refusal_waits_without_the_person(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A red answer waits for someone, automatic next or not; after the time the name has gone from it."""
    desk.world = SCENES["revoked"].world
    page = opened("?next=8", clock=True)
    page.show(SCENES["revoked"].shown())
    assert NAME in page.page.content()
    page.page.clock.run_for(31_000)
    assert page.outcome() == "INVALID"
    assert NAME not in page.page.content()
    assert page.page.locator("#held details").count() == 0


def test_an_age_that_is_not_known_is_not_told(opened: Callable[..., Watched]) -> None:
    """The age of the lists is asked for every minute; while the service is away the page does not tell the old one."""
    page = opened(clock=True)
    assert page.text("#age") == "Lists updated 1 h ago"
    page.page.route("**/age?*", lambda route: route.abort())
    page.page.clock.run_for(61_000)
    expect(page.page.locator("#age")).to_have_text("The service did not respond: the age of the lists is unknown.")
    page.page.unroute("**/age?*")
    page.page.clock.run_for(61_000)
    expect(page.page.locator("#age")).to_have_text("Lists updated 1 h ago")
    forgive(page, ["ERR_FAILED"])


@pytest.mark.parametrize("how", ["hidden", "pagehide"])
def test_nothing_stays_when_the_page_is_left(opened: Callable[..., Watched], how: str) -> None:
    """Hidden, locked or left, the answer goes at once and its photo with it; nothing is in any storage."""
    page = opened()
    page.show(SCENES["valid"].shown())
    photo = page.page.get_attribute("#held .photo img", "src")
    assert photo is not None
    assert photo.startswith("blob:")
    page.leave(how)
    assert not page.answered()
    assert NAME not in page.page.content()
    assert page.page.evaluate(_GONE, photo)
    forgive(page, ["blob:", "ERR_FILE_NOT_FOUND"])
    kept = page.page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, document.cookie, (await caches.keys()).length,"
        " (await indexedDB.databases()).length]"
    )
    assert kept == [0, 0, "", 0, 0]


def test_the_face_does_not_match(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """No match turns the pane to the form of a refusal, without the person; nothing is sent."""
    page = opened()
    page.show(SCENES["valid"].shown())
    sent = list(desk.asked)
    page.page.click('[data-act="no-match"]')
    assert page.text("#held .word").lower() == "not the holder"
    assert page.page.locator("#held .panel-invalid").count() == 1
    assert NAME not in page.page.content()
    assert page.page.locator("#held img").count() == 0
    expect(page.page.locator("#held h1")).to_be_focused()
    assert desk.asked == sent
    assert page.faults() == []
    page.page.click('[data-act="next"]')
    assert not page.answered()


def test_no_answer_is_no_verdict(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A service that is busy or gone gives the amber form, never red, and the same code can be tried again."""
    page = opened()
    desk.broken = Problem("http.overloaded", headers={"Retry-After": "1"})
    page.show(SCENES["valid"].shown())
    assert (page.outcome(), page.text("#held .word").lower()) == ("NONE", "not checked")
    assert "busy" in page.text("#held .fact")
    assert page.page.locator("#held .panel-open").count() == 1
    assert page.faults() == []
    page.page.route("**/answer?*", lambda route: route.abort())
    page.page.click('[data-act="again"]')
    expect(page.page.locator("#held .fact")).to_have_text("The service did not respond.")
    page.page.unroute("**/answer?*")
    desk.broken = None
    page.page.click('[data-act="again"]')
    page.page.wait_for_selector('#held [data-outcome="VALID"]')
    forgive(page, ["503", "ERR_FAILED"])


def test_update_and_check_again(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """From stale lists the button fetches new ones and checks the same code again; where the service cannot, it says
    so."""
    desk.world, desk.after_update = SCENES["status_stale"].world, World(environment="production")
    page = opened()
    page.show(SCENES["status_stale"].shown())
    assert page.outcome() == "INDETERMINATE"
    page.page.click('[data-act="update"]')
    page.page.wait_for_selector('#held [data-outcome="VALID"]')
    expect(page.page.locator("#age")).to_contain_text("updated 1 h ago")
    assert desk.asked == ["text", "update", "text"]


def test_automatic_next(opened: Callable[..., Watched]) -> None:
    """Where it is chosen, and after VALID only, the next scan begins by itself; the seconds are shown, the answer is
    spoken without moving the focus."""
    page = opened("?next=8", clock=True)
    page.page.focus(".start")
    page.show(SCENES["valid"].shown())
    assert page.page.evaluate("document.activeElement.tagName") != "H1"
    assert page.text("#alert").startswith("Valid. Genuine card.")
    page.page.clock.run_for(3000)
    assert re.fullmatch(r"Next scan in [456] s", page.text("#held .next-in"))
    # The button stays a person's word: no machine says that the face matched.
    assert page.text('#held [data-act="next"]') == "Face matches"
    page.page.clock.run_for(5500)
    assert not page.answered()


def test_spoken_and_titled(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """On a verdict the focus goes to a heading that says outcome, reason and order in full; the title says it too."""
    desk.world = SCENES["revoked"].world
    page = opened()
    page.show(SCENES["revoked"].shown())
    heading = page.page.locator("#held h1")
    expect(heading).to_be_focused()
    expect(heading.locator(".unseen")).to_have_text(
        "Not valid. This card has been cancelled. Do not accept it. The holder can ask the issuing office."
    )
    assert page.page.title().startswith("Not valid.")
    assert page.page.get_attribute("#say", "role") == "status"


def test_sound_and_vibration_by_rhythm(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """Vibration is on and sound off at first; one short, two long, three short; each can be changed in the menu, and
    the change stands in the address."""
    page = opened(script=_COUNTED)
    rhythms = {"valid": [80], "revoked": [250, 120, 250], "status_stale": [80, 80, 80, 80, 80]}
    for name in rhythms:
        desk.world = SCENES[name].world
        page.show(SCENES[name].shown())
        page.dismiss()
    assert page.page.evaluate("window.shaken") == list(rhythms.values())
    assert page.page.evaluate("window.tones ?? 0") == 0
    page.page.click(".settings summary")
    page.page.select_option("#set-sound", "on")
    page.page.select_option("#set-vibration", "off")
    assert "sound=on" in page.page.url
    assert "vibration=off" in page.page.url
    page.page.keyboard.press("Escape")
    desk.world = SCENES["revoked"].world
    page.show(SCENES["revoked"].shown())
    assert page.page.evaluate("window.tones") == 2
    assert len(page.page.evaluate("window.shaken")) == 3


def test_a_hand_scanner_is_heard(opened: Callable[..., Watched]) -> None:
    """Where the address says that sound is on, a hand scanner's keys are enough for a browser to let it be heard."""
    page = opened("?sound=on", script=_COUNTED)
    page.page.keyboard.type(SCENES["valid"].shown()[:200])
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector('#held [data-outcome="INVALID"]')
    assert page.page.evaluate("window.tones") == 2


def test_rule_and_language_keep_the_settings(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """Another rule checks the shown code again under it and stands in the address; the other language keeps it."""
    page = opened("?sound=on")
    page.page.set_viewport_size({"width": 1280, "height": 800})
    page.show(SCENES["valid"].shown())
    page.page.select_option("#rule", "benefit")
    page.page.wait_for_selector('#held [data-outcome="INDETERMINATE"]')
    page.page.click('.languages a[lang="zh-Hans"]')
    expect(page.page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert "sound=on" in page.page.url
    assert "rule=benefit" in page.page.url
    assert SCENES["valid"].shown() not in page.page.url


def test_tab_order_is_reading_order(opened: Callable[..., Watched]) -> None:
    """What Tab reaches follows the order of the document, nothing hidden gets the focus, each has a visible ring."""
    page = opened()
    page.page.set_viewport_size({"width": 1280, "height": 800})
    page.show(SCENES["valid"].shown())
    page.page.wait_for_selector("#held .actions:not([inert])")
    order: list[tuple[int, bool, str]] = []
    for _ in range(26):
        page.page.keyboard.press("Tab")
        order.append(tuple(page.page.evaluate(_FOCUSED)))
    # It began in the answer; from the body on, one round by the page to the end of the answer.
    around = order[[place for place, _, _ in order].index(0) + 1 :]
    places = [place for place, _, _ in around]
    assert len(places) >= 10
    assert places[:10] == sorted(places[:10])
    assert all(visible and ring == "solid" for place, visible, ring in order if place)
