"""What every answer carries, and what is written down about it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tests.kit.http_clients import ask
from tests.kit.small_app import SECRET, made
from verifier.runtime import http

PATHS = ["/healthz", "/nowhere", "/things/fault", "/openapi.json"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of this process, and the logging as it was before."""
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    before = (root.handlers[:], root.level, access.disabled)
    stream = io.StringIO()
    http.configure_logs(stream=stream)
    yield stream
    root.handlers[:], root.level, access.disabled = before


@pytest.mark.parametrize("path", PATHS)
def test_security_headers_are_on_every_answer(path: str) -> None:
    """Found, not found, failed: each carries the policy and its companions, and HSTS over TLS alone."""
    app = made(http.Drain(), http.EdgeLimits(policy="default-src 'self'", features=["camera"]))
    answer = ask(app, "GET" if path != "/things/fault" else "POST", path)
    expected = {
        "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert "strict-transport-security" not in answer.headers
    secure = made(http.Drain(), http.EdgeLimits(trusted_proxies=["192.0.2.1"]))
    behind_tls = ask(secure, "GET", "/healthz", headers={"X-Forwarded-Proto": "https"})
    assert behind_tls.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("limits", [{"policy": "script-src 'unsafe-inline'"}, {"origins": ["*"]}])
def test_unsafe_settings_do_not_start(limits: dict[str, Any]) -> None:
    """Inline code, or every page of the web as a caller, is refused when the application is made."""
    with pytest.raises(ValueError, match=r"inline|every page"):
        made(http.Drain(), http.EdgeLimits(**limits))


def test_other_origins_are_allowed_by_name_alone() -> None:
    """Without configuration no answer speaks of CORS; with it one origin is allowed and another is not."""
    headers = {"Origin": "https://portal.example"}
    assert "access-control-allow-origin" not in ask(made(http.Drain()), "GET", "/healthz", headers=headers).headers
    app = made(http.Drain(), http.EdgeLimits(origins=["https://portal.example"]))
    assert ask(app, "GET", "/healthz", headers=headers).headers["access-control-allow-origin"] == headers["Origin"]
    other = ask(app, "GET", "/healthz", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


def test_one_line_a_request_without_what_was_sent(log: io.StringIO) -> None:
    """The log names method, route, status, time and id; neither path, query, header, address nor body."""
    app = made(http.Drain())
    answer = ask(
        app,
        "POST",
        f"/things/people/77007?limit=7&{SECRET}=1",
        client="198.51.100.123",
        json={"name": SECRET},
        headers={"User-Agent": SECRET, "Cookie": SECRET},
    )
    ask(app, "BREW", f"/{SECRET}")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("POST", "/things/people/{number}", 422),
        ("OTHER", "unmatched", 404),
    ]
    assert requests[0]["id"] == answer.headers["x-request-id"]
    usual = {"event", "level", "logger", "timestamp", "method", "route", "status", "ms", "id"}
    assert set(requests[0]) == usual | {"code"}
    assert [(line["code"], line["level"]) for line in requests] == [
        ("http.invalid", "info"),
        ("http.not_found", "info"),
    ]
    for secret in (SECRET, "77007", "198.51.100.123"):
        assert secret not in log.getvalue()


def test_the_line_of_a_failure_is_a_warning_with_its_code(log: io.StringIO) -> None:
    """503 with the code that the client has too; a bare 500 with the code that he has not; none where all went well."""
    app = made(http.Drain())
    for path in ("/things/refusal/busy", "/things/refusal/fault", "/things/fault"):
        ask(app, "POST", path)
    ask(app, "GET", "/healthz")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = [(line["status"], line["level"], line.get("code")) for line in lines if line["event"] == "request"]
    assert told[0] == (503, "warning", "database.busy")
    assert told[1][:2] == (500, "warning")
    assert told[1][2] not in (None, "http.internal")
    assert told[2] == (500, "warning", "http.internal")
    assert told[3] == (200, "info", None)


def test_libraries_log_in_the_same_form_without_texts_of_exceptions(log: io.StringIO) -> None:
    """A traceback that a library logs loses the exception's text and keeps its type and places."""
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    assert (line["event"], line["logger"], line["fault"]) == (
        "Exception in ASGI application",
        "uvicorn.error",
        "ValueError",
    )
    assert "test_answers.py" in line["at"][0]
    assert SECRET not in log.getvalue()


def test_figures_have_labels_from_closed_lists() -> None:
    """Requests are counted by template; paths and methods that a client makes up add no series."""
    app = made(http.Drain())
    for number in range(5):
        ask(app, "POST", f"/things/people/{number}", json={"name": "x"})
        ask(app, f"BREW{number}", f"/{number}/{SECRET}")
    text = ask(app, "GET", "/metrics").text
    assert 'small_http_requests_total{method="POST",route="/things/people/{number}",status="200"} 5.0' in text
    assert 'small_http_requests_total{method="OTHER",route="unmatched",status="404"} 5.0' in text
    assert 'small_http_request_seconds_count{route="/things/people/{number}"} 5.0' in text
    assert "small_http_in_flight 1.0" in text
    assert SECRET not in text


def test_a_fault_after_the_head_is_logged_and_the_answer_breaks_off(log: io.StringIO) -> None:
    """Once an answer has begun nothing is written behind it; the log says where it broke."""

    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    app = http.wrap(breaks, http.EdgeLimits(), http.Metrics("test"))
    with pytest.raises(AssertionError):
        ask(app, "GET", "/")
    assert '"fault": "RuntimeError"' in log.getvalue()
    assert SECRET not in log.getvalue()
