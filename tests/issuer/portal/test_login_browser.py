"""Logging in as people do it: with a keyboard, without scripts, by an invitation, and after a session has ended."""

from __future__ import annotations

from collections.abc import Callable

import pyotp
import pytest

from issuer.accounts import host, sessions
from issuer.accounts.changes import NewAccount
from issuer.service.cookies import SESSION
from tests.kit.people import HOST, PASSWORD
from tests.kit.portal import Town, enter
from tests.kit.scan.browser import Watched, forgive

Visiting = Callable[..., Watched]
#: Chromium's note on an answer that says that something was refused.
REFUSED = ("the server responded with a status of",)


def test_log_in_with_the_keyboard_alone(visiting: Visiting, served: Town) -> None:
    """Tab reaches the fields in reading order; Enter logs in; Escape and mouse are not needed."""
    page = visiting("log-in?lang=en")
    keys = page.page.keyboard
    keys.press("Tab")
    assert page.page.evaluate("document.activeElement.className") == "skip"
    keys.press("Enter")
    for _ in range(10):
        keys.press("Tab")
        if page.page.evaluate("document.activeElement.id") == "f-login":
            break
    keys.type(served.people["holder"].login)
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.page.wait_for_selector(".face")
    assert page.text("h1") == "My card"


def test_wrong_password_keeps_the_name_and_says_what_to_do(visiting: Visiting, served: Town) -> None:
    """The summary has the focus and the title says that there is an error; the password is not sent back."""
    page = visiting("log-in?lang=en")
    page.page.fill("#f-login", "nobody")
    page.page.fill("#f-password", "wrong password here")
    page.page.click("button.primary")
    page.page.wait_for_selector(".summary-errors:focus")
    assert page.page.title().startswith("Error:")
    assert "not right" in page.text(".summary-errors")
    assert page.page.input_value("#f-login") == "nobody"
    assert page.page.input_value("#f-password") == ""
    forgive(page, REFUSED)


def test_empty_form_names_every_field(visiting: Visiting) -> None:
    """Each error is a link to its field."""
    page = visiting("log-in?lang=zh")
    page.page.click("button.primary")
    links = page.page.locator(".summary-errors a")
    assert links.count() == 2
    links.nth(1).click()
    assert page.page.evaluate("document.activeElement.id") == "f-password"
    forgive(page, REFUSED)


def test_second_factor_leads_to_the_page_that_was_asked_for(visiting: Visiting, served: Town) -> None:
    """An officer who follows a link logs in with both factors and is there; before the second one no page opens."""
    page = visiting("confirmations")
    officer = served.people["permit_officer"]
    assert page.page.url.endswith("log-in?next=%2Fportal%2Fconfirmations")
    page.page.fill("#f-login", officer.login)
    page.page.fill("#f-password", PASSWORD)
    page.page.click("button.primary")
    page.page.goto(served.path("search"))
    assert "/second-factor?next=" in page.page.url
    assert page.page.locator(".nav").count() == 0
    page.page.fill("#f-code", officer.code())
    page.page.click("button.primary")
    page.page.wait_for_selector(".nav")
    assert page.page.url.endswith("/portal/search")


def test_everything_works_without_scripts(visiting: Visiting, served: Town) -> None:
    """Log in, choose another code, open it whole, end another session, log out: by forms and links alone."""
    page = visiting("log-in?lang=en", java_script_enabled=False)
    enter(page.page, served, "holder")
    page.page.get_by_role("link", name="At work or an inspection").click()
    assert "code=work" in page.page.url
    page.page.get_by_role("link", name="Full screen").click()
    page.page.get_by_role("link", name="Close").click()
    page.page.get_by_role("link", name="Account", exact=True).click()
    page.page.get_by_role("button", name="Log out").last.click()
    assert "You are logged out" in page.text(".banner")
    page.page.goto(served.url)
    assert "log-in" in page.page.url


