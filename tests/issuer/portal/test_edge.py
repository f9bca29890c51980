"""What the edge refuses: a page for browsers under the portal's addresses, a problem for everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from issuer.portal import BASE, make_portal
from issuer.service.app import make_app
from tests.issuer.conftest import new_database_url
from tests.kit.http_clients import ask
from tests.kit.issuing_api import new_service
from verifier.runtime import http

BROWSER = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "zh-CN"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ASGIApp]:
    """A service with its edge that lets one client ask three times."""
    folder: Path = tmp_path_factory.mktemp("edge")
    issuing_service = new_service(folder, new_database_url("sqlite", folder), account_per_second=0.05, account_burst=3)
    yield make_app(issuing_service.core, http.Drain(), [make_portal(issuing_service.core)])
    issuing_service.core.close()


def test_browser_gets_a_page_for_a_form_that_is_too_large(app: ASGIApp) -> None:
    """In the browser's language, with the style sheet allowed and nothing inline; a program gets the problem."""
    body = b"login=" + b"x" * 70_000
    answer = ask(app, "POST", f"{BASE}log-in", headers={**BROWSER, **FORM}, content=body)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "style-src 'self'" in answer.headers["content-security-policy"]
    assert '<html lang="zh-Hans">' in answer.text
    assert "http.too_large" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    program = ask(app, "POST", f"{BASE}log-in", headers={"Accept": "application/json", **FORM}, content=body)
    assert program.headers["content-type"] == "application/problem+json"


def test_browser_that_asks_too_often_reads_how_long_to_wait(app: ASGIApp) -> None:
    """The wait is on the page and in Retry-After; the API's answer to the same stays a problem."""
    answers = [ask(app, "GET", f"{BASE}log-in", headers=BROWSER) for _ in range(6)]
    late = answers[-1]
    assert late.status_code == 429
    assert f"请等待{late.headers['retry-after']}秒后重试。" in late.text
    assert late.headers["content-type"] == "text/html; charset=utf-8"
    api = [ask(app, "GET", "/v1/session", headers=BROWSER) for _ in range(6)][-1]
    assert (api.status_code, api.headers["content-type"]) == (429, "application/problem+json")
