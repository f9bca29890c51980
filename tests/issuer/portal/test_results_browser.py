"""Pages that only an act leads to, looked at as the others are: before and after the log-in, and what is shown once."""

from __future__ import annotations

from collections.abc import Callable

import pyotp
import pytest

from icard_crypto.errors import Language
from issuer.accounts import host, invitations, sessions
from issuer.accounts.changes import NewAccount
from issuer.permits.activation import notification_of
from issuer.service.cookies import SESSION
from tests.issuer.portal.test_walks_browser import LOOKS, look
from tests.kit.people import HOST, PASSWORD
from tests.kit.portal import Town
from tests.kit.scan.browser import Watched, forgive

pytestmark = [pytest.mark.slow, pytest.mark.walk]
Visiting = Callable[..., Watched]
FURNISHED = True
#: Chromium's note on an answer that says that something was refused.
REFUSED = ("the server responded with a status of",)
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Looking:
    """Somebody before the pages in one language; each page that is named is looked at in the looks of that language,
    and by axe-core in one of them in turn."""

    def __init__(self, page: Watched, language: Language) -> None:
        self.page, self.language, self.sizes = page, language, LOOKS[language]
        self.count = 0

    def fill(self, **fields: str) -> None:
        """Fill fields in by their names."""
        for name, value in fields.items():
            self.page.page.fill(f"#f-{name}", value)

    def send(self, where: str) -> None:
        """Press the first button of the page's form, and look at where it leads."""
        with self.page.page.expect_navigation():
            self.page.page.click("main button.primary")
        self.look(where)

    def look(self, where: str) -> None:
        """Look at the page that is open."""
        look(self.page, f"{where} {self.language}", self.language, self.sizes, {self.count % len(self.sizes)})
        self.count += 1


def code_of(served: Town, secret: str) -> str:
    """What an authenticator app shows next."""
    served.issuing_service.later()
    return pyotp.TOTP(secret).at(int(served.issuing_service.clock.at))


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_the_log_in_the_second_factor_an_invitation_and_recovery(
    visiting: Visiting, served: Town, language: Language
) -> None:
    """From the invitation to the first page, with each form refused once; then a form whose session has ended, through
    both factors; recovery codes made anew."""
    new = NewAccount("inspector", f"new.{language}", "Zhang Wei", identity=f"ID-{language}", language=language)
    token = host.add(served.issuing_service.core, new, HOST).token
    assert token is not None
    one = Looking(visiting(f"invitations/?lang={language}"), language)
    one.send("an invitation that is empty")
    one.fill(invitation="not.one")
    one.send("an invitation that is unknown")
    one.fill(invitation=token)
    one.send("an invitation that was opened")
    secret = one.page.text(".totp .code")
    one.fill(password=PASSWORD, again=f"{PASSWORD}!", code="000000")
    one.send("two passwords that differ")
    one.fill(password=PASSWORD, again=PASSWORD, code=code_of(served, secret))
    one.send("recovery codes of a new account")
    assert one.page.page.locator(".secrets li").count() == 10

    one.page.page.goto(served.url + "account")
    one.send("a log-in that is empty")
    one.fill(login=f"new.{language}", password="not the password")
    one.send("a log-in that is wrong")
    one.fill(login=f"new.{language}", password=PASSWORD)
    one.send("the second factor")
    one.fill(code="000000")
    one.send("a second factor that is wrong")
    one.fill(code=code_of(served, secret))
    one.send("the account")
    assert one.page.page.url.endswith("/portal/account")

    one.page.page.goto(served.url + "account/contact")
    one.fill(email="zhang@example.cn", password=PASSWORD)
    session = next(each["value"] for each in one.page.page.context.cookies() if each["name"] == SESSION)
    sessions.log_out(served.issuing_service.core, session)
    one.send("the log-in before a form that was sent too late")
    one.fill(login=f"new.{language}", password=PASSWORD)
    one.send("the second factor before that form")
    one.fill(code=code_of(served, secret))
    one.send("what was typed is there")
    one.send("the form again")
    assert one.page.page.input_value("#f-email") == "zhang@example.cn"

    one.page.page.goto(served.url + "account/recovery-codes")
    one.fill(password=PASSWORD)
    one.send("recovery codes anew")
    assert one.page.page.locator(".secrets li").count() == 10
    one.page.page.goto(f"{served.url}cards/{'0' * 32}")
    one.look("a page that is not there")
    forgive(one.page, REFUSED)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_that_show_something_once(visiting: Visiting, served: Town, language: Language) -> None:
    """The secret of a webhook, a token, a calendar's address, and the slip of a person who is activated."""
    one = Looking(visiting(f"account/webhooks?lang={language}", "employer"), language)
    one.page.page.goto(f"{served.url}account/webhooks?lang={language}")
    one.fill(url="no address")
    one.send("a webhook that is refused")
    one.fill(url=f"https://hooks.example/{language}")
    one.send("the secret of a webhook")
    one.page.page.goto(served.url + "account/calendar")
    one.send("the address of a calendar")
    one.page.page.goto(served.url + "account/tokens")
    one.send("a token that is refused")
    one.fill(label="A program", days="30")
    one.page.page.locator("input[name=scopes]").first.check()
    if one.page.page.locator("#f-code").count():
        one.fill(code=served.people["employer"].code())
    one.send("a token")
    forgive(one.page, REFUSED)


def test_slip_of_an_account_after_an_activation(visiting: Visiting, served: Town) -> None:
    """The officer's page after the person at the window was checked."""
    core, employer = served.issuing_service.core, served.people["employer"]
    note = notification_of(core, employer.who(), served.ids["approved"])
    one = Looking(visiting("activate?lang=zh", "permit_officer"), "zh")
    one.page.page.goto(f"{served.url}activate?lang=zh")
    one.send("an activation that is empty")
    one.fill(notification=note["token"], surname="MOREAU", given="CLAIRE", number=note["number"])
    one.fill(login="claire.moreau")
    one.page.page.select_option("#f-language", "en")
    one.page.page.check("input[name=checked]")
    one.send("the slip of an activated person")
    assert one.page.page.locator(".sheet .code").count() == 1
    shown = one.page.page.inner_text(".sheet")
    assert "claire.moreau" in shown
    assert f"{served.url}invitations/" in shown
    secret = f"{one.page.page.inner_text('.sheet .code').strip()}.{note['account_code']}"
    opened = invitations.open_invitation(core, secret, None)
    assert (opened.login, opened.language) == ("claire.moreau", "en"), "the person's language, not the officer's"
    forgive(one.page, REFUSED)
