"""Every form of the portal, found on its pages and filled in as an attacker or a careless person would."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from issuer.portal import BASE, make_portal
from issuer.portal.pages import Pages
from issuer.portal.subjects import SUBJECTS
from issuer.service.app import make_service
from tests.issuer.portal.test_guard import Person, of
from tests.kit.furnished_town import furnish
from tests.kit.people import make, organisation
from tests.kit.portal import Town, town
from tests.kit.walked_pages import PAGES, USERS, paths_of
from verifier.runtime import http

pytestmark = [pytest.mark.slow, pytest.mark.walk]

#: Never on a page as it is: a mark that nothing else has.
_MARK = "<i7x onmouseover=alert(7)>"
#: What is put into every field that takes text: empty, huge, markup, bidi controls, a formula, what ends an attribute.
_VALUES = {
    "empty": "",
    "huge": "x" * 5000,
    "markup": f"{_MARK}</textarea></select><script>alert(7)</script>",
    "bidi": "\u202etxet\u2066 \u200f",
    "formula": '=HYPERLINK("https://evil.example")',
    "attribute": f"\"'><{_MARK}",
}
#: Whose pages have no form with a field for text.
_WITHOUT_FORMS = {"auditor", "agency", "beijinger", "confirming", "second_administrator"}
_TEXTS = ("text", "date", "email", "tel", "number", "search", "url", "time", "")


@dataclass
class Form:
    """A form: where it leads, what it sends by itself, its fields for text, and what there is to choose from."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)

    def filled(self, value: str) -> dict[str, str]:
        """What it sends with this in all fields for text."""
        return {**self.hidden, **self.choices, **dict.fromkeys(self.texts, value)}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method") == "post":
            self.found.append(Form(urlsplit(given["action"]).path.removeprefix(BASE)))
        if not self.found:
            return
        form, name = self.found[-1], given.get("name", "")
        if tag == "textarea" or (tag == "input" and given.get("type", "") in _TEXTS and name):
            form.texts.append(name)
        elif tag == "input" and given.get("type") == "hidden":
            form.hidden[name] = given.get("value", "")
        elif tag == "input" and given.get("type") in ("radio", "checkbox") and name:
            form.choices.setdefault(name, given.get("value", ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and given.get("value"):
            form.choices.setdefault(self._select, given["value"])


def _forms(page: str) -> list[Form]:
    parser = _Forms()
    parser.feed(page)
    return [form for form in parser.found if form.texts]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with an office, applications, somebody with a permit, and what rarer pages are about."""
    new = furnish(town(tmp_path_factory.mktemp("hostile"), office=True))
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


def _paths(made: Town, role: str) -> list[str]:
    return [path.format(card=made.cards[0], other=made.cards[1], **made.ids) for path in paths_of(role)]


@pytest.mark.parametrize("role", PAGES)
def test_no_value_in_any_form_is_a_fault_or_comes_back_as_markup(app: FastAPI, made: Town, role: str) -> None:
    """Each form of each page of a role, with each value in all its fields: never a fault of the service; what is
    refused comes back as text, and its summary leads to fields that are there. Afterwards no page of the role has
    anything of it as markup."""
    person, sent, astray = of(app, made, USERS.get(role, role)), 0, []
    for path in _paths(made, role):
        for number, form in enumerate(_forms(person.get(path).text)):
            for kind, value in _VALUES.items():
                key = f"{abs(hash((role, path, number, kind))):032x}"[-32:]
                answer = person.post(form.action, **{**form.filled(value), "csrf": person.entered.csrf, "key": key})
                where = (role, path, form.action, kind)
                assert answer.status_code < 500, where
                assert _MARK not in answer.text, where
                assert "<script>alert(7)" not in answer.text, where
                if answer.status_code == 422:
                    astray += [(*where, name) for name in _leads_nowhere(answer.text)]
                if answer.status_code == 401:
                    person = of(app, made, USERS.get(role, role))
                sent += 1
    assert astray == [], "a summary leads to a field that is not there"
    assert sent or role in _WITHOUT_FORMS, "no form was found"
    for path in _paths(made, role):
        text = person.get(path).text
        assert _MARK not in text, path
        assert "<script>alert(7)" not in text, path


def _leads_nowhere(page: str) -> list[str]:
    """Links of the summary of errors to what isn't on the page; a page without a summary counts as one."""
    summary = page.partition('class="summary-errors"')[2].partition("</div>")[0]
    links = re.findall(r'href="#([^"]+)"', summary)
    return [name for name in links if f'id="{html.unescape(name)}"' not in page] if summary else ["no summary"]


def _posts() -> list[str]:
    pages: list[Pages] = SUBJECTS
    return [
        one.path for subject in pages for one in subject.all if one.method == "POST" and one.access.asks == "person"
    ]


def test_no_form_is_obeyed_without_its_token(app: FastAPI, made: Town) -> None:
    """Every address of the portal that takes a form, before it is looked at what is in it."""
    person = of(app, made, "administrator")
    posts = _posts()
    assert len(posts) > 80
    for path in posts:
        address = re.sub(r"\{[a-z_]+\}", "0" * 32, path)
        for token in ("", "0" * 43):
            assert person.post(address, csrf=token).status_code == 403, path


_STRANGE: Mapping[str, tuple[str, ...]] = {
    "holder": ("holder", "resident", "newcomer", "beijinger"),
    "employer": ("employer", "applicant"),
    "agency": ("agency", "applicant"),
}


@pytest.mark.parametrize("role", _STRANGE)
def test_nothing_of_others_is_there_for_a_stranger(app: FastAPI, made: Town, role: str) -> None:
    """Every page that names an object, for somebody of the same role to whom it does not belong."""
    service = made.issuing_service
    place = None if role == "holder" else organisation(service, role, 90 if role == "employer" else 91)
    more = {} if place is None else {"organisation_id": place}
    person = Person(app, make(service, role, f"{role}.stranger", **more).enter())
    for known in _STRANGE[role]:
        for path in PAGES[known]:
            if "{" not in path:
                continue
            answer = person.get(path.format(card=made.cards[0], other=made.cards[1], **made.ids))
            assert answer.status_code in (403, 404), path
            assert "LINDQVIST" not in answer.text
