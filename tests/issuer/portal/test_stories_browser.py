"""Stories through the pages: what several people do one after the other, each in a browser of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pyotp
import pytest
from playwright.sync_api import Browser, Page

from tests.kit.people import PASSWORD, credit_code
from tests.kit.portal import Town, enter, running_portal, town

Entering = Callable[[str], Page]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service of its own: cards end in these stories."""
    made = town(tmp_path_factory.mktemp("stories"))
    with running_portal(made):
        yield made
    made.issuing_service.core.close()


@pytest.fixture
def entering(browser: Browser, served: Town) -> Iterator[Entering]:
    """Logs a person in, in a browser of their own, in English."""
    with ExitStack() as stack:

        def entered(role: str) -> Page:
            context = browser.new_context(locale="en-GB")
            stack.callback(context.close)
            page = context.new_page()
            enter(page, served, role)
            return page

        yield entered


def test_two_officers_revoke_and_the_holder_reads_it(entering: Entering, served: Town) -> None:
    """One officer asks and gets no button to confirm; another one confirms with a fresh code; the holder sees the card
    ended, without a code, and finds both looks in the log."""
    first = entering("permit_officer")
    first.get_by_role("link", name="Find a card").first.click()
    first.get_by_label("Name", exact=True).check()
    first.fill("#f-value", "Hannelore Brigitta Vogel")
    first.get_by_role("button", name="Find").click()
    first.get_by_role("link", name="Card 1").click()
    first.get_by_role("link", name="Ask for revocation").click()
    first.get_by_role("button", name="Ask for revocation").click()
    assert "Fill in this field" in first.inner_text(".summary-errors")
    served.issuing_service.later(600)
    first.fill("#f-reason", "Obtained with a false certificate.")
    first.get_by_role("button", name="Ask for revocation").click()
    assert "less than five minutes old" in first.inner_text(".summary-errors")
    assert first.input_value("#f-reason") == "Obtained with a false certificate."
    first.fill("#f-code", served.people["permit_officer"].code())
    first.get_by_role("button", name="Ask for revocation").click()
    assert "waits for a second officer" in first.inner_text(".banner")
    first.get_by_role("link", name="Revoke a card").click()
    assert first.get_by_role("button", name="Confirm").count() == 0
    assert "You asked for this" in first.inner_text("main")

    second = entering("second_permit_officer")
    assert "1 request waits" in second.inner_text(".banner")
    second.get_by_role("link", name="See them").click()
    second.get_by_role("link", name="Revoke a card").click()
    text = second.inner_text("main")
    assert "Obtained with a false certificate." in text
    assert "permit_officer-1" in text
    second.get_by_role("button", name="Confirm").click()
    assert "Confirmed and done" in second.inner_text(".banner")

    holder = entering("holder")
    assert holder.inner_text(".face .tag") == "Ended"
    assert holder.locator(".face .qr").count() == 0
    assert "no longer accepted" in holder.inner_text(".banner")
    assert holder.get_by_role("link", name="Full screen").count() == 0
    holder.get_by_role("link", name="Who looked me up").click()
    assert holder.get_by_text("Permit officer").count() >= 2
    holder.get_by_role("link", name=re.compile("Notices")).first.click()
    assert holder.get_by_text("An Integrated Card was withdrawn").count() >= 1


def test_administrators_open_an_official_account_together(entering: Entering, served: Town) -> None:
    """One asks, another confirms, each hands one part of the invitation over; the new inspector sets the account up."""
    first = entering("administrator")
    first.get_by_role("link", name="Accounts", exact=True).first.click()
    first.get_by_role("link", name="New account").click()
    first.select_option("#f-role", "inspector")
    for field, value in {
        "login": "inspector.new",
        "name": "Zhang Wei",
        "identity": "ID-ZHANG",
        "reason": "New",
    }.items():
        first.fill(f"#f-{field}", value)
    if first.locator("#f-code").count():
        first.fill("#f-code", served.people["administrator"].code())
    first.get_by_role("button", name="Make account").click()
    first_part = first.inner_text("main .code")

    second = entering("second_administrator")
    second.get_by_role("link", name="See them").click()
    second.get_by_role("link", name="Open an official account").click()
    assert "Zhang Wei" in second.inner_text("main")
    second.get_by_role("button", name="Confirm").click()
    token = f"{first_part}.{second.inner_text('main .code')}"

    page = entering("holder")
    page.goto(served.url + "invitations/")
    page.fill("#f-invitation", token)
    page.get_by_role("button", name="Continue").click()
    secret = page.inner_text(".totp .code")
    page.fill("#f-password", PASSWORD)
    page.fill("#f-again", PASSWORD)
    page.fill("#f-code", pyotp.TOTP(secret).at(int(served.issuing_service.clock.at)))
    page.get_by_role("button", name="Set up account").click()
    assert page.locator(".secrets li").count() == 10


