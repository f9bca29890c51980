"""The whole life of a card through the pages, with both services as processes of their own; its holder, and whoever
scans it, are before a real Chromium."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.kit.filing_by_pages import file_application, hand_in
from tests.kit.forms import Reader, field
from tests.kit.people import PASSWORD
from tests.kit.permit_office import person_record
from tests.kit.scan.browser import PHONE, Watched, watched
from tests.kit.scan.gate import Gate, gate

pytestmark = [pytest.mark.slow, pytest.mark.walk]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Gate]:
    """Both services at work."""
    with gate(tmp_path, cards=0, people=True) as running:
        yield running


@pytest.fixture
def reader(made: Gate) -> Iterator[Callable[..., Reader]]:
    """Opens the portal as somebody; logged in, where a demo account is named."""
    context = ssl.create_default_context(cafile=str(made.ca_file))
    with ExitStack() as stack:

        def opened(login: str | None = None) -> Reader:
            one = Reader(made.issuer, context)
            stack.callback(one.close)
            if login is not None:
                account = made.accounts[login]
                one.log_in(account.login, account.password, account.secret)
            return one

        yield opened


@pytest.fixture
def telephone(made: Gate, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Logs a holder in on a telephone, by the pages."""
    viewport: Any = PHONE
    context = browser.new_context(viewport=viewport, device_scale_factor=3, ignore_https_errors=True, locale="en-GB")

    def opened(login: str) -> Page:
        page = context.new_page()
        page.goto(f"{made.issuer}/portal/log-in")
        page.fill("#f-login", login)
        page.fill("#f-password", PASSWORD)
        page.click("button.primary")
        page.wait_for_selector(".face")
        return page

    yield opened
    context.close()


def held_up(scanner: Watched, screen: bytes) -> str:
    """The scan page before the screen of a telephone: what it says of the code there."""
    if scanner.answered():
        scanner.dismiss()
    picture: Any = {"name": "a.png", "mimeType": "image/png", "buffer": screen}
    scanner.page.set_input_files("#picture", picture)
    scanner.page.wait_for_selector("#held [data-outcome]")
    return scanner.outcome()


def scan(made: Gate, picture: bytes) -> tuple[str, str]:
    """What the verification service says of a picture of a code: outcome and reason."""
    answer = httpx.post(f"{made.url}v1/verify", content=picture, headers={"Content-Type": "image/png"}, timeout=30)
    assert answer.status_code == 200, answer.text
    (verdict,) = answer.json()["verdicts"]
    return verdict["outcome"], verdict["reason"]


