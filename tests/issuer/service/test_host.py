"""Whom a request to the issuing service is meant for: its Host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from issuer.portal import make_portal
from issuer.service.app import make_app
from tests.issuer.conftest import new_database_url
from tests.kit.http_clients import ask
from tests.kit.people import ServiceUnderTest, new_service_under_test
from verifier.runtime import http

_PROXY = "192.0.2.9"


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service without signing keys, behind a proxy."""
    url = new_database_url("sqlite", tmp_path)
    made = new_service_under_test(tmp_path, url, public_url="https://cards.example/", trusted_proxies=(f"{_PROXY}/32",))
    yield made
    made.core.close()


@pytest.fixture
def app(issuing_service: ServiceUnderTest) -> ASGIApp:
    """The whole service, with its pages."""
    return make_app(issuing_service.core, http.Drain(), [make_portal(issuing_service.core)])


@pytest.mark.parametrize("path", ["/healthz", "/v1/invitations/open", "/portal/log-in"])
@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("cards.example", True),
        ("CARDS.example.:443", True),
        ("icard.example", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost", True),
        ("rebound.example", False),
        ("cards.example.rebound.example", False),
        ("cards.example@rebound.example", False),
    ],
)
def test_a_host_is_a_name_of_the_service(app: ASGIApp, path: str, host: str, taken: bool) -> None:
    """A page whose own name was pointed here is refused by pages, API and all else: the portal's and the lists' names
    are taken, and addresses."""
    answer = ask(app, "GET", path, headers={"Host": host})
    assert (answer.status_code != 400) is taken
    if not taken:
        assert answer.json()["path"] == "Host"


def test_a_proxy_answers_for_its_own_names(app: ASGIApp) -> None:
    """Only one that the settings trust."""
    headers = {"Host": "behind.example", "X-Forwarded-For": "198.51.100.7"}
    assert ask(app, "GET", "/healthz", client=_PROXY, headers=headers).status_code == 200
    assert ask(app, "GET", "/healthz", client="198.51.100.9", headers=headers).status_code == 400


def test_no_link_is_made_from_a_host(app: ASGIApp) -> None:
    """A redirect names no host."""
    answer = ask(app, "GET", "/portal/", headers={"Host": "127.0.0.1:1"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/portal/log-in")


def test_without_a_public_address_any_host_is_taken_but_one_it_is(tmp_path: Path) -> None:
    """Nobody has said what the service is called."""
    (tmp_path / "other").mkdir()
    made = new_service_under_test(tmp_path / "other", new_database_url("sqlite", tmp_path / "other"))
    app = make_app(made.core, http.Drain())
    assert ask(app, "GET", "/healthz", headers={"Host": "anything.example"}).status_code == 200
    assert ask(app, "GET", "/healthz", headers={"Host": "a b"}).status_code == 400
    made.core.close()
