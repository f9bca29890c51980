"""Bodies that two readers would read differently are no JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

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


@pytest.mark.parametrize("path", ["/v1/lists", "/v1/cards", "/v1/insurance/registrations/batch", "/v1/cards/search"])
def test_nothing_is_read_of_what_a_stranger_sends(app: FastAPI, path: str) -> None:
    """Three megabytes of empty lists are seconds of the event loop: who asks is known first."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "0123456789abcdef"}
    with mock.patch.object(json.JSONDecoder, "decode", side_effect=AssertionError("the body was read")) as decode:
        answer = ask(app, "POST", path, content=b"[" + b"[]," * 2000 + b"[]]", headers=headers)
    assert not decode.called
    assert (answer.status_code, answer.json()["code"]) == (401, "http.unauthenticated"), answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * 20_000 + b"[]]",
        b'{"login": ' + b"9" * 4000 + b"}",
        b'{"login": 1e999}',
        b'{"login": NaN}',
        json.dumps({f"m{number}": 1 for number in range(501)}).encode(),
    ],
    ids=["lists", "digits", "infinity", "nan", "members"],
)
def test_a_body_with_more_in_it_than_any_of_ours_is_refused(app: FastAPI, body: bytes) -> None:
    answer = ask(app, "POST", "/v1/sessions", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "http.bad_request"), answer.text[:200]


def test_the_plain_one_is_read(app: FastAPI) -> None:
    """Refused for what it says, not for its form."""
    answer = ask(app, "POST", "/v1/sessions", content=GOOD.encode(), headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == "login.refused"
