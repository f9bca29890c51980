"""What people meet on the first day at a gate or a desk, in a real Chromium: slow lines, files of every kind,
scanners that are set wrong, long names, large text, a telephone on its side, a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from itertools import product

import pytest
from PIL import Image
from playwright.sync_api import Browser, Route, expect

from tests.kit.scan.browser import SCREEN, Watched, forgive, watched
from tests.kit.scan.memory_desk import MemoryDesk
from tests.kit.scan.scenes import PHOTO, SCENES, codes_in, shown
from tests.kit.scan.states import BLIND_READER
from tests.kit.trust_domain import World
from verifier.service.limits import PICTURE_BYTES

#: Names without a place to break: the longest that a passport's machine-readable zone and a card may have.
UNBROKEN = ("VENKATANARASIMHARAJUVARIPETA K", "W" * 35, "M" * 64)


def pdf_of(*pictures: bytes) -> bytes:
    """A PDF with these pictures, one a page."""
    pages = [Image.open(BytesIO(each)).convert("L") for each in pictures]
    out = BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return out.getvalue()


def drop(page: Watched, *files: tuple[str, str, bytes]) -> None:
    """Drop files (name, type, content) on the page."""
    page.page.evaluate(
        """files => {
          const transfer = new DataTransfer();
          for (const [name, type, text] of files) {
            const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
            transfer.items.add(new File([bytes], name, {type}));
          }
          document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        [[name, kind, _base64(content)] for name, kind, content in files],
    )
    page.page.wait_for_selector("#held [data-outcome]")


def _base64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode("ascii")


# --- slow lines -------------------------------------------------------------------------------------------------------