def test_invitation_is_taken_up_from_its_link(visiting: Visiting, served: Town) -> None:
    """The secret behind # comes into the form and leaves the address; account, app and recovery codes follow; the new
    person logs in."""
    new = NewAccount(role="inspector", login="new.inspector", name="New", identity="ID-NEW")
    invited = host.add(served.issuing_service.core, new, HOST)
    page = visiting(f"invitations/#{invited.token}")
    page.page.wait_for_function("document.getElementById('f-invitation').value !== ''")
    assert "#" not in page.page.url
    page.page.click("button.primary")
    secret = page.page.locator(".totp .code").inner_text()
    page.page.fill("#f-password", PASSWORD)
    page.page.fill("#f-again", PASSWORD + "!")
    page.page.fill("#f-code", pyotp.TOTP(secret).at(int(served.issuing_service.clock.at)))
    page.page.click("button.primary")
    assert page.page.locator(".field.wrong #f-again").count() == 1
    page.page.fill("#f-password", PASSWORD)
    page.page.fill("#f-again", PASSWORD)
    page.page.fill("#f-code", pyotp.TOTP(secret).at(int(served.issuing_service.clock.at)))
    page.page.click("button.primary")
    assert page.page.locator(".secrets li").count() == 10
    page.page.goto(served.url + "log-in")
    page.page.fill("#f-login", "new.inspector")
    page.page.fill("#f-password", PASSWORD)
    page.page.click("button.primary")
    assert "second-factor" in page.page.url
    forgive(page, REFUSED)


def test_form_whose_session_has_ended_comes_back_after_the_log_in(visiting: Visiting, served: Town) -> None:
    """What was typed into a form survives the end of the session, secrets excepted; nothing is done before it is sent
    again."""
    page = visiting("account/contact?lang=en", "holder")
    page.page.fill("#f-email", "anna@example.cn")
    page.page.fill("#f-password", PASSWORD)
    token = next(each["value"] for each in page.page.context.cookies() if each["name"] == SESSION)
    sessions.log_out(served.issuing_service.core, token)
    page.page.click("button.primary")
    assert "What you typed is kept" in page.text(".banner")
    page.page.fill("#f-login", served.people["holder"].login)
    page.page.fill("#f-password", PASSWORD)
    page.page.click("button.primary")
    page.page.get_by_role("button", name="Continue").click()
    assert page.page.input_value("#f-email") == "anna@example.cn"
    assert page.page.input_value("#f-password") == ""
    page.page.fill("#f-password", PASSWORD)
    page.page.click("button.primary")
    assert "contact details were changed" in page.text(".banner")
    assert "anna@example.cn" in page.text(".facts")
    forgive(page, REFUSED)


def test_page_of_an_earlier_session_gives_back_what_was_typed(visiting: Visiting, served: Town) -> None:
    """A form that was opened before somebody logged in again in another tab is not obeyed, and not lost."""
    page = visiting("account/contact?lang=en", "holder")
    page.page.fill("#f-email", "tab@example.cn")
    other = page.page.context.new_page()
    enter(other, served, "holder")
    page.page.click("button.primary")
    assert "opened in an earlier session" in page.text("h1")
    page.page.get_by_role("button", name="Continue with what I typed").click()
    assert page.page.input_value("#f-email") == "tab@example.cn"
    forgive(page, REFUSED)


@pytest.mark.parametrize("scripts", [True, False])
def test_language_switched_in_the_middle_of_a_form_keeps_it(visiting: Visiting, scripts: bool) -> None:
    """The form comes back in the other language with its values, and nothing was done."""
    page = visiting("account/contact?lang=en", "holder", java_script_enabled=scripts)
    page.page.fill("#f-email", "middle@example.cn")
    page.page.get_by_role("button", name="中文").click()
    assert page.page.input_value("#f-email") == "middle@example.cn"
    assert page.text("h1") == "联系方式"
    page.page.goto(page.page.url)
    assert page.text("h1") == "联系方式"


def test_session_ended_elsewhere_ends_here(visiting: Visiting, served: Town) -> None:
    """Whoever ends all other sessions is alone."""
    page = visiting("account/sessions?lang=en", "holder")
    other = page.page.context.browser.new_context()  # type: ignore[union-attr]
    tab = other.new_page()
    enter(tab, served, "holder")
    page.page.reload()
    page.page.get_by_role("button", name="End all other sessions").click()
    assert "All your other sessions were ended" in page.text(".banner")
    tab.goto(served.url)
    assert "log-in" in tab.url
    other.close()
