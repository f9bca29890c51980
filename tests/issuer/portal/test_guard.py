"""What pages refuse: other sites, missing tokens, others' objects, paths that lead away; and what no page contains."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI

from issuer.accounts import own_account, tokens
from issuer.accounts.sessions import Entered
from issuer.portal import BASE, make_portal
from issuer.portal.visits import own_path
from issuer.service.access import require_access
from issuer.service.app import make_service
from issuer.service.cookies import SESSION
from tests.kit.forms import words
from tests.kit.http_clients import ask
from tests.kit.people import PASSWORD, make
from tests.kit.portal import Town, town
from verifier.runtime import http

KEY = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with people and cards."""
    new = town(tmp_path_factory.mktemp("portal"))
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


@dataclass
class Person:
    """A person in a session, by forms."""

    app: FastAPI
    entered: Entered

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return ask(self.app, "GET", BASE + path, headers={"Cookie": self.cookie, **headers})

    def post(self, path: str, sent: Mapping[str, str] | None = None, /, **fields: str) -> httpx.Response:
        """A form, with this session's token unless another one is given."""
        form = {"csrf": self.entered.csrf, "key": KEY, **fields}
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded", **(sent or {})}
        return ask(self.app, "POST", BASE + path, headers=headers, content=urlencode(form).encode())

    def asked(self, *said: str) -> str:
        """The path of the one request awaiting confirmation whose page says all of that, whatever order they are in."""
        listed = self.get("confirmations").text
        waiting: set[str] = set(re.findall(rf'href="{BASE}(confirmations/[0-9a-f]{{32}})"', listed))
        shown = {path: words(self.get(f"{path}?lang=en").text) for path in waiting}
        (path,) = (path for path, page in shown.items() if all(text in page for text in said))
        return path

    @property
    def cookie(self) -> str:
        """What the browser sends."""
        return f"{SESSION}={self.entered.token}"


def of(app: FastAPI, made: Town, role: str) -> Person:
    """A person of that role in a new session."""
    return Person(app, made.people[role].enter())


def test_every_page_declares_who_may_see_it(app: FastAPI) -> None:
    """The check of the API's endpoints covers the portal's pages."""
    require_access(app)
    assert len([route for route in app.routes if str(getattr(route, "path", "")).startswith(BASE)]) > 80


def test_no_template_has_inline_script_style_or_handler() -> None:
    """What the Content-Security-Policy would refuse is in no template."""
    folder = Path(str(resources.files("issuer.portal") / "templates"))
    found = [
        path.name
        for path in folder.rglob("*.html")
        if re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:|\| *safe", path.read_text("utf-8"))
    ]
    assert found == []


def test_page_carries_its_headers(app: FastAPI, made: Town) -> None:
    """Nothing inline, nothing from elsewhere, nothing stored."""
    answer = of(app, made, "holder").get("account")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_static_file_is_kept_for_a_year_under_a_name_of_its_content(app: FastAPI, made: Town) -> None:
    """The style sheet's name has its digest; another name, or a path out of the folder, is nothing."""
    page = ask(app, "GET", f"{BASE}log-in").text
    name = re.search(r'href="(/portal/static/portal\.[0-9a-f]{16}\.css)"', page)
    assert name is not None
    answer = ask(app, "GET", name[1], headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    for other in ("portal.css", "portal.0000000000000000.css", "..%2Fparts.py", "%2e%2e/%2e%2e/parts.py"):
        assert ask(app, "GET", f"{BASE}static/{other}").status_code == 404


@pytest.mark.parametrize("path", ["account/password", "account/sessions/others/end", "notices/read", "log-out"])
def test_form_without_its_token_is_refused(app: FastAPI, made: Town, path: str) -> None:
    person = of(app, made, "holder")
    assert person.post(path, csrf="").status_code == 403
    assert person.post(path, csrf=of(app, made, "employer").entered.csrf).status_code == 403
    assert person.get("account").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_form_of_another_site_is_refused_and_not_given_back(app: FastAPI, made: Town, headers: dict[str, str]) -> None:
    """Also where it has the token; its values do not come back in a form of this site. A log-in is no exception."""
    answer = of(app, made, "holder").post("account/contact", headers, email="evil@example.com", password=PASSWORD)
    assert answer.status_code == 403
    assert "evil@example.com" not in answer.text
    content = urlencode({"login": "holder-1", "password": PASSWORD}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(app, "POST", f"{BASE}log-in", headers={**kind, **headers}, content=content)
    assert answer.status_code == 403
    assert SESSION not in answer.cookies


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("holder", "cards/{other}"),
        ("holder", "cards/{other}/lookups"),
        ("holder", "cards/{other}/whole"),
        ("employer", "cards/" + "0" * 32),
        ("holder", "cards/..%2f..%2fetc"),
        ("agency", "mandates/" + "0" * 32 + "/end"),
        ("permit_officer", "confirmations/" + "0" * 32),
    ],
)
def test_what_is_anothers_is_not_there(app: FastAPI, made: Town, role: str, path: str) -> None:
    """Another's object, one that does not exist, and a path that is no id are one answer."""
    answer = of(app, made, role).get(path.format(other=made.cards[1]))
    assert answer.status_code == 404
    assert "NGUYEN" not in answer.text


