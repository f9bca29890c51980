"""Headers that every answer carries.

Promises:

1. Content-Security-Policy (the service's own; one with ``unsafe-inline`` or ``unsafe-eval`` is refused at start),
   nosniff, ``Referrer-Policy: no-referrer``, ``X-Frame-Options: DENY`` beside ``frame-ancestors 'none'``, a
   Permissions-Policy that grants nothing but what is asked for, and Cross-Origin-Opener- and -Resource-Policy
   ``same-origin``.
2. Strict-Transport-Security for a year, over TLS alone (RFC 6797 section 7.2: never over plain HTTP).
3. An answer that says nothing of caches is not stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .middleware import Middleware
from .raw import add_missing

__all__ = ["STRICTEST_POLICY", "SecurityHeaders"]

#: For answers that are no pages.
STRICTEST_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_FEATURES: Final = ("camera", "geolocation", "microphone", "payment", "usb")
_YEAR: Final = 365 * 24 * 3600


class SecurityHeaders(Middleware):
    """ASGI: adds the headers of this module, where an answer does not carry them already.

    Args:
        app: the application.
        policy: the Content-Security-Policy; ``frame-ancestors 'none'`` is added if it says nothing of frames.
        features: browser features that pages of this origin may use: ``camera`` for a scan page.

    Raises:
        ValueError: the policy allows inline scripts or evaluation.
    """

    def __init__(self, app: ASGIApp, policy: str = STRICTEST_POLICY, features: Sequence[str] = ()) -> None:
        if "unsafe-" in policy:
            raise ValueError("a Content-Security-Policy here allows neither inline nor evaluated code")
        if "frame-ancestors" not in policy:
            policy += "; frame-ancestors 'none'"
        granted = ", ".join(f"{name}=({'self' if name in features else ''})" for name in _FEATURES)
        super().__init__(app)
        self._headers = [
            (b"content-security-policy", policy.encode("latin-1")),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
            (b"permissions-policy", granted.encode("latin-1")),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]
        self._over_tls = [*self._headers, (b"strict-transport-security", b"max-age=%d" % _YEAR)]

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = self._over_tls if scope["scheme"] == "https" else self._headers

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_missing(message, own)
            await send(message)

        await self._app(scope, receive, guarded)
