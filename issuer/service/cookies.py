"""The two cookies: the session cookie, and the one that recognises a known device.

Promises:

1. ``__Host-``: over TLS alone, for this host and no other, the whole path (RFC 6265bis section 4.1.3.2). HttpOnly:
   scripts never see them. SameSite=Strict for the session.
2. The session's cookie ends with the browser; the service ends the session itself.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from issuer.accounts.attempts import KNOWN_FOR
from issuer.accounts.sessions import Entered

__all__ = ["DEVICE", "SESSION", "clear_session", "set_cookies"]

SESSION: Final = "__Host-icard-session"
DEVICE: Final = "__Host-icard-device"


def set_cookies(response: Response, entered: Entered) -> None:
    """Give the browser what a factor gave."""
    response.set_cookie(SESSION, entered.token, secure=True, httponly=True, samesite="strict")
    if entered.device is not None:
        response.set_cookie(DEVICE, entered.device, KNOWN_FOR, secure=True, httponly=True, samesite="strict")


def clear_session(response: Response) -> None:
    """Take the session's cookie away."""
    response.delete_cookie(SESSION, secure=True, httponly=True, samesite="strict")
