"""Admission control for log-ins: checking a password costs more than any other request.

Promises:

1. Log-ins have places of their own. Strangers have few, and so many hashes a second in all, from however many networks;
   they hold no thread and no place of the service's other requests.
2. A device from which somebody has logged in with every factor has other places: strangers take none of those. It is
   known here by a MAC in its cookie, without a question to the database.
3. Whom the door does not let in waits a moment and is asked to come again (503 ``login.busy``): who asks again without
   pause gets few answers for it, and costs little.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

import anyio
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from issuer.accounts.attempts import is_genuine
from issuer.core import Core
from verifier.runtime import http
from verifier.runtime.http.middleware import Middleware

from .cookies import DEVICE

__all__ = ["PATH", "PLACES", "LogInDoor"]

PATH: Final = "/v1/sessions"
#: Log-ins in work at one time: of strangers, and of devices that are known.
_STRANGERS: Final = 6
_KNOWN: Final = 12
PLACES: Final = _STRANGERS + _KNOWN
#: Seconds for which an answer is held back, and how many at one time.
_PAUSE: Final = 2.0
_HELD: Final = 500
_BURST: Final = 8


class LogInDoor(Middleware):
    """ASGI: lets log-ins in, as many as there are places for.

    Args:
        app: what is behind it.
        core: knows devices.
        metrics: counts what is sent away.
        paths: where an unknown client's password is checked.
    """

    def __init__(self, app: ASGIApp, core: Core, metrics: http.Metrics, paths: Collection[str] = (PATH,)) -> None:
        super().__init__(app)
        self._core = core
        self._metrics = metrics
        self._paths = frozenset(paths)
        self._buckets = http.Buckets()
        self._inside = {True: 0, False: 0}
        self._held = 0

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in self._paths or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        known = is_genuine(self._core, HTTPConnection(scope).cookies.get(DEVICE))
        wait = 1.0
        if self._inside[known] < (_KNOWN if known else _STRANGERS):
            rate = self._core.settings.stranger_logins_per_second
            wait = 0.0 if known else self._buckets.take(("login", ""), rate, _BURST)
        if wait > 0:
            await self._refuse(wait, scope, receive, send)
            return
        self._inside[known] += 1
        try:
            await self._app({**scope, http.BOUNDED: True}, receive, send)
        finally:
            self._inside[known] -= 1

    async def _refuse(self, wait: float, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.shed.labels("login").inc()
        if self._held < _HELD:
            self._held += 1
            try:
                await anyio.sleep(_PAUSE)
            finally:
                self._held -= 1
        problem = http.Problem("login.busy", status=503, headers={"Retry-After": str(math.ceil(wait))})
        await http.problem_response(problem, scope)(scope, receive, send)
