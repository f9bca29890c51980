"""The stories over weeks, with every page read in a real Chromium at the width of a telephone: what is not on the page
for a reader's eyes does not count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser

from issuer.portal import make_portal
from issuer.service.app import make_service
from issuer.service.cookies import SESSION
from tests.issuer.conftest import new_database_url
from tests.issuer.portal import test_page_stories as stories
from tests.kit.people import Somebody
from tests.kit.permit_office import PermitOffice
from tests.kit.portal import serving
from tests.kit.scan.browser import PHONE, chromium
from verifier.runtime import http

pytestmark = [pytest.mark.slow, pytest.mark.walk]
Story = Callable[[PermitOffice, FastAPI], None]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PermitOffice]:
    """Shanghai's office on Monday, 2 March 2026."""
    made = PermitOffice.begin(tmp_path, new_database_url("sqlite", tmp_path))
    yield made
    made.core.close()


@pytest.mark.parametrize(
    "story",
    [
        stories.test_extension_is_left_lying_the_head_sees_it_coming_and_the_card_stays_valid,
        stories.test_gap_between_two_employers_stands_on_the_pages_of_holder_new_employer_and_officer,
        stories.test_agency_registers_a_list_one_lapses_the_employer_answers_and_payment_restores,
    ],
    ids=lambda story: story.__name__.removeprefix("test_")[:30],
)
def test_story_is_read_in_a_browser(office: PermitOffice, monkeypatch: pytest.MonkeyPatch, story: Story) -> None:
    """Each page that the story reads, as its reader sees it in English; none scrolls sideways."""
    read: list[str] = []

    def seen(browser: Browser, url: str, token: str, path: str) -> str:
        phone: Any = PHONE
        context = browser.new_context(viewport=phone, locale="en-GB")
        context.add_cookies([{"name": SESSION, "value": token, "url": "https://localhost/", "secure": True}])
        page = context.new_page()
        answer = page.goto(f"{url}{path}{'&' if '?' in path else '?'}lang=en")
        assert answer is not None
        assert answer.status == 200, path
        assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"], path
        text = re.sub(r"\s+", " ", page.inner_text("body"))
        context.close()
        read.append(path)
        return text

    # The browser keeps an event loop in its thread, and the story asks the application by one of its own.
    with serving(office.core) as url, ThreadPoolExecutor(1) as thread:
        stack = ExitStack()
        browser = thread.submit(stack.enter_context, chromium()).result()
        try:

            def in_the_browser(_app: FastAPI, somebody: Somebody, path: str) -> str:
                return thread.submit(seen, browser, url, somebody.enter().token, path).result()

            monkeypatch.setattr(stories, "text_of", in_the_browser)
            story(office, make_service(office.core, http.Drain(), [make_portal(office.core)]))
        finally:
            thread.submit(stack.close).result()
    assert len(read) >= 2