def until(made: Gate, picture: bytes, outcome: str, seconds: float) -> str:
    """Scan again and again until the outcome is there; its reason."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, reason = scan(made, picture)
        if found == outcome:
            return reason
        time.sleep(0.2)
    raise AssertionError(f"{found} ({reason}) for {seconds:g} s, not {outcome}")


def test_card_from_the_application_to_the_scan_and_to_its_revocation(
    made: Gate,
    reader: Callable[..., Reader],
    telephone: Callable[[str], Page],
    browser: Browser,
    record_property: Callable[[str, object], None],
) -> None:
    """An application comes back once with three defects, is approved, and its notification opens a card that the
    verification service calls VALID, also as it stands on the holder's telephone; within 10 s of the second officer's
    confirmation it is INVALID, revoked, and the telephone shows no code; the holder reads ground, ways of redress and
    their last day there, and objects."""
    today = made.today
    record = person_record(today, 9, surname="HALONEN", given="AINO", nationality="FIN", passport="FP9900077")
    employer, officer = reader("demo.employer"), reader("demo.officer")
    filing = file_application(employer, record, today)

    defects = {"defect__M04": "Page 2 is missing.", "defect__M06": "It is not signed.", "defect__post": "Say of what."}
    officer.open(f"{filing}/return")
    officer.send(f"{filing}/return", **defects)
    assert "Anything else?" in officer.text
    officer.send(f"{filing}/return", **defects)
    employer.open(filing)
    assert [text for text in defects.values() if text not in employer.text] == []
    employer.open(f"{filing}/edit?part=job")
    job = {name: str(record[name]) for name in ("category", "first", "until", "contract_until")}
    employer.send(f"{filing}/edit", part="job", post="Design engineer, gearboxes", **job)
    for code in ("M04", "M06"):
        hand_in(employer, filing, code, today)
    employer.open(filing)
    employer.send(f"{filing}/submit")
    assert "was submitted" in employer.text

    for step in ("pre-review", "accept"):
        officer.open(f"{filing}/{step}")
        officer.send(f"{filing}/{step}")
    officer.open(f"{filing}/approve")
    assert "8 documents are not verified" in officer.text
    for code in ("M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08"):
        officer.open(f"{filing}/check?material={code}")
        officer.send(f"{filing}/check", how="seen_original", decision="verify")
    officer.open(f"{filing}/approve")
    officer.send(f"{filing}/approve", category="B", until=str(record["until"]))
    assert "The application was approved." in officer.text

    employer.open(f"{filing}/notification")
    number, token, code = employer.codes()
    officer.open("activate")
    seen = {"notification": token, "surname": "HALONEN", "given": "AINO", "number": number, "login": "aino.halonen"}
    officer.send("activate", **seen)
    assert officer.path == "activate"
    officer.send("activate", checked="yes", **seen)
    (slip,) = officer.codes()
    holder = reader()
    holder.open("invitations/")
    holder.send("invitations/open", invitation=slip, other=code)
    holder.send("invitations/accept", password=PASSWORD, again=PASSWORD)
    holder.log_in("aino.halonen", PASSWORD, None)
    assert "In force" in holder.open("")
    picture = holder.fetch(holder.link("code.png"))
    assert until(made, picture, "VALID", 60) == "valid"
    phone = telephone("aino.halonen")
    assert phone.inner_text(".face .tag") == "In force"
    screen = phone.locator(".face .qr img").first.screenshot()
    with watched(browser, f"{made.url}?lang=en") as scanner:
        assert held_up(scanner, screen) == "VALID"
        assert "HALONEN" in scanner.text("#held")

    permit = officer.link("/portal/permits/").removeprefix("/portal/")
    officer.open(f"{permit}/hearing")
    reason = "The diploma was forged."
    officer.send(f"{permit}/hearing", end="revoked.fraud", reason=reason)
    holder.open(f"{permit}/statement")
    hearing = field(holder.here, "hearing_id")
    holder.send(f"{permit}/statement", hearing_id=hearing, statement="I did not know.")
    officer.open(f"{permit}/end")
    officer.send(f"{permit}/end", end="revoked.fraud", reason=reason)
    second = reader("demo.officer2")
    second.open("confirmations")
    second.open(second.link("/portal/confirmations/"))
    assert reason in second.text
    second.send(second.path + "/confirm")
    begun = time.monotonic()
    assert until(made, picture, "INVALID", 10) == "revoked"
    record_property("seconds until a revoked card was refused", round(time.monotonic() - begun, 1))

    with watched(browser, f"{made.url}?lang=en") as scanner:
        assert held_up(scanner, screen) == "INVALID"
        assert "cancelled" in scanner.text("#held")
    phone.reload()
    assert phone.inner_text(".face .tag") == "Ended"
    assert phone.locator(".face .qr").count() == 0
    phone.goto(f"{made.issuer}/portal/{permit}")
    text = phone.inner_text("main")
    assert "Obtained by deception or bribery" in text
    last_day = (today + timedelta(days=60)).strftime("%-d %B %Y")
    assert last_day in text
    assert phone.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
    phone.get_by_role("link", name="Object", exact=True).click()
    phone.fill("#f-grounds", "The diploma is genuine; the university confirms it.")
    phone.get_by_role("button", name="Lodge objection").click()
    assert "Lodged" in phone.inner_text("main")
