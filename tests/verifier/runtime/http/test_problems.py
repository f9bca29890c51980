"""Problems: one form for every refusal, in the client's language, that repeats nothing of what was sent."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from icard_crypto.errors import catalogue
from tests.kit.http_clients import ask
from tests.kit.small_app import SECRET, made
from verifier.runtime import http

APP = made(http.Drain())


def problem(method: str, path: str, status: int, code: str, **options: Any) -> dict[str, Any]:
    """The problem of a request that must be refused with this status and code."""
    answer = ask(APP, method, path, **options)
    assert answer.headers["content-type"] == "application/problem+json"
    shown: dict[str, Any] = answer.json()
    assert (answer.status_code, shown["status"], shown["code"]) == (status, status, code)
    assert shown["type"] == f"urn:icard:problem:{code}"
    assert shown["instance"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    assert SECRET not in answer.text
    return shown


def test_words_are_in_the_language_asked_for() -> None:
    """The same refusal reads in English or Chinese, and says that it depends on Accept-Language."""
    english = problem("GET", "/nowhere", 404, "http.not_found")
    chinese = problem("GET", "/nowhere", 404, "http.not_found", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert (english["title"], english["hint"]) == (
        "There is nothing at this address, or nothing that you may see.",
        "Check the address.",
    )
    assert (chinese["title"], chinese["hint"]) == ("此地址没有内容，或您无权查看。", "请检查地址。")
    answer = ask(APP, "GET", "/nowhere", headers={"Accept-Language": "zh"})
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("zh", "Accept-Language")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN, en;q=0.9", "zh"),
        ("en, zh;q=0.9", "en"),
        ("de, zh;q=0.2, en;q=0.1", "zh"),
        ("de", "en"),
        ("*", "en"),
        ("en;q=0, *", "zh"),
        ("zh;q=0, de", "en"),
        ("zh;q=2", "en"),
        ("zh;q=0.1234", "en"),
        (",,;;==\x00", "en"),
        ("zh," * 100_000, "zh"),
    ],
)
def test_language_is_negotiated(header: str, language: str) -> None:
    """Accept-Language picks one of the two by its quality values; anything else is English."""
    assert http.preferred_language(header) == language


def test_head_is_get_without_a_body() -> None:
    """Monitors ask so: on every address that has GET, and on no other."""
    for path, status in (("/healthz", 200), ("/metrics", 200), ("/openapi.json", 200), ("/things/release", 405)):
        assert ask(APP, "HEAD", path).status_code == status


def test_the_description_is_written_once() -> None:
    """Whoever asks gets the same bytes, which nobody has made for them."""
    first, again = (asyncio.run(_description(APP)) for _ in range(2))
    assert first is again
    assert json.loads(first)["info"]["title"] == "small"


async def _description(app: ASGIApp) -> bytes:
    """The very bytes that the application hands to the server."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/openapi.json",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"a")],
        "client": ("192.0.2.1", 1),
        "server": ("a", 80),
        "scheme": "http",
    }
    await app(scope, receive, send)
    body: bytes = sent[-1]["body"]
    return body


def test_wrong_method_names_the_right_ones() -> None:
    """405 comes with Allow."""
    problem("DELETE", "/healthz", 405, "http.method")
    assert ask(APP, "DELETE", "/healthz").headers["allow"] == "GET"


def test_fields_are_named_and_values_are_not_repeated() -> None:
    """Every fault of a body and a query is listed with place, kind and what was expected, in our own words."""
    body = {"name": SECRET, "age": 900, "kind": SECRET, SECRET: SECRET}
    shown = problem("POST", f"/things/people/{SECRET}?limit=99", 422, "http.invalid", json=body)
    faults = {fault["pointer"]: (fault["code"], fault.get("expected")) for fault in shown["errors"]}
    assert faults == {
        "/path/number": ("http.field_format", "an integer"),
        "/query/limit": ("http.field_range", "at most 10"),
        "/body/name": ("http.field_length", "at most 5 long"),
        "/body/age": ("http.field_range", "at most 150"),
        "/body/kind": ("http.field_format", "'A' or 'B'"),
        "/body": ("http.field_unknown", None),
    }
    assert {fault["message"] for fault in shown["errors"]} <= {texts["en"] for texts in catalogue().values()}
    sound = {"name": "Ann", "age": 40, "kind": "A"}
    misspelt = problem(
        "POST", "/things/people/1", 422, "http.invalid", json={**sound, "aeg": 4, "LI Anna": 1, "li.anna": 2}
    )
    places = [fault["pointer"] for fault in misspelt["errors"]]
    assert places == ["/body/aeg", "/body", "/body"], "a misspelt field is named, and nobody"
    missing = problem("POST", "/things/people/1", 422, "http.invalid", json={"age": "old"})
    assert [fault["code"] for fault in missing["errors"]] == ["http.field_missing", "http.field_format"]


def test_what_is_no_json_is_a_bad_request() -> None:
    """A body that does not parse is 400, without a word of it."""
    headers = {"Content-Type": "application/json"}
    problem("POST", "/things/people/1", 400, "http.bad_request", content=f'{{"name": {SECRET}', headers=headers)


def test_a_member_that_stands_twice_is_a_bad_request() -> None:
    """FastAPI alone would read the second one."""
    headers = {"Content-Type": "application/json"}
    body = f'{{"name": "A", "name": "{SECRET}"}}'
    shown = problem("POST", "/things/people/1", 400, "http.bad_request", content=body, headers=headers)
    assert shown["expected"] == "JSON with each member once"


def test_errors_of_the_core_keep_their_codes() -> None:
    """What a client sent is 422 with path and expected; a state that may pass is 503; the rest a bare 500."""
    card = problem("POST", "/things/refusal/card", 422, "card.too_long")
    assert (card["path"], card["expected"]) == ("holder.name", "at most 66 letters")
    problem("POST", "/things/refusal/busy", 503, "database.busy")
    assert ask(APP, "POST", "/things/refusal/busy").headers["retry-after"] == "1"
    internal = problem("POST", "/things/refusal/fault", 500, "http.internal")
    assert "found" not in internal


def test_the_unforeseen_is_500_and_its_text_is_logged_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """An exception's text, which may quote a person, reaches neither the client nor the log; its place does."""
    http.configure_logs()
    logging.getLogger().addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        shown = problem("POST", "/things/fault", 500, "http.internal")
    assert set(shown) == {"type", "title", "status", "instance", "hint", "code"}
    assert SECRET not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "small_app.py" in caplog.text


def test_a_problem_survives_pickling() -> None:
    """All that a problem holds crosses to another process."""
    fault = http.FieldFault("/body/name", "http.field_missing")
    made_here = http.Problem("http.too_many", headers={"Retry-After": "3"}, errors=[fault], expected="less")
    again = pickle.loads(pickle.dumps(made_here))  # noqa: S301 - our own
    assert (again.code, again.status, again.headers, again.errors, again.expected) == (
        "http.too_many",
        429,
        {"Retry-After": "3"},
        (fault,),
        "less",
    )


def test_no_telemetry_and_no_pages_of_the_framework() -> None:
    """Whatever the environment asks for, nothing is exported; the framework's own pages are not there."""
    assert ask(APP, "GET", "/docs").status_code == 404
    assert ask(APP, "GET", "/redoc").status_code == 404
    assert json.loads(ask(APP, "GET", "/openapi.json").text)["info"]["title"] == "small"
