"""Detect a proxy that is not trusted: all clients then share its address, and so their failed log-ins.

Promise: the first request with X-Forwarded-For from a peer that is none of ``trusted_proxies`` is logged once, and from
then on ``/readyz`` warns. The header is believed no more for it; whoever sends it from outside costs a warning.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from verifier.runtime.http.middleware import Middleware

from .context import IssuingService

__all__ = ["ForwardedWatch"]

_log: structlog.stdlib.BoundLogger = structlog.get_logger("icard.service")
_HEADER: Final = b"x-forwarded-for"
_CODE: Final = "http.forwarded"


class ForwardedWatch(Middleware):
    """ASGI: around everything else, where the peer is still the one that has connected."""

    def __init__(self, app: ASGIApp, service: IssuingService) -> None:
        super().__init__(app)
        self._service = service
        self._trusted = [ipaddress.ip_network(each) for each in service.core.settings.trusted_proxies]

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        warned = "proxy" in self._service.warnings
        if not warned and any(name == _HEADER for name, _ in scope["headers"]) and not self._trusts(scope):
            self._service.warnings["proxy"] = _CODE
            _log.warning("forwarded by a proxy that is not trusted", setting="trusted_proxies")
        await self._app(scope, receive, send)

    def _trusts(self, scope: Scope) -> bool:
        try:
            peer = ipaddress.ip_address((scope.get("client") or ("", 0))[0])
        except ValueError:
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer in network for network in self._trusted)