def test_what_is_gone_leads_to_its_list_who_may_see_it(app: FastAPI, made: Town) -> None:
    """A notice may be older than the request that it is about; nobody is led to a page that is not theirs."""
    path, link = "confirmations/" + "0" * 32, f'href="{BASE}confirmations">'
    assert link in of(app, made, "permit_officer").get(path).text
    assert link not in of(app, made, "holder").get(path).text


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("holder", "accounts"),
        ("holder", "staff"),
        ("employer", "search"),
        ("permit_officer", "audit"),
        ("auditor", "accounts"),
        ("administrator", "search"),
        ("insurance_officer", "cards/{card}/suspend"),
        ("inspector", "cards/{card}/revoke"),
    ],
)
def test_page_of_another_role_is_refused(app: FastAPI, made: Town, role: str, path: str) -> None:
    person = of(app, made, role)
    assert person.get(path.format(card=made.cards[0])).status_code == 403
    assert f'href="{BASE}{path}"' not in person.get("account").text


def test_employer_never_gets_the_code_for_authorities(app: FastAPI, made: Town) -> None:
    """An employer that asks for it in the address gets the public one, and is not offered the other."""
    person = of(app, made, "employer")
    asked = person.get(f"cards/{made.cards[0]}?code=authority").text
    assert "code.png?profile=public" in asked
    assert "profile=authority" not in asked
    assert 'href="?code=authority"' not in asked
    assert 'href="?code=work"' in asked


@pytest.mark.parametrize(
    "path",
    [
        *("https://evil.example/", "//evil.example/", "/portal/../x", "/portal//evil.example", "/v1/session"),
        *("/portal\\@evil", "/portal/\r\nX: y", "javascript:alert(1)", "/portal/<script>", ""),
    ],
)
def test_return_address_never_leads_away(path: str) -> None:
    assert own_path(path) == BASE


def test_return_address_of_the_portal_is_kept() -> None:
    assert own_path("/portal/cards/0?code=work&after=a_b") == "/portal/cards/0?code=work&after=a_b"


def test_session_after_a_password_change_is_over(app: FastAPI, made: Town) -> None:
    """The page that was open leads to the log-in, and its form is not obeyed."""
    somebody = make(made.issuing_service, "holder", "changes.password")
    person = Person(app, somebody.enter())
    own_account.change_password(made.issuing_service.core, somebody.enter().who, PASSWORD, PASSWORD + " two")
    assert person.get("account").status_code == 303
    assert person.post("account/sessions/others/end").status_code == 401


def test_form_that_is_sent_twice_makes_one(app: FastAPI, made: Town) -> None:
    """The same form again is answered as done, and shows no secret again."""
    person = of(app, made, "employer")
    fields = {"label": "night run", "days": "30", "scopes": "card.read_own"}
    first, second = (person.post("account/tokens", key="a" * 32, **fields) for _ in range(2))
    assert re.search(r"icard_[0-9a-f]{12}_", first.text)
    assert second.status_code == 200
    assert not re.search(r"icard_[0-9a-f]{12}_[A-Za-z0-9]", second.text)
    labels = [token.label for token in tokens.list_tokens(made.issuing_service.core, person.entered.who)]
    assert labels.count("night run") == 1


def test_form_shows_every_error_at_its_field_and_keeps_what_was_typed(app: FastAPI, made: Town) -> None:
    answer = of(app, made, "administrator").post("accounts/new", role="employer", login="x<y", name="", identity="")
    assert answer.status_code == 422
    assert answer.text.count('class="field wrong"') == 4
    assert 'value="x&lt;y"' in answer.text
    assert re.search(r'<a href="#f-name">', answer.text)


@pytest.mark.parametrize(
    "value", ["", "\0", "x" * 5000, "' OR 1=1 --", "<script>alert(1)</script>", "\u202e\u2066", "💥"]
)
@pytest.mark.parametrize(
    ("role", "path", "field"),
    [
        ("permit_officer", "search", "value"),
        ("administrator", "accounts/search", "login"),
        ("administrator", "organisations/new", "credit_code"),
        ("employer", "mandates/check", "credit_code"),
        ("employer", "account/tokens", "label"),
        ("holder", "account/contact", "email"),
    ],
)
def test_hostile_value_is_refused_or_does_nothing(
    app: FastAPI, made: Town, role: str, path: str, field: str, value: str
) -> None:
    """No value of a form is a fault of the service, and none comes back as markup."""
    more = {"kind": "name", "name": "N", "until": "2026-13-99", "days": "1", "password": PASSWORD}
    answer = of(app, made, role).post(path, **{**more, field: value})
    assert answer.status_code < 500
    assert "<script>alert" not in html.unescape(answer.text) or "&lt;script&gt;" in answer.text


def test_change_of_a_card_that_somebody_else_changed_is_refused_and_shown_anew(app: FastAPI, made: Town) -> None:
    """Two officers had the same page open: the second one decides on what stands now."""
    officer, card = of(app, made, "permit_officer"), made.cards[1]
    page = officer.get(f"cards/{card}/suspend").text
    version = re.search(r'name="version" value="([0-9]+)"', page)
    assert version is not None
    done = officer.post(f"cards/{card}/suspend", version=version[1], reason="Lost", key="b" * 32)
    assert done.status_code == 303
    late = officer.post(f"cards/{card}/resume", version=version[1], reason="Found", key="c" * 32)
    assert late.status_code == 412
    assert f'name="version" value="{int(version[1]) + 1}"' in late.text
    assert officer.post(f"cards/{card}/resume", reason="Found", key="d" * 32).status_code == 428


def test_address_without_a_page_is_a_page_in_the_persons_language(app: FastAPI, made: Town) -> None:
    answer = of(app, made, "holder").get("nowhere", **{"Accept-Language": "zh"})
    assert answer.status_code == 404
    assert "页面不存在" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_api_is_as_it_was(app: FastAPI) -> None:
    """Faults of the API stay problems, and the portal's pages are not in its description."""
    answer = ask(app, "GET", "/v1/session")
    assert answer.headers["content-type"] == "application/problem+json"
    assert not [path for path in app.openapi()["paths"] if path.startswith(BASE)]
