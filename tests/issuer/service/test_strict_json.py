"""Bodies that two readers would read differently are no JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.kit.http_clients import ask
from tests.kit.people import ServiceUnderTest, new_service_under_test


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service without signing keys."""
    made = new_service_under_test(tmp_path, f"sqlite:///{tmp_path / 'issuer.db'}")
    yield made
    made.core.close()


GOOD = '{"login": "zhang", "password": "words"}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"login": "zhang", "password": "a", "password": "b"}',
        GOOD.encode("utf-16"),
        GOOD.encode("utf-16-le"),
        GOOD.encode("utf-32"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        b'{"login": "zh\xff", "password": "words"}',
    ],
)
def test_a_body_that_readers_differ_about_is_refused(app: FastAPI, body: bytes) -> None:
    """A name twice, another encoding, a mark in front: 400, and nothing of it is repeated."""
    answer = ask(app, "POST", "/v1/sessions", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "http.bad_request"), answer.text
    assert "zhang" not in answer.text


def test_the_plain_one_is_read(app: FastAPI) -> None:
    """Refused for what it says, not for its form."""
    answer = ask(app, "POST", "/v1/sessions", content=GOOD.encode(), headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == "login.refused"
