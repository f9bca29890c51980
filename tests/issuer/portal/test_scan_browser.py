"""A card found by the camera of the person who looks, and by a picture, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from icard_crypto import qr
from issuer.cards.models import OnlineLookup
from issuer.service.app import make_service
from tests.kit.callers import by_session
from tests.kit.portal import Town, enter, running_portal, town
from tests.kit.scan.browser import chromium, seeing, watched
from tests.kit.uploaded import picture
from tools.film import still
from verifier.runtime import http

pytestmark = [pytest.mark.slow, pytest.mark.walk]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with cards."""
    made = town(tmp_path_factory.mktemp("scan"))
    with running_portal(made):
        yield made
    made.issuing_service.core.close()


@pytest.fixture(scope="module")
def code(served: Town) -> str:
    """The public code of the first card."""
    app = make_service(served.issuing_service.core, http.Drain())
    caller = by_session(app, served.people["holder"].enter())
    return caller("GET", f"/v1/cards/{served.cards[0]}/code.txt?profile=public").text.strip()


def _looks(made: Town) -> int:
    query = select(func.count()).where(OnlineLookup.card_id == made.cards[0], OnlineLookup.way == "code")
    return made.issuing_service.core.database.read(lambda session: session.scalar(query)) or 0


def test_inspector_finds_a_card_by_the_camera_and_it_is_noted_once(served: Town, code: str, tmp_path: Path) -> None:
    """From the press of the button to the card, with no further one; the look-up stands in the holder's log once."""
    film = tmp_path / "card.mjpeg"
    film.write_bytes(still(code))
    before = _looks(served)
    with chromium(*seeing(film)) as browser, watched(browser, served.url + "log-in") as page:
        enter(page.page, served, "inspector")
        page.page.goto(served.url + "search?lang=en")
        assert page.page.get_by_role("button", name="Camera off").count() == 0
        page.page.get_by_role("button", name="Use the camera").click()
        page.page.wait_for_url(f"**/cards/{served.cards[0]}**", timeout=30_000)
        # Frames without a code are answered with 422, which the console counts as an error.
        page.complaints[:] = [each for each in page.complaints if "422" not in each]
    assert _looks(served) == before + 1


def test_without_a_camera_a_picture_or_a_text_does_it(served: Town, code: str, tmp_path: Path) -> None:
    """The page says why there is no camera; a screenshot is read; one without a code is refused at its field."""
    with chromium() as browser, watched(browser, served.url + "log-in") as page:
        enter(page.page, served, "inspector")
        page.page.goto(served.url + "search?lang=en")
        page.page.get_by_role("button", name="Use the camera").click()
        page.page.get_by_text("Choose a picture").first.wait_for()
        blank = tmp_path / "blank.png"
        blank.write_bytes(picture())
        page.page.set_input_files("#f-picture", blank)
        page.page.get_by_role("button", name="Read the code").click()
        assert "No code was found" in page.text(".field.wrong .error")
        assert page.faults() == []
        shot = tmp_path / "code.png"
        shot.write_bytes(qr.draw_png(code))
        page.page.set_input_files("#f-picture", shot)
        page.page.get_by_role("button", name="Read the code").click()
        page.page.wait_for_url(f"**/cards/{served.cards[0]}**")
        page.complaints[:] = [each for each in page.complaints if "422" not in each]