def test_employer_gives_a_mandate_and_the_agency_sees_the_staff_until_it_ends(entering: Entering, served: Town) -> None:
    """The agency's name is shown before anything is given; a wrong code and a day in the past are said at their
    fields; after the end the staff are gone."""
    employer, agency = entering("employer"), entering("agency")
    employer.get_by_role("link", name="Mandates").first.click()
    employer.get_by_role("link", name="End").first.click()
    employer.get_by_role("button", name="End mandate").click()
    agency.goto(served.url + "staff")
    assert agency.get_by_text("NGUYEN VAN AN").count() == 0

    employer.get_by_role("link", name="Give a mandate").click()
    employer.fill("#f-credit_code", credit_code(77))
    employer.fill("#f-until", "2027-03-31")
    employer.get_by_role("button", name="Continue").click()
    assert "No agency with this code" in employer.inner_text(".field.wrong .error")
    employer.fill("#f-credit_code", credit_code(2).lower())
    employer.fill("#f-until", "2020-01-01")
    employer.get_by_role("button", name="Continue").click()
    assert "past" in employer.inner_text(".field.wrong .error")
    employer.fill("#f-until", "2027-03-31")
    employer.get_by_role("button", name="Continue").click()
    assert "Organisation 2" in employer.inner_text(".decision")
    employer.get_by_role("button", name="Give mandate").click()
    assert "The mandate was given" in employer.inner_text(".banner")
    agency.reload()
    assert agency.get_by_text("NGUYEN VAN AN").count() == 1
    assert "Organisation 1" in agency.goto(served.url + "mandates").text()  # type: ignore[union-attr]


def test_insurance_lapses_and_is_restored_on_the_holders_page(entering: Entering, served: Town) -> None:
    """An insurance officer notes a lapse and its end; the employer's list says so meanwhile."""
    officer, employer = entering("insurance_officer"), entering("employer")
    officer.goto(served.path("cards/{other}"))
    officer.get_by_role("link", name="Note that insurance has lapsed").click()
    officer.fill("#f-reason", "October was not paid.")
    officer.get_by_role("button", name="Note lapse").click()
    employer.goto(served.path("cards/{other}"))
    assert "lapsed" in employer.inner_text(".rows")
    officer.get_by_role("link", name="Restore insurance").click()
    officer.fill("#f-reason", "Paid.")
    officer.get_by_role("button", name="Restore insurance").click()
    employer.reload()
    assert "paid to" in employer.inner_text(".rows")


def test_auditor_verifies_the_chain_and_sees_pseudonyms_alone(entering: Entering, served: Town) -> None:
    auditor = entering("auditor")
    auditor.get_by_role("link", name="Audit trail").first.click()
    assert "permit_officer-1" not in auditor.inner_text("main")
    auditor.locator("tbody td a").first.click()
    assert "Only acts" in auditor.inner_text("main")
    auditor.get_by_role("button", name="Verify the chain").click()
    assert auditor.inner_text("h1") == "The chain is whole"


def test_own_second_factor_is_set_up_and_used(entering: Entering, served: Town) -> None:
    """An employer sets an authenticator app up: all sessions end, and the next log-in asks for its code."""
    page = entering("employer")
    page.goto(served.url + "account/second-factor")
    secret = page.inner_text(".totp .code")
    page.fill("#f-code", pyotp.TOTP(secret).at(int(served.issuing_service.clock.at)))
    page.fill("#f-password", PASSWORD)
    page.get_by_role("button", name="Use this app").click()
    codes = page.locator(".secrets li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    page.fill("#f-login", served.people["employer"].login)
    page.fill("#f-password", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.fill("#f-code", codes[0])
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector(".nav")