def test_press_before_the_scripts_is_done_when_they_are_there(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """On a slow line the page is painted long before its scripts have come: a press in between says at once that it was
    heard, and is done later without a second one."""
    held: list[Route] = []
    context = browser.new_context()
    try:
        context.add_init_script(BLIND_READER)
        page = context.new_page()
        # A bound method of a list takes no attribute, which the route's handler needs.
        page.route("**/js/app.js", lambda route: held.append(route))  # noqa: PLW0108
        page.goto(url, wait_until="commit")
        page.wait_for_selector(".start")
        page.wait_for_selector("script[type=module]", state="attached")
        page.evaluate("document.querySelector('[data-do=type]').click()")
        page.evaluate("document.querySelector('.start').click()")
        assert page.get_attribute(".start", "aria-busy") == "true"
        assert page.get_attribute('[data-do="type"]', "aria-busy") is None
        assert page.get_attribute("body", "data-input") == "ready"
        assert held
        for route in held:
            route.continue_()
        page.wait_for_selector('body[data-input="scanning"]')
        assert page.get_attribute("body", "data-typed") is None
    finally:
        context.close()


def test_second_visit_asks_for_nothing_but_the_page(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """A browser that was here before has every file: only the page itself and no file of it is asked for again."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(url)
        page.wait_for_function("() => performance.getEntriesByType('resource').length > 10")
        page.goto("about:blank")
        page.goto(url)
        page.wait_for_function("() => performance.getEntriesByType('resource').length > 10")
        asked = page.evaluate(
            "performance.getEntriesByType('resource').filter(each => each.transferSize > 0).map(each => each.name)"
        )
        assert [name for name in asked if "/static/" in name] == []
    finally:
        context.close()


# --- files ------------------------------------------------------------------------------------------------------------


def test_pdf_is_read_page_by_page(opened: Callable[..., Watched]) -> None:
    """A PDF that came by mail is checked, its code on the second page; one without a code says so."""
    page = opened()
    code_page = codes_in(SCENES["valid"].shown())
    drop(page, ("card.pdf", "application/pdf", pdf_of(codes_in(), code_page)))
    assert page.outcome() == "VALID"
    page.dismiss()
    drop(page, ("empty.pdf", "application/pdf", pdf_of(codes_in())))
    assert page.text("#held h1") == "No code in this picture"


@pytest.mark.parametrize(
    ("name", "kind", "content", "words"),
    [
        ("photo.heic", "image/heic", b"\0\0\0\x18ftypheic" + bytes(400), "This file is not a picture we can read."),
        ("letter.docx", "application/zip", b"PK\x03\x04" + bytes(400), "This file is not a picture we can read."),
        ("note.txt", "text/csv", b"a;b", "This file is not a picture we can read."),
        ("huge.pdf", "application/pdf", b"%PDF-1.7" + bytes(PICTURE_BYTES), "The file is too large."),
    ],
)
def test_other_files_get_true_words(
    opened: Callable[..., Watched], name: str, kind: str, content: bytes, words: str
) -> None:
    """What cannot be looked at is told in words for people, with what to bring instead, and the next act is to choose
    another picture; no word of requests and headers."""
    page = opened()
    drop(page, (name, kind, content))
    assert page.text("#held h1") == words
    assert "Content-Type" not in page.text("#held")
    assert page.text("#held .actions .primary") == "Choose another picture"
    forgive(page, ["415", "413", "422"])


def test_long_text_and_two_files_get_true_words(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A text beyond any card's length is not sent; of two files none is looked at in silence."""
    page = opened()
    page.show("A" * 200_000)
    assert page.text("#held h1") == "This text is longer than any card code."
    page.dismiss()
    picture = codes_in(SCENES["valid"].shown())
    drop(page, ("a.png", "image/png", picture), ("b.png", "image/png", picture))
    assert page.text("#held h1") == "One file at a time"
    assert desk.asked == []


def test_file_that_is_dragged_is_seen(opened: Callable[..., Watched]) -> None:
    """While a file is over the page, a frame says where it can be dropped."""
    page = opened()
    page.page.evaluate("document.body.dispatchEvent(new DragEvent('dragover', {bubbles: true, cancelable: true}))")
    assert page.page.evaluate("getComputedStyle(document.querySelector('.input')).outlineStyle") == "dashed"
    page.page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', {bubbles: true}))")
    assert page.page.evaluate("getComputedStyle(document.querySelector('.input')).outlineStyle") == "none"


# --- scanners ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0, 35, 60])
def test_scan_of_any_speed_is_one_scan(desk: MemoryDesk, opened: Callable[..., Watched], delay: int) -> None:
    """A wireless scanner types as slowly as a person: what begins as a card's code is one scan, its Enter presses
    nothing, with the focus where the scan before left it."""
    page = opened(script=BLIND_READER)
    page.show(SCENES["not_a_card"].shown())
    page.dismiss()
    text = SCENES["valid"].shown()[: 400 if delay == 0 else 60]
    page.page.keyboard.type(text, delay=delay)
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#held [data-outcome]")
    assert desk.asked == ["text", "text"]
    assert page.page.evaluate("document.body.dataset.input") == "ready"


@pytest.mark.parametrize(
    ("spoil", "outcome", "words"),
    [
        (lambda text: "]Q1" + text, "VALID", "Genuine card."),
        (lambda text: "02" + text, "INDETERMINATE", "The scanner adds characters before the code."),
        (lambda text: "*" + text, "INDETERMINATE", "The scanner adds characters before the code."),
        (lambda text: text.replace(":", "Ö"), "INDETERMINATE", "types for another keyboard"),
        (lambda text: "IC&M" + text[4:], "INDETERMINATE", "types for another keyboard"),
    ],
)
def test_scanner_that_is_set_wrong_is_its_operators_fault(
    opened: Callable[..., Watched], spoil: Callable[[str], str], outcome: str, words: str
) -> None:
    """A prefix or another keyboard's layout is amber and said to be the scanner's, and whom to ask; the holder is not
    blamed, and no list is said to be missing."""
    page = opened()
    # Keys that the tests' own keyboard does not have.
    page.page.evaluate(
        """text => [...text, "Enter"].forEach(key => document.body.dispatchEvent(
          new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true})))""",
        spoil(SCENES["valid"].shown()),
    )
    page.page.wait_for_selector("#held [data-outcome]")
    assert page.outcome() == outcome
    assert words in page.text("#held .fact")
    if outcome == "INDETERMINATE":
        assert page.text("#held .word").split() == ["SCANNER", "SET-UP"]
        assert "not the holder's fault" in page.text("#held .order-below")
        assert page.page.locator('#held [data-act="update"], #held .knowing').count() == 0


# --- names, sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNBROKEN)
def test_long_name_never_pushes_the_order_away(browser: Browser, desk: MemoryDesk, url: str, name: str) -> None:
    """A name without a place to break stays within the screen on every form, and the order is whole beside it."""
    with watched(browser, url) as page:
        for form, width in product(("valid", "revoked", "status_stale"), (320, 360, 390)):
            desk.world = SCENES[form].world
            page.page.set_viewport_size({"width": width, "height": 640})
            page.page.goto(url)
            page.show(shown(holder=PHOTO | {"name": name, "name_native": None, "native_language": None}))
            assert page.overflow() == 0, (form, width)
            order = page.page.locator("#held .order-below, #held .panel .order").first.bounding_box()
            assert order is not None
            assert order["x"] + order["width"] <= width, (form, width)


def test_marks_of_a_name_stay_in_their_place(opened: Callable[..., Watched]) -> None:
    """However many marks stand above a letter of a signed name, none is drawn over the panel."""
    page = opened()
    page.show(SCENES["valid"].shown())
    assert page.page.evaluate("getComputedStyle(document.querySelector('#held .who')).contain") == "paint"


@pytest.mark.parametrize("name", ["valid", "revoked", "status_stale-suspended", "insurance_lapsed", "suspended"])
def test_word_is_larger_than_the_reason_at_any_text_size(
    browser: Browser, desk: MemoryDesk, url: str, name: str
) -> None:
    """At 100 % and at 200 % text, on telephones and screens, the verdict's word is larger than the sentence under
    it, and no part of it is cut."""
    scene = SCENES[name]
    desk.world = scene.world
    with watched(browser, url) as page:
        for (width, height), percent, language in product(
            ((390, 844), (360, 640), (1280, 800)), (100, 200), ("en", "zh")
        ):
            page.page.set_viewport_size({"width": width, "height": height})
            page.page.goto(f"{url}?lang={language}&rule={scene.policy}")
            page.page.evaluate(f"document.documentElement.style.fontSize = '{percent}%'")
            page.show(scene.shown())
            word, fact, cut = page.page.evaluate(
                """() => ["#held .word", "#held .fact"].map(each => parseFloat(
                    getComputedStyle(document.querySelector(each)).fontSize)).concat(
                  [...document.querySelectorAll("#held .word > span")].filter(each => each.getBoundingClientRect().right
                    > document.querySelector("#held .panel").getBoundingClientRect().right - 3).length)"""
            )
            assert word > fact, (width, percent, language)
            assert cut == 0, (width, percent, language)
            assert page.overflow() == 0, (width, percent, language)


def test_arms_length_sizes_on_a_telephone(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """At 390 x 844: reason 24 px, order at least 22 px and bold, buttons 60 px high, photo 168 x 224; red and amber
    fill 46 % of the screen; the camera's button is in the lower third."""
    with watched(browser, url) as page:
        start = page.page.locator(".start").bounding_box()
        assert start is not None
        assert start["y"] > 844 * 2 / 3
        for name in ("valid", "revoked", "status_stale"):
            desk.world = SCENES[name].world
            page.page.goto(url)
            page.show(SCENES[name].shown())
            sizes = page.page.evaluate(
                """() => [...document.querySelectorAll("#held .fact, #held .panel .order, #held .order-below")]
                  .map(each => [each.className, parseFloat(getComputedStyle(each).fontSize)])"""
            )
            assert all(size >= (24 if kind == "fact" else 22) for kind, size in sizes), sizes
            heights = page.page.evaluate(
                "[...document.querySelectorAll('#held .actions button')].map(each => each.offsetHeight)"
            )
            assert min(heights) >= 60
            panel = page.page.evaluate("document.querySelector('#held .panel').offsetHeight")
            assert name == "valid" or panel >= 0.45 * 844
        desk.world = SCENES["valid"].world
        page.page.goto(url)
        page.show(SCENES["valid"].shown())
        photo = page.page.locator("#held .photo img").bounding_box()
        assert photo is not None
        assert (photo["width"], photo["height"]) == (168, 224)


def test_telephone_on_its_side(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """At 844 x 390 the frame of the camera is on the screen, and the word, the order, the photo and the whole name of a
    green answer are."""
    with watched(browser, url, viewport={"width": 844, "height": 390}, script=BLIND_READER) as page:
        page.page.click(".start")
        page.page.wait_for_selector('body[data-input="scanning"]')
        view = page.page.locator(".view").bounding_box()
        assert view is not None
        assert view["y"] >= 0
        assert view["y"] + view["height"] <= 390
        page.page.evaluate("code => window.inView = [code]", SCENES["valid"].shown())
        page.page.wait_for_selector('#held [data-outcome="VALID"]')
        for selector in ("#held .word", "#held .panel .order", "#held .photo img", "#held .name"):
            box = page.page.locator(selector).bounding_box()
            assert box is not None
            assert box["y"] >= 0, selector
            assert box["y"] + box["height"] <= 390, selector
        assert page.overflow() == 0


# --- what is said -----------------------------------------------------------------------------------------------------


def test_test_card_is_spoken(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """A blind person hears that a card is a test's before anything else, and the title says it too."""
    desk.world = World(environment="test")
    page = opened()
    page.show(SCENES["valid"].shown())
    assert page.page.inner_text("#held .verdict .unseen").startswith("Test card. Valid.")
    assert page.page.title().startswith("Test card. Valid.")


def test_nothing_of_the_panel_is_heard_twice(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """The heading says word, reason and order; the sentences that people see are not read a second time."""
    page = opened()
    for name in ("valid", "revoked"):
        desk.world = SCENES[name].world
        page.show(SCENES[name].shown())
        heard: str = page.page.evaluate(
            """() => [...document.querySelectorAll("#held article *")].filter(each => !each.children.length
              && !each.closest("[aria-hidden=true], svg")).map(each => each.textContent).join(" ")"""
        )
        fact = page.page.text_content("#held .fact") or ""
        assert heard.count(fact.strip()) == 1
        page.dismiss()


def test_no_answer_is_heard_with_its_reason(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """Whoever hears that nothing was checked hears why."""
    page = opened()
    page.page.route("**/answer?*", lambda route: route.abort())
    page.show(SCENES["valid"].shown())
    assert page.page.text_content("#held .verdict .unseen") == "Not checked. The service did not respond."
    forgive(page, ["ERR_FAILED"])


def test_tab_goes_as_the_eye_does_on_a_telephone(opened: Callable[..., Watched]) -> None:
    """At 390 px what Tab reaches goes down the screen, and across a row from left to right."""
    page = opened()
    places: list[tuple[float, float]] = []
    for _ in range(9):
        page.page.keyboard.press("Tab")
        top, left, body = page.page.evaluate(
            """() => { const box = document.activeElement.getBoundingClientRect();
              return [Math.round(box.top / 20), box.left, document.activeElement === document.body]; }"""
        )
        if body:
            break
        places.append((top, left))
    assert len(places) >= 7
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "primary", "others"),
    [
        ("clock_unreliable", "Scan next", []),
        ("status_stale", "Update and check again", ["Scan next"]),
        ("not_disclosed", "Scan next", []),
        ("expired", "Scan next", []),
        ("valid", "Face matches", ["Not this person"]),
    ],
)
def test_primary_act_of_each_state(
    desk: MemoryDesk, opened: Callable[..., Watched], name: str, primary: str, others: list[str]
) -> None:
    """What is offered first can help: newer lists do not mend a clock, and nothing mends a card that ended."""
    desk.world = SCENES[name].world
    page = opened(f"?rule={SCENES[name].policy}")
    page.show(SCENES[name].shown())
    assert page.text("#held .actions .primary") == primary
    assert page.page.locator("#held .actions .secondary").all_inner_texts() == others


def test_hints_speak_of_what_is_there(opened: Callable[..., Watched]) -> None:
    """Without a torch nobody is told to switch one on; while the camera is paused no frame asks for a code."""
    page = opened(clock=True, script=BLIND_READER)
    page.page.click(".start")
    expect(page.page.locator("#say")).to_have_text("Camera on")
    page.page.clock.run_for(10_100)
    expect(page.page.locator("#say")).to_have_text("Can't read it yet. Take a photo instead.")
    page.page.clock.run_for(51_000)
    expect(page.page.locator("#say")).to_have_text("Camera paused")
    expect(page.page.locator(".hold")).to_be_hidden()
    expect(page.page.locator(".frame")).to_be_hidden()


def test_theme_for_the_sun(browser: Browser, desk: MemoryDesk, url: str) -> None:
    """With ``theme=light`` a device in its dark theme shows the light colours; the menu changes it at once."""
    colour = "getComputedStyle(document.documentElement).getPropertyValue('--page').trim()"
    with watched(browser, f"{url}?theme=light", color_scheme="dark") as page:
        assert page.page.evaluate(colour) == "#f6f7f9"
        page.page.click(".settings summary")
        page.page.select_option("#set-theme", "as_device")
        assert page.page.evaluate(colour) == "#0f1319"
        assert "theme" not in page.page.url


def test_rule_decides_the_rows(desk: MemoryDesk, opened: Callable[..., Watched]) -> None:
    """An inspection sees employer and position without a press, a benefits desk the name of the scheme."""
    page = opened("?rule=inspection")
    page.page.set_viewport_size(SCREEN)  # type: ignore[arg-type]
    page.show(SCENES["valid-work"].shown())
    assert page.page.locator("#held .work").is_visible()
    labels = page.page.locator("#held .work dt").all_inner_texts()
    assert labels == ["Employer", "Position"]
    assert page.page.get_attribute("#held .work dd", "lang") == "zh-Hans"
    assert "Issued by Shanghai" in page.text("#held .age")
    page.page.select_option("#rule", "benefit")
    page.page.wait_for_selector('#held [data-outcome="VALID"]')
    assert "Medical insurance" in page.text("#held .rows")
