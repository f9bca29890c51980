"""Every page walked as its user: by role, in both languages and themes, on a screen and on a telephone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.portal import Town
from tests.kit.scan.browser import PHONE, SCREEN, Watched

Visiting = Callable[..., Watched]
OFFICE = True

#: Pages by role, with those that everybody has last.
PAGES: dict[str, tuple[str, ...]] = {
    "holder": (
        "",
        "cards/{card}?code=work",
        "cards/{card}/whole",
        "cards/{card}/lookups",
        "cards",
        "cards/{card}/lost",
        "lookups",
    ),
    "resident": (
        *("", "permits", "insurance", "what-if", "privacy", "privacy/requests", "privacy/requests/{request}"),
        *("privacy/requests/new?topic=permit&fact=position", "privacy/requests/new", "privacy/consents"),
        *("privacy/consents/new", "privacy/consents/new?purpose=service", "privacy/kept", "benefits"),
        *("benefits/apply?benefit=medical", "benefits/claims/{claim}", "services", "services/refusals"),
        "services/refusals/new",
        *("permits/{permit}/statement", "permits/{permit}/left", "entries"),
    ),
    "employer": (
        "",
        "staff",
        "cards/{other}",
        "organisation",
        "mandates",
        "mandates/new",
        "mandates/{mandate}",
        "mandates/{mandate}/end",
        "account/tokens",
        "account/calendar",
    ),
    "applicant": (
        *("filings", "filings/new", "filings/{draft}", "filings/{draft}/edit?part=person"),
        *(
            "filings/{draft}/edit?part=facts",
            "filings/{draft}/paper?material=M04",
            "filings/{draft}/paper?material=M08",
            "filings/{returned}",
        ),
        *("filings/{returned}/paper?material=M04", "filings/{refused}", "filings/{filing}/withdraw", "permits"),
        *("permits/{permit}", "insurance", "insurance/{insured}", "insurance/{insured}/end", "insurance/register"),
        *(
            "insurance/register-many",
            "insurance/contributions",
            "lists",
            "lists/{list}",
            "permits/many?do=extension",
            "permits/many?do=cancellation",
        ),
        "objections/new?filing={refused}",
    ),
    "agency": ("", "staff", "mandates", "mandates/{mandate}"),
    "permit_officer": (
        "",
        "search",
        "cards/{card}",
        "cards/{card}/revoke",
        "cards/{card}/suspend",
        "confirmations",
        *("cards/{suspended}/resume", "cards/{card}/replace", "cards/{card}/renew"),
        *("cards/{card}/permit-suspended", "cards/{card}/permit-good"),
    ),
    "desk": (
        *("queue", "filings/{filing}", "filings/{filing}/return", "filings/{filing}/check?material=M04", "activate"),
        *("filings/{filing}/pre-review", "filings/{accepted}/approve", "filings/{accepted}/refuse"),
        *("privacy/requests", "privacy/requests/{request}", "privacy/requests/{request}/decide?outcome=done"),
        *("slots", "slots/{slot}", "permits/{permit}/hearing", "permits/{permit}/end"),
        *("permits/{permit}/account", "permits/{permit}/merge", "filings/{filing}/accept"),
    ),
    "office_head": ("", "queue", "load", "filings/{accepted}/prolong", "objections"),
    "insurance_officer": (
        *(
            "",
            "cards/{card}",
            "cards/{card}/insurance-lapsed",
            "cards/{card}/insurance-good",
            "insurance",
            "insurance/{insured}",
        ),
        *("insurance/{insured}/heirs", "insurance/{insured}/services", "benefits", "benefits/claims/{claim}"),
        *("benefits/claims/{claim}/decide?outcome=granted", "services/refusals"),
    ),
    "inspector": (
        *("", "search", "cards/{card}?purpose=inquiry", "cards/{card}/history", "lookups/deferrals"),
        "lookups/deferrals/new",
    ),
    "auditor": ("", "audit", "audit/checkpoints", "service", "lookups/deferred"),
    "administrator": (
        "",
        "accounts",
        "accounts/new",
        "organisations",
        "organisations/new",
        "mandates",
        "outbox",
        *("accounts/{account}", "accounts/{account}/lock", "accounts/{account}/unlock", "accounts/{account}/close"),
        *("accounts/{account}/end-sessions", "accounts/{account}/reset", "organisations/{organisation}"),
        "organisations/{organisation}/close",
    ),
    "ruling": (
        *("rules", "rules?kind=deadlines", "rules/rule?name=deadlines/D06/CN/2018-02-28", "offices", "offices/new"),
        *("rules/add?like=deadlines/D06/CN/2018-02-28", "rules/end?name=deadlines/D06/CN/2018-02-28"),
        *("offices/{office}", "account/webhooks"),
    ),
}
#: Who walks pages that stand under another name than a role's.
USERS = {"applicant": "employer", "desk": "permit_officer", "ruling": "administrator"}
COMMON = ("account", "account/password", "account/contact", "account/second-factor", "account/sessions")
MORE = ("account/recovery-codes", "account/notices", "notices", "help", "privacy", "accessibility")
#: By language, sizes and themes: each pair of size, theme and language occurs; soak walks all eight.
LOOKS: dict[str, list[tuple[Any, Any]]] = {
    "zh": [(PHONE, "light"), (SCREEN, "dark")],
    "en": [(PHONE, "dark"), (SCREEN, "light")],
}
ALL = {language: [(size, theme) for size in (PHONE, SCREEN) for theme in ("light", "dark")] for language in LOOKS}
#: What is on an English page and outside of what has its own language or comes from a record.
_STRAYS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    const free = parent.closest("bdi, [lang=zh-Hans], option, textarea, script");
    if (!free && /[\\u4e00-\\u9fff]/.test(walker.currentNode.data))
      found.push(walker.currentNode.data.trim());
  }
  return found;
}"""


