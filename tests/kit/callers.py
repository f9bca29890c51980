"""Whoever asks the issuing service over HTTP, in this process: people in sessions, and their programs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

from issuer.accounts.sessions import Entered
from issuer.documents.drawing import media_type_of
from issuer.service.cookies import SESSION
from tests.kit.http_clients import ask
from tests.kit.people import PASSWORD, Somebody

__all__ = ["Caller", "by_session", "by_token", "log_in", "problem"]

_numbers = itertools.count(10**15)


@dataclass
class Caller:
    """Who asks, and whom."""

    app: ASGIApp
    headers: dict[str, str]

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """One request; arguments as for :meth:`prepared`."""
        request = self.prepared(method, path, body, **more)
        return ask(self.app, request.pop("method"), request.pop("url"), **request)

    def prepared(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        version: str | None = None,
        said: str | None = None,
    ) -> dict[str, Any]:
        """A request as :meth:`httpx.AsyncClient.request` takes it; without a key it gets an Idempotency-Key of its own.

        Args:
            body: JSON, or the bytes of a file.
            version: for If-Match, as ETag said it.
            said: the type that a file is said to have; None: the one that it has.
        """
        more = {"Idempotency-Key": key or f"request-{next(_numbers)}"}
        if version is not None:
            more["If-Match"] = version
        options: dict[str, Any] = {} if body is None else {"json": body}
        if isinstance(body, bytes):
            more["Content-Type"] = said or media_type_of(body) or "application/octet-stream"
            options = {"content": body}
        return {"method": method, "url": path, "headers": {**self.headers, **more}, **options}


def by_session(app: ASGIApp, entered: Entered) -> Caller:
    """A person in a session."""
    return Caller(app, {"Cookie": f"{SESSION}={entered.token}", "X-CSRF-Token": entered.csrf})


def by_token(app: ASGIApp, text: str) -> Caller:
    """A program."""
    return Caller(app, {"Authorization": f"Bearer {text}"})


def log_in(app: ASGIApp, somebody: Somebody) -> Caller:
    """A person who logs in over HTTP, with every factor that there is."""
    anyone = Caller(app, {})
    entered = anyone("POST", "/v1/sessions", {"login": somebody.login, "password": PASSWORD})
    assert entered.status_code == 201, entered.text
    caller = _with_cookie(app, entered)
    if entered.json()["step"] == "full":
        return caller
    entered = caller("POST", "/v1/session/second-factor", {"code": somebody.code()})
    assert entered.status_code == 200, entered.text
    return _with_cookie(app, entered)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


def _with_cookie(app: ASGIApp, answer: httpx.Response) -> Caller:
    cookie = f"{SESSION}={answer.cookies[SESSION]}"
    return Caller(app, {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf"]})
