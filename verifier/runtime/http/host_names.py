"""Check the Host header of a request against the names of this service.

Promises:

1. A request without a Host, or with two, is 400 (RFC 9112, section 3.2).
2. Where names are configured, another Host is 400 too: a page whose own name is pointed at this machine (DNS rebinding)
   is of the same origin for its browser, and reads nothing. Numeric addresses and ``localhost`` are always names of it,
   for nobody can point those elsewhere. A trusted proxy answers for its own names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from .middleware import Middleware
from .problems import Problem, problem_response

__all__ = ["HostNames", "is_host_name"]

#: A name or an address, and a port (RFC 9110, section 7.2).
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{0,5})?")
_NAME: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?)+")


def is_host_name(text: str) -> bool:
    """Whether a text can be the name of a host."""
    return _NAME.fullmatch(text.lower()) is not None


class HostNames(Middleware):
    """ASGI: refuses what is meant for somebody else.

    Args:
        app: the application.
        names: of the service; None: any.
        proxies: networks whose Host is believed.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str] | None, proxies: Sequence[str] = ()) -> None:
        super().__init__(app)
        self._names = None if names is None else {name.lower().rstrip(".") for name in names} | {"localhost"}
        self._proxies = [ipaddress.ip_network(each) for each in proxies]

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = [value for name, value in scope["headers"] if name == b"host"]
        found = _HOST.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
        if found is None:
            await _refuse("one Host", scope, receive, send)
        elif self._names is None or self._is_ours(found[1], scope):
            await self._app(scope, receive, send)
        else:
            await _refuse("a name of this service", scope, receive, send)

    def _is_ours(self, host: str, scope: Scope) -> bool:
        assert self._names is not None  # noqa: S101 - looked at by the caller
        return host.lower().rstrip(".") in self._names or _is_address(host) or self._is_proxy(scope)

    def _is_proxy(self, scope: Scope) -> bool:
        try:
            peer = ipaddress.ip_address(scope.get("peer", ""))
        except ValueError:
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer in network for network in self._proxies)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


async def _refuse(expected: str, scope: Scope, receive: Receive, send: Send) -> None:
    await problem_response(Problem("http.bad_request", path="Host", expected=expected), scope)(scope, receive, send)
