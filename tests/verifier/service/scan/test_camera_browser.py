"""The camera in a real Chromium: a film of a card, the browser's own reader, hints, rest, torch, several cameras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.kit.scan.browser import Watched, chromium, forgive, seeing, watched
from tests.kit.scan.clocked import CLOCK, milliseconds
from tests.kit.scan.memory_desk import MemoryDesk
from tests.kit.scan.scenes import SCENES, reference_name
from tests.kit.scan.states import BLIND_READER, OLD
from tools.film import film

NAME = reference_name()
#: Two cameras, each a canvas of its own; ``ends``: ends the one that is on, as if it were unplugged.
_TWO_CAMERAS = """
let using = "";
const asked = [];
navigator.mediaDevices.enumerateDevices = async () =>
  ["back", "front"].map(deviceId => ({ kind: "videoinput", deviceId }));
navigator.mediaDevices.getUserMedia = async ({ video }) => {
  using = video.deviceId?.exact ?? "back";
  asked.push(using);
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 300, 150);
  return canvas.captureStream(10);
};
MediaStreamTrack.prototype.getSettings = () => ({ deviceId: using });
MediaStreamTrack.prototype.getCapabilities = () => ({ torch: using === "back" });
MediaStreamTrack.prototype.applyConstraints = async () => {};
window.askedFor = asked;
window.ends = () => {
  const track = document.getElementById("video").srcObject.getVideoTracks()[0];
  track.stop();
  track.dispatchEvent(new Event("ended"));
};
"""
#: A permission that is given when the test says so.
_WAITING = """
const given = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async wanted => {
  await new Promise(done => { window.allow = done; });
  return window.late = await given(wanted);
};
"""


def test_camera_sees_a_film(
    desk: MemoryDesk, url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A code that moves, blurs and tilts before the camera gets its verdict by frames to the service, one at a time;
    behind the answer the stream goes on and nothing is looked at; the next scan begins with a tap."""
    (tmp_path / "card.mjpeg").write_bytes(film(SCENES["valid"].shown()))
    with chromium(*seeing(tmp_path / "card.mjpeg")) as filmed, watched(filmed, url, script=CLOCK) as page:
        page.page.click(".start")
        page.page.wait_for_selector("#held [data-outcome]", timeout=30_000)
        assert page.outcome() == "VALID"
        assert NAME in page.text("#held")
        assert set(desk.asked) == {"frame"}
        record_property("milliseconds from the first clear frame", milliseconds(page.page))
        assert page.page.evaluate("document.getElementById('video').srcObject.active")
        seen = len(desk.asked)
        page.page.locator("#held summary").click()
        assert len(desk.asked) == seen
        page.page.click('[data-act="next"]')
        expect(page.page.locator("#held [data-outcome]")).to_have_count(0)
        assert NAME not in page.page.content()
        assert page.page.evaluate("document.body.dataset.input") == "scanning"


