"""Every state of the scan page beside a verdict on one card: before a scan, while scanning, and without an answer.

A state is a script that makes a browser what it must be, and what a person and the service do then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.scan.browser import Watched
from tests.kit.scan.memory_desk import MemoryDesk
from tests.kit.scan.scenes import SCENES, codes_in
from verifier.runtime.http import Problem

__all__ = ["BLIND_READER", "OLD", "STATES", "State"]

#: A reader of the browser that sees what ``inView`` says, which is nothing at first.
BLIND_READER = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return (window.inView ?? []).map(rawValue => ({rawValue})); }
};
"""
#: A browser as on telephones before iOS 16.4.
OLD = "delete window.OffscreenCanvas;"
_REFUSED = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };"


def _nothing(_: MemoryDesk, __: Watched) -> None:
    pass


def _menu(_: MemoryDesk, page: Watched) -> None:
    page.page.click(".settings summary")


def _typed(_: MemoryDesk, page: Watched) -> None:
    page.page.click('[data-do="type"]')


def _scanning(_: MemoryDesk, page: Watched) -> None:
    page.page.click(".start")
    page.page.wait_for_selector('body[data-input="scanning"]')
    page.page.wait_for_function("() => document.getElementById('video').videoWidth > 0")


def _refused(_: MemoryDesk, page: Watched) -> None:
    page.page.click(".start")
    page.page.wait_for_selector(".denied h2")


def _no_answer(desk: MemoryDesk, page: Watched) -> None:
    desk.broken = Problem("http.overloaded", headers={"Retry-After": "1"})
    page.show(SCENES["valid"].shown())
    desk.broken = None


def _not_holder(_: MemoryDesk, page: Watched) -> None:
    page.show(SCENES["valid"].shown())
    page.page.click('[data-act="no-match"]')


def _several(_: MemoryDesk, page: Watched) -> None:
    _choose(page, codes_in(SCENES["valid"].shown(), "HTTPS://EXAMPLE.COM/"))


def _no_code(_: MemoryDesk, page: Watched) -> None:
    _choose(page, codes_in())


def _choose(page: Watched, picture: bytes) -> None:
    page.page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": picture})
    page.page.wait_for_selector("#held [data-outcome]")


@dataclass(frozen=True)
class State:
    """What is done to get there.

    Args:
        bring: after the page was opened.
        script: runs before the page's own.
        complaints: words in what the browser complains of then, on purpose.
        answered: whether something stands where an answer does.
        knowing: whether the service knows anything.
    """

    bring: Callable[[MemoryDesk, Watched], None] = _nothing
    script: str = ""
    complaints: tuple[str, ...] = ()
    answered: bool = False
    knowing: bool = True


STATES: dict[str, State] = {
    "ready": State(),
    "menu": State(_menu),
    "typed": State(_typed),
    "scanning": State(_scanning, BLIND_READER),
    "camera-refused": State(_refused, _REFUSED),
    "old-browser": State(script=OLD),
    "no-lists": State(knowing=False),
    "no-answer": State(_no_answer, complaints=("503",), answered=True),
    "no-code": State(_no_code, answered=True),
    "not-holder": State(_not_holder, answered=True),
    "several": State(_several, answered=True),
}
