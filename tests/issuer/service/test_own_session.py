"""A session as its own person sees it over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.service.app import make_app
from issuer.service.cookies import SESSION
from tests.kit.http_clients import ask
from tests.kit.people import PASSWORD, make, new_service_under_test
from verifier.runtime import http


@pytest.mark.slow
def test_a_page_that_is_loaded_again_knows_its_session(tmp_path: Path, database_url: str) -> None:
    """What logging in said, the CSRF token and the session's end too, is said again."""
    issuing_service = new_service_under_test(tmp_path, database_url)
    app = make_app(issuing_service.core, http.Drain())
    somebody = make(issuing_service, "holder", "mei.lin")
    begun = ask(app, "POST", "/v1/sessions", json={"login": somebody.login, "password": PASSWORD})
    shown = ask(app, "GET", "/v1/session", headers={"Cookie": f"{SESSION}={begun.cookies[SESSION]}"})
    assert (begun.status_code, shown.status_code) == (201, 200)
    assert shown.json() == begun.json()
    assert (
        shown.json()["ends_at"]
        == int(issuing_service.core.clock.local()) + issuing_service.core.settings.session_longest
    )
    issuing_service.core.close()