def walk(page: Watched, made: Town, role: str, looks: dict[str, list[tuple[Any, Any]]], every: bool) -> None:
    """Walk a role's pages in each look; axe-core looks at every page once, or in every look."""
    paths = (*PAGES[role], *COMMON, *MORE) if role in ("holder", "administrator") else PAGES[role]
    turns = itertools.cycle(range(sum(map(len, looks.values()))))
    for path in paths:
        turn = next(turns)
        for language, sizes in looks.items():
            address = made.path(path)
            answer = page.page.goto(address + ("&" if "?" in address else "?") + f"lang={language}")
            where = f"{role} {path} {language}"
            assert answer is not None, where
            assert answer.status == 200, where
            assert page.page.locator("h1").count() == 1, where
            assert page.page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-Hans"}[language]
            if language == "en":
                assert page.page.evaluate(_STRAYS) == [], where
            for size, theme in sizes:
                page.page.set_viewport_size(size)
                page.page.emulate_media(color_scheme=theme)
                look = f"{where} {size['width']} {theme}"
                assert page.overflow() == 0, look
                if every or turn == 0:
                    assert page.faults() == [], look
                turn -= 1


@pytest.mark.slow
@pytest.mark.parametrize("role", PAGES)
def test_pages_of_a_role(visiting: Visiting, served: Town, role: str) -> None:
    """Each page of a role answers, fits, has one heading, no stray Chinese in English, and no serious fault."""
    walk(visiting("", USERS.get(role, role)), served, role, LOOKS, False)


@pytest.mark.soak
@pytest.mark.parametrize("role", PAGES)
def test_pages_of_a_role_in_all_eight_views(visiting: Visiting, served: Town, role: str) -> None:
    """The same in every size, theme and language, with axe-core each time."""
    walk(visiting("", USERS.get(role, role)), served, role, ALL, True)


@pytest.mark.parametrize("role", ["holder", "administrator"])
def test_first_page_fits_the_narrowest_telephone(visiting: Visiting, served: Town, role: str) -> None:
    """At 320 pixels nothing scrolls sideways."""
    page = visiting("", role, viewport={"width": 320, "height": 568})
    assert page.overflow() == 0
    page.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.overflow() == 0


def test_holder_sees_the_code_and_the_state_without_scrolling(visiting: Visiting) -> None:
    """On a telephone the state, the whole code and the name are on the first screen."""
    page = visiting("?lang=en", "holder", viewport=PHONE)
    assert page.text(".face .tag") == "In force"
    for part in (".face .tag", ".face .qr img", ".face .who b"):
        box = page.page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= PHONE["height"], part
