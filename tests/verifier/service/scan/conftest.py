"""One browser and one server for the tests of a module; each test begins with a desk as new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.kit.scan.browser import Watched, chromium, seeing, watched
from tests.kit.scan.memory_desk import MemoryDesk, running
from tests.kit.scan.scenes import SCENES
from tools.film import still


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera sees a good card that nobody moves."""
    path = tmp_path_factory.mktemp("film") / "card.mjpeg"
    path.write_bytes(still(SCENES["valid"].shown()))
    with chromium(*seeing(path)) as started:
        yield started


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[MemoryDesk, str]]:
    """A desk and its address."""
    desk = MemoryDesk()
    with running(desk) as url:
        yield desk, url


@pytest.fixture
def desk(served: tuple[MemoryDesk, str]) -> MemoryDesk:
    """The desk, as it was at its start."""
    fresh = MemoryDesk()
    for name in vars(fresh):
        setattr(served[0], name, getattr(fresh, name))
    return served[0]


@pytest.fixture
def url(served: tuple[MemoryDesk, str], desk: MemoryDesk) -> str:
    """The page's address."""
    return served[1]


@pytest.fixture
def opened(browser: Browser, url: str) -> Iterator[Callable[..., Watched]]:
    """Opens the page; ``clock``: time passes only when the test says so; ``script``: runs before the page's own."""
    with ExitStack() as stack:

        def open_page(query: str = "", *, clock: bool = False, script: str = "") -> Watched:
            page = stack.enter_context(watched(browser, url + query, script=script))
            if clock:
                page.page.clock.install()
                page.page.goto(url + query)
            return page

        yield open_page
