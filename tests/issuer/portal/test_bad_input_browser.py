"""What people do to forms in a browser without meaning to: back after an act, a session that ends, a wrong clock,
two clients in two tabs, and nothing at all where a page goes on by itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from issuer.accounts import sessions
from issuer.accounts.mandates import give_mandate
from issuer.insurance import registration
from issuer.permits import offices
from issuer.portal.subjects import insurance
from issuer.service.cookies import SESSION
from tests.kit.insured import new_registration
from tests.kit.people import PASSWORD, make, organisation
from tests.kit.portal import Town, enter

OFFICE = True
pytestmark = [pytest.mark.slow, pytest.mark.walk]
Entering = Callable[..., Page]


@pytest.fixture
def entering(browser: Browser, served: Town) -> Iterator[Entering]:
    """Logs a person in, in a browser of their own, in English."""
    with ExitStack() as stack:

        def entered(role: str, path: str = "", **options: Any) -> Page:
            context = browser.new_context(locale="en-GB", **options)
            stack.callback(context.close)
            page = context.new_page()
            enter(page, served, role)
            page.goto(served.path(path))
            return page

        yield entered


def test_back_after_a_message_shows_it_and_sends_no_second_one(entering: Entering) -> None:
    """The page is asked for anew, so that it has the message, and its form is empty."""
    page = entering("employer", "filings/{filing}")
    page.fill("#f-message", "When will you look at it?")
    page.get_by_role("button", name="Send").click()
    assert page.get_by_text("When will you look at it?").count() == 1
    page.go_back()
    page.wait_for_load_state()
    assert page.get_by_text("When will you look at it?").count() == 1
    assert page.input_value("#f-message") == "", "what was sent is not typed again by the browser"
    page.get_by_role("button", name="Send").click()
    assert "Fill in this field" in page.inner_text(".summary-errors")
    assert page.locator("#messages").get_by_text("When will you look at it?").count() == 1


def test_back_to_a_form_that_was_saved_changes_it_again(entering: Entering) -> None:
    """The second change is made on what the first has saved; neither is refused as out of date."""
    page = entering("employer", "filings/{draft}/edit?part=job")
    for post in ("Weaver", "Dyer"):
        page.fill("#f-post", post)
        page.get_by_role("button", name="Save").click()
        assert "Saved" in page.inner_text(".banner")
        assert post in page.inner_text("main")
        page.go_back()
        page.wait_for_load_state()
        assert page.input_value("#f-post") == post


def test_back_to_an_act_that_is_done_says_that_it_is_done(entering: Entering) -> None:
    """An application that was withdrawn is not withdrawn again: the page says in which state it is, and why not."""
    page = entering("employer", "filings/{returned}/withdraw")
    page.get_by_role("button", name="Withdraw").click()
    assert "Withdrawn before a decision." in page.inner_text("main")
    page.go_back()
    page.wait_for_load_state()
    assert "Withdrawn" in page.inner_text("main .facts")
    page.get_by_role("button", name="Withdraw").click()
    assert page.locator(".summary-errors").count() == 1
    assert "500" not in page.inner_text("h1")


def test_back_after_the_log_out_shows_nothing(entering: Entering) -> None:
    """No page of a person stays in the browser: going back leads to the log-in."""
    page = entering("resident", "permits")
    assert "LINDQVIST ASTRID" in page.inner_text("main")
    page.get_by_role("button", name="Log out").first.click()
    page.go_back()
    page.wait_for_load_state()
    assert "log-in" in page.url
    assert "LINDQVIST" not in page.content()


def test_part_of_an_application_survives_the_end_of_the_session(entering: Entering, served: Town) -> None:
    """What was typed comes back after the log-in, on the form of the same part, and is saved from there."""
    page = entering("employer", "filings/{draft}/edit?part=person")
    page.fill("#f-surname", "MUSTERFRAU")
    page.fill("#f-passport", "C01X77777")
    token = next(each["value"] for each in page.context.cookies() if each["name"] == SESSION)
    sessions.log_out(served.issuing_service.core, token)
    page.get_by_role("button", name="Save").click()
    assert "What you typed is kept" in page.inner_text(".banner")
    page.fill("#f-login", served.people["employer"].login)
    page.fill("#f-password", PASSWORD)
    page.click("button.primary")
    page.get_by_role("button", name="Continue").click()
    assert page.inner_text("h1") == "Person and passport"
    assert page.input_value("#f-surname") == "MUSTERFRAU"
    page.get_by_role("button", name="Save").click()
    assert "MUSTERFRAU" in page.inner_text("main")
    assert "C01X77777" in page.inner_text("main")


def test_clock_and_time_zone_of_the_device_change_no_day(entering: Entering) -> None:
    """A device four years ahead, in Los Angeles, shows the same days, days left and Beijing time as a right one."""
    right = entering("resident")
    wrong = entering("resident", timezone_id="America/Los_Angeles")
    wrong.context.clock.install(time="2030-02-28T23:30:00Z")
    for path in ("permits", "insurance", "benefits", "notices", "privacy/requests"):
        for page in (right, wrong):
            page.goto(f"{page.url.partition('/portal/')[0]}/portal/{path}")
        there, here = (_steady(page.inner_text("body")) for page in (wrong, right))
        assert there == here, path
    assert "2030" not in wrong.inner_text("body")


def _steady(text: str) -> str:
    """A page's words without the seconds of a clock that runs."""
    return re.sub(r"\d\d:\d\d:\d\d", "", text)


