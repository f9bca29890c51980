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

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .layers import Layer

__all__ = ["STRICTEST_POLICY", "SecurityHeaders"]

#: For answers that are no pages.
STRICTEST_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_FEATURES: Final = ("camera", "geolocation", "microphone", "payment", "usb")
_YEAR: Final = 365 * 24 * 3600


class SecurityHeaders(Layer):
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
        self._headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "X-Frame-Options": "DENY",
            "Permissions-Policy": granted,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR}")
            await send(message)

        await self._app(scope, receive, guarded)