def test_the_browsers_own_reader(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """Where the browser reads codes itself no frame leaves it: the service is asked about the text alone."""
    page = opened(script=BLIND_READER)
    page.page.click(".start")
    page.page.evaluate("code => window.inView = [code]", SCENES["valid"].shown())
    page.page.wait_for_selector("#held [data-outcome]")
    assert page.outcome() == "VALID"
    assert desk.asked == ["text"]


def test_several_codes_in_view(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """With two codes in view the page does not guess which counts: it asks the service about the picture."""
    page = opened(script=BLIND_READER)
    page.page.click(".start")
    page.page.evaluate("window.inView = ['IC1:A', 'IC1:B']")
    page.page.wait_for_selector("#held [data-outcome]", timeout=30_000)
    assert "text" not in desk.asked


def test_the_same_code_is_ignored_for_three_seconds(opened: Callable[..., Watched]) -> None:
    """After "next" the code that is still in view is not shown again at once, another one is."""
    page = opened(clock=True, script=BLIND_READER)
    page.page.click(".start")
    expect(page.page.locator("body")).to_have_attribute("data-input", "scanning")
    page.page.evaluate("code => window.inView = [code]", SCENES["valid"].shown())
    _until_answered(page)
    page.page.clock.run_for(700)
    page.page.click('[data-act="next"]')
    page.page.clock.run_for(2500)
    assert not page.answered()
    page.page.evaluate("window.inView = ['https://example.com']")
    _until_answered(page)
    assert page.outcome() == "INVALID"


def _until_answered(page: Watched) -> None:
    for _ in range(100):
        page.page.clock.run_for(100)
        if page.answered():
            return
    pytest.fail("no answer")


def test_the_camera_rests(opened: Callable[..., Watched]) -> None:
    """After five and ten seconds there are hints, after a minute without a code the camera is off, and resumes."""
    page = opened(clock=True, script=BLIND_READER)
    page.page.click(".start")
    expect(page.page.locator("#say")).to_have_text("Camera on")
    page.page.clock.run_for(5100)
    expect(page.page.locator("#say")).to_have_text("Move closer. Avoid glare.")
    page.page.clock.run_for(5100)
    expect(page.page.locator(".later")).to_be_visible()
    page.page.clock.run_for(51_000)
    expect(page.page.locator("#say")).to_have_text("Camera paused")
    assert page.page.evaluate("document.getElementById('video').srcObject") is None
    page.page.click(".resume")
    expect(page.page.locator("body")).to_have_attribute("data-input", "scanning")


def test_the_camera_rests_behind_an_answer_that_went(opened: Callable[..., Watched]) -> None:
    """An answer whose data went because nobody came leaves no camera that is on and looks for nothing: it resumes
    with a tap, and sees the next code."""
    page = opened(clock=True, script=BLIND_READER)
    page.page.click(".start")
    expect(page.page.locator("body")).to_have_attribute("data-input", "scanning")
    page.page.evaluate("code => window.inView = [code]", SCENES["valid"].shown())
    _until_answered(page)
    page.page.evaluate("window.inView = []")
    page.page.clock.run_for(31_000)
    expect(page.page.locator("#say")).to_have_text("Result cleared. Nothing was stored.")
    assert page.page.evaluate("document.getElementById('video').srcObject") is None
    page.page.click(".resume")
    expect(page.page.locator("body")).to_have_attribute("data-input", "scanning")
    page.page.evaluate("window.inView = ['https://example.com']")
    _until_answered(page)
    assert page.outcome() == "INVALID"


@pytest.mark.parametrize(
    ("fault", "title"),
    [("NotAllowedError", "Camera is blocked"), ("NotFoundError", "No camera"), ("NotReadableError", "Another app")],
)
def test_a_camera_that_cannot_be_had(opened: Callable[..., Watched], fault: str, title: str) -> None:
    """Each reason has its title and its steps, the focus goes there, and the ways without a camera are open."""
    refusing = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{fault}'); }};"
    page = opened(script=refusing)
    page.page.click(".start")
    expect(page.page.locator(".denied h2")).to_be_focused()
    assert title in page.text(".denied h2")
    assert page.page.locator(".denied li").count() >= 1
    assert page.page.locator("#code").is_visible()


def test_torch_only_where_there_is_one(opened: Callable[..., Watched]) -> None:
    """The button for the torch is there only if the track reports one, and says whether it is on."""
    page = opened(script=BLIND_READER)
    page.page.click(".start")
    expect(page.page.locator("#say")).to_have_text("Camera on")
    assert not page.page.locator('[data-do="torch"]').is_visible()
    with_torch = """
      MediaStreamTrack.prototype.getCapabilities = () => ({torch: true});
      MediaStreamTrack.prototype.applyConstraints = async wanted => { window.lit = wanted.advanced[0].torch; };
    """
    page = opened(script=BLIND_READER + with_torch)
    page.page.click(".start")
    page.page.click('[data-do="torch"]')
    expect(page.page.locator('[data-do="torch"]')).to_have_attribute("aria-pressed", "true")
    assert page.page.evaluate("window.lit") is True


def test_another_camera(opened: Callable[..., Watched]) -> None:
    """With several cameras a button goes round them; torch and its state are those of the camera that is on."""
    page = opened(script=BLIND_READER + _TWO_CAMERAS)
    torch, turn = page.page.locator('[data-do="torch"]'), page.page.locator('[data-do="turn"]')
    page.page.click(".start")
    torch.click()
    expect(torch).to_have_attribute("aria-pressed", "true")
    turn.click()
    expect(torch).to_be_hidden()
    turn.click()
    expect(torch).to_be_visible()
    expect(torch).to_have_attribute("aria-pressed", "false")
    assert page.page.evaluate("askedFor") == ["back", "front", "back"]


def test_one_camera_has_no_other(opened: Callable[..., Watched]) -> None:
    """With one camera there is no button for another."""
    page = opened(script=BLIND_READER)
    page.page.click(".start")
    expect(page.page.locator("#say")).to_have_text("Camera on")
    assert not page.page.locator('[data-do="turn"]').is_visible()


def test_a_camera_that_is_unplugged(opened: Callable[..., Watched]) -> None:
    """A camera that ends by itself is told, with what to do; the page does not go on looking at a black picture."""
    page = opened(script=BLIND_READER + _TWO_CAMERAS)
    page.page.click(".start")
    expect(page.page.locator("body")).to_have_attribute("data-input", "scanning")
    page.page.evaluate("ends()")
    expect(page.page.locator(".denied h2")).to_be_focused()
    assert "No camera" in page.text(".denied h2")
    page.page.click('.denied [data-do="start"]')
    expect(page.page.locator("body")).to_have_attribute("data-input", "scanning")


@pytest.mark.parametrize("how", ["stopped", "hidden"])
def test_a_permission_that_comes_too_late(opened: Callable[..., Watched], how: str) -> None:
    """Whoever stopped or left before the camera was allowed has no camera running afterwards."""
    page = opened(script=BLIND_READER + _WAITING)
    page.page.click(".start")
    page.page.wait_for_function("() => Boolean(window.allow)")
    if how == "stopped":
        page.page.click('[data-do="stop"]')
    else:
        page.leave()
    page.page.evaluate("allow()")
    page.page.wait_for_function("() => Boolean(window.late)")
    assert page.page.evaluate("late.active") is False
    assert page.page.evaluate("document.body.dataset.input") == ("ready" if how == "stopped" else "resting")


def test_frames_without_an_answer(opened: Callable[..., Watched]) -> None:
    """Where the service does not answer about frames the page says so, in the amber form, and goes on by a tap."""
    page = opened()
    page.page.route("**/answer?*", lambda route: route.abort())
    page.page.click(".start")
    page.page.wait_for_selector('#held [data-outcome="NONE"]')
    assert page.page.locator("#held .panel-open").count() == 1
    page.page.unroute("**/answer?*")
    page.page.click('[data-act="again"]')
    page.page.wait_for_selector('#held [data-outcome="VALID"]', timeout=30_000)
    forgive(page, ["ERR_FAILED"])


def test_a_camera_without_a_secure_page(opened: Callable[..., Watched]) -> None:
    """Where the browser gives no camera because the address is not secure, the page says so and what to do."""
    page = opened(script="Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
    page.page.click(".start")
    expect(page.page.locator(".denied h2")).to_be_focused()
    assert "secure address" in page.text(".denied h2")
    assert "https" in page.text(".denied li")


def test_an_old_browser_has_the_forms(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A browser without what the camera needs gets a hint and forms that work without scripts, no dead buttons; so does
    one whose scripts do not arrive."""
    page = opened("?lang=en", script=OLD)
    expect(page.page.locator("#browser-old")).to_contain_text("newer browser")
    assert not page.page.locator(".start").is_visible()
    assert page.faults() == []
    page.page.fill("#code", SCENES["valid"].shown())
    page.page.click("#code-form button")
    page.page.wait_for_selector('#held [data-outcome="VALID"]')
    assert desk.asked == ["text"]
    assert page.page.locator("#held .photo img").evaluate("image => image.naturalWidth") > 0
    page.page.click("#held a.primary")
    page.page.wait_for_selector('body[data-answer="none"]')
    page = opened()
    page.page.route("**/app.js", lambda route: route.abort())
    page.page.reload()
    expect(page.page.locator("#browser-old")).to_be_visible()
    forgive(page, ["ERR_FAILED"])