def test_two_clients_in_two_tabs_get_each_its_own_application(entering: Entering, served: Town) -> None:
    """The client is in the form: what the other tab has begun meanwhile changes nothing, each page names its own."""
    service = served.issuing_service
    second_id = organisation(service, "employer", 62)
    second = make(service, "employer", "employer.second", organisation_id=second_id)
    now = int(service.clock.at)
    give_mandate(service.core, second.who(), served.agency_id, second_id, now, now + 86_400)
    offices.verify_employer(service.core, served.people["permit_officer"].who(), second_id, "310115", None)
    first = entering("agency", "filings/new")
    other = first.context.new_page()
    other.goto(served.path("filings/new"))
    for tab, client in ((first, served.employer_id), (other, second_id)):
        tab.select_option("#f-employer_id", client)
        tab.get_by_label("Permit before entry").check()
    for tab in (other, first):
        tab.get_by_role("button", name="Start draft").click()
    for tab, mine, theirs in (
        (first, "Organisation 1", "Organisation 62"),
        (other, "Organisation 62", "Organisation 1"),
    ):
        tab.reload()
        assert mine in tab.inner_text("main")
        assert re.search(rf"{theirs}\b", tab.inner_text("main")) is None


def test_running_clock_on_the_card_is_the_services_in_beijing(entering: Entering, served: Town) -> None:
    """The time beside a code runs by the service's clock, also on a device that is wrong by years."""
    page = entering("holder", timezone_id="America/Los_Angeles")
    page.context.clock.install(time="2030-02-28T23:30:00Z")
    page.goto(served.path("cards/{card}/whole"))
    minutes = {
        time.strftime("%H:%M", time.gmtime(served.issuing_service.clock.at + 8 * 3600 + more)) for more in (0, 60)
    }
    assert page.inner_text("time[data-clock]")[:5] in minutes


def test_check_of_the_staff_goes_on_by_itself_until_everybody_was_checked(
    entering: Entering, served: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One person a step: the address of the last steps is the same, and going back leads to no earlier step."""
    monkeypatch.setattr(insurance, "AT_FIRST", 1)
    monkeypatch.setattr(insurance, "_LOOKS", {"on": 1, "all": None})
    core, officer = served.issuing_service.core, served.people["insurance_officer"]
    for number in (81, 82, 83):
        registration.register(core, officer.who(), new_registration(number, employer_id=served.employer_id))
    page = entering("employer")
    page.goto(served.path("insurance"))
    page.get_by_text("Staff on record").wait_for()
    assert page.locator("progress").count() == 0
    assert page.url.endswith("insurance?look=on&after=")
    page.go_back()
    page.wait_for_load_state()
    assert page.url.endswith("/portal/")
