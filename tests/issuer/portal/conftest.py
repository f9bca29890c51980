"""One service, one server and one browser for the tests of a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.kit.furnished_town import furnish
from tests.kit.portal import Town, enter, running_portal, town
from tests.kit.scan.browser import Watched, chromium, watched


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Town]:
    """A service with people and cards, and its portal on an address; a module with ``OFFICE`` gets an office too, and
    one with ``FURNISHED`` what rarer pages are about."""
    folder, office = tmp_path_factory.mktemp("portal"), getattr(request.module, "OFFICE", False)
    furnished = getattr(request.module, "FURNISHED", False)
    # The browser keeps an event loop in this thread, and the office asks the application by one of its own.
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(town, folder, office=office or furnished).result()
        if furnished:
            thread.submit(furnish, made).result()
    with running_portal(made):
        yield made
    made.issuing_service.core.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser."""
    with chromium() as started:
        yield started


@pytest.fixture
def visiting(browser: Browser, served: Town) -> Iterator[Callable[..., Watched]]:
    """Opens a page of the portal, as a person of a role where one is named; at the end it asked nobody else and
    complained of nothing."""
    with ExitStack() as stack:

        def visit(path: str = "log-in", role: str | None = None, **options: Any) -> Watched:
            page = stack.enter_context(watched(browser, served.url + "log-in", **options))
            if role is not None:
                enter(page.page, served, role)
            page.page.goto(served.path(path))
            return page

        yield visit
