"""The holder's codes without a connection: kept on request alone, shown offline, renewed, removed."""

from __future__ import annotations

from collections.abc import Callable

from icard_crypto import qr
from issuer import cards
from issuer.cards import Reissue
from tests.kit.people import HOST
from tests.kit.portal import Town, enter
from tests.kit.scan.browser import PHONE, Watched, forgive

Visiting = Callable[..., Watched]
_KEPT = "caches.has('icard-kept')"


def shown(page: Watched) -> str:
    """The text of the code on the screen."""
    [code] = qr.read(page.page.locator(".qr").first.screenshot())
    return str(code.content)


def test_nothing_is_kept_before_it_is_asked_for(visiting: Visiting) -> None:
    page = visiting("?lang=en", "holder", viewport=PHONE)
    page.page.wait_for_selector("[data-keep]:not([hidden])")
    assert page.page.evaluate("caches.keys()") == []
    assert page.page.evaluate("navigator.serviceWorker.getRegistrations().then(all => all.length)") == 0


def test_codes_are_kept_shown_offline_renewed_and_removed(visiting: Visiting, served: Town) -> None:
    """Kept codes open without a connection, any of them, after the log-out too; opening the card with a connection
    renews them; removed, nothing is left."""
    page = visiting("?lang=en", "holder", viewport=PHONE)
    tab, context = page.page, page.page.context
    tab.get_by_role("button", name="Keep on this phone").click()
    tab.get_by_role("button", name="Remove from this phone").wait_for()
    first = shown(page)
    tab.wait_for_function("navigator.serviceWorker.controller !== null")

    context.set_offline(True)
    tab.goto(served.url)
    assert "Kept on this phone on" in tab.inner_text("main")
    assert shown(page) == first
    tab.get_by_role("link", name="At work or an inspection").click()
    assert "At work or an inspection" in tab.inner_text("main")
    assert shown(page) != first
    assert page.overflow() == 0
    context.set_offline(False)

    served.issuing_service.later()
    cards.replace(served.issuing_service.core, Reissue(served.cards[0]), HOST)
    tab.goto(served.url)
    second = shown(page)
    assert second != first
    tab.wait_for_load_state("networkidle")
    tab.goto(served.url + "account")
    tab.get_by_role("button", name="Log out").click()
    tab.wait_for_url("**/log-in**")
    context.set_offline(True)
    tab.goto(served.url)
    assert shown(page) == second
    context.set_offline(False)

    enter(tab, served, "holder")
    tab.get_by_role("button", name="Remove from this phone").click()
    tab.get_by_role("button", name="Keep on this phone").wait_for()
    assert tab.evaluate(_KEPT) is False
    forgive(page, ("net::ERR_INTERNET_DISCONNECTED",))


def test_employer_is_not_offered_to_keep_the_codes_of_staff(visiting: Visiting) -> None:
    page = visiting("cards/{other}", "employer")
    assert page.page.locator("[data-keep]").count() == 0
