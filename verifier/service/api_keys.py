"""API keys, for a service that is not public.

Promises:

1. The file holds SHA-256 of the keys, so that whoever reads it can ask for nothing. A key is 16 characters at least and
   meant to be drawn by lot (``openssl rand -hex 32``): then no slow hash is needed.
2. A key is compared with every key of the file in constant time; the answer doesn't say what was wrong.
3. ``/healthz`` and ``/readyz`` need no key.
4. A request without a key is refused by its head: no body is read.

The file has one line for each key, ``name sha256``; empty lines and those that begin with ``#`` say nothing. The names
are for people: who has which key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from icard_crypto.errors import StateError
from verifier.runtime.files import read_capped
from verifier.runtime.http.middleware import Middleware
from verifier.runtime.http.problems import Problem, problem_response

__all__ = ["OPEN", "RequireKey", "read_keys"]

_MOST_BYTES: Final = 1024 * 1024
_LINE: Final = re.compile(r"(\S{1,64})\s+([0-9a-f]{64})")
OPEN: Final = frozenset({"/healthz", "/readyz"})
"""Paths of promise 3."""
_SHORTEST: Final = 16
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


def read_keys(path: Path) -> tuple[bytes, ...]:
    """The SHA-256 of every key in a file.

    Raises:
        CommandError: the file cannot be read.
        StateError: ``serve.keys_file``, with the number of the line.
    """
    found = []
    for number, line in enumerate(read_capped(path, _MOST_BYTES).decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise StateError("serve.keys_file", path=f"line {number}", expected="a name and 64 hexadecimal digits")
        found.append(bytes.fromhex(match[2]))
    if not found:
        raise StateError("serve.keys_file", expected="at least one key", found="none")
    return tuple(found)


class RequireKey(Middleware):
    """ASGI: lets only requests with a key through (promises 2 and 3)."""

    def __init__(self, app: ASGIApp, keys: tuple[bytes, ...]) -> None:
        super().__init__(app)
        self._keys = keys

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in OPEN and not self._known(Headers(scope=scope)):
            problem = Problem("http.unauthenticated", headers=_CHALLENGE)
            await problem_response(problem, scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _known(self, headers: Headers) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(key.strip().encode()).digest()
        known = False
        for each in self._keys:
            known |= hmac.compare_digest(each, digest)
        return known and scheme.lower() == "bearer" and len(key) >= _SHORTEST
