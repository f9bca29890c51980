"""A real Chromium before the page: what it asked for, what it complained about, and how things are shown to it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

__all__ = ["PHONE", "SCREEN", "Watched", "chromium", "seeing", "watched"]

_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
PHONE = {"width": 390, "height": 844}
SCREEN = {"width": 1280, "height": 800}
_FAULTS = """() => axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`))"""
#: Complaints that say that something is wrong with the page itself.
_LOUD = ("error", "warning")


@contextlib.contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Debian's Chromium; where it is missing the test is skipped, in CI it fails."""
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium; on Debian: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=[*_ARGUMENTS, *more])
        try:
            yield browser
        finally:
            browser.close()


def seeing(picture: Path) -> tuple[str, ...]:
    """Chromium's arguments for a camera that sees a film, or a still (:mod:`tools.film`)."""
    return (
        *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
        f"--use-file-for-fake-video-capture={picture}",
    )


@dataclass
class Watched:
    """A page and everything that it asked for or complained of.

    Args:
        origins: scheme, host and port of every request; ``complaints``: errors and warnings of the console.
    """

    page: Page
    origins: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def complain(self, message: ConsoleMessage) -> None:
        """Note what the console says, if it is an error or a warning."""
        if message.type in _LOUD:
            self.complaints.append(message.text)

    def show(self, text: str) -> None:
        """Paste a text, and wait for the answer."""
        self.paste(text)
        self.page.wait_for_selector("#held [data-outcome]")

    def paste(self, text: str) -> None:
        """Paste a text into the page as a whole, once its scripts are there."""
        self.page.wait_for_selector("body[data-ready]")
        self.page.evaluate(
            """text => {
              const transfer = new DataTransfer();
              transfer.setData("text/plain", text);
              document.body.dispatchEvent(
                new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
            }""",
            text,
        )

    def scan(self, text: str, outcome: str) -> None:
        """Type as a hand scanner does, and wait for this outcome. A machine that stalls in the middle makes two
        bursts of one, which no scanner does: then once more."""
        for _ in range(3):
            self.page.keyboard.type(text)
            self.page.keyboard.press("Enter")
            with contextlib.suppress(NotInTime):
                self.page.wait_for_selector(f'#held [data-outcome="{outcome}"]', timeout=8_000)
                return
        raise AssertionError(f"{outcome} did not come")

    def dismiss(self) -> None:
        """Press Esc once an answer takes it, and see the answer go."""
        self.page.wait_for_selector("#held .actions:not([inert])")
        self.page.keyboard.press("Escape")
        self.page.wait_for_selector("#held:empty", state="attached")

    def leave(self, how: str = "hidden") -> None:
        """Hide the page as a lock or another window does, or leave it (``pagehide``)."""
        self.page.evaluate(
            """how => {
              if (how === "pagehide") { dispatchEvent(new PageTransitionEvent("pagehide")); return; }
              Object.defineProperty(document, "hidden", {value: true, configurable: true});
              document.dispatchEvent(new Event("visibilitychange"));
            }""",
            how,
        )

    def answered(self) -> bool:
        """Whether an answer is on the screen."""
        return self.page.locator("#held [data-outcome]").count() > 0

    def outcome(self) -> str:
        """What the answer on the screen is."""
        return self.page.locator("#held [data-outcome]").first.get_attribute("data-outcome") or ""

    def text(self, selector: str) -> str:
        """What is seen in the first element."""
        return self.page.locator(selector).first.inner_text()

    def faults(self) -> list[str]:
        """What axe-core calls serious or critical, each with the elements."""
        if self.page.evaluate("typeof axe === 'undefined'"):
            self.page.evaluate(AXE_SCRIPT)
        found: list[str] = self.page.evaluate(_FAULTS)
        return found

    def overflow(self) -> int:
        """By how many pixels the page can be scrolled sideways."""
        wide: int = self.page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth")
        return wide


@contextlib.contextmanager
def watched(browser: Browser, url: str, *, script: str = "", **options: Any) -> Iterator[Watched]:
    """A fresh page at an address; at the end it asked nobody but its own origin, and nothing was complained of.

    Args:
        script: runs before the page's own.
        options: of the context: its viewport, theme, language.
    """
    context = browser.new_context(**{"viewport": PHONE, "color_scheme": "light", **options})
    try:
        if script:
            context.add_init_script(script)
        with _watching(context, url) as page:
            yield page
    finally:
        context.close()


@contextlib.contextmanager
def _watching(context: BrowserContext, url: str) -> Iterator[Watched]:
    page = context.new_page()
    seen = Watched(page)
    page.on("request", lambda request: seen.origins.add(_origin(request.url)))
    page.on("console", seen.complain)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.goto(url)
    yield seen
    assert seen.origins - {"blob:", "data:"} == {_origin(url)}
    assert seen.complaints == []


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}:" if parts.scheme in ("blob", "data") else f"{parts.scheme}://{parts.netloc}"


def forgive(seen: Watched, words: Sequence[str]) -> None:
    """Take away the complaints that a test causes on purpose: of a status that the service was told to answer with."""
    seen.complaints[:] = [each for each in seen.complaints if not any(word in each for word in words)]
