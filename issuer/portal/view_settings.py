"""How somebody wants the portal to look: language and size of text, kept in a cookie of the browser alone.

Promises:

1. An address with ``lang`` decides, then the cookie, then Accept-Language; of text size the cookie alone.
2. What comes is one of a few known values; anything else is as if it were not there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from fastapi import Request, Response

from icard_crypto.errors import Language
from icard_crypto.moments import DAY
from verifier.runtime import http

from .catalogue import LANGUAGES

__all__ = ["ViewSettings", "view_settings"]

TextSize = Literal["normal", "large"]

_COOKIE: Final = "__Host-icard-view"
_SIZES: Final[tuple[TextSize, ...]] = ("normal", "large")
_YEAR: Final = 365 * DAY


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """Language and text size. ``chosen``: by this request, so that the answer keeps it in the cookie."""

    language: Language
    text: TextSize
    chosen: bool = False

    def choose(self, language: str | None, text: str | None) -> ViewSettings:
        """These, where they are known values."""
        found = self
        for known in LANGUAGES:
            if known == language:
                found = replace(found, language=known, chosen=True)
        for size in _SIZES:
            if size == text:
                found = replace(found, text=size, chosen=True)
        return found

    def keep(self, response: Response) -> None:
        """Put them into the browser's cookie where this request has chosen them."""
        if self.chosen:
            value = f"{self.language}.{self.text}"
            response.set_cookie(_COOKIE, value, _YEAR, secure=True, httponly=True, samesite="lax")


def view_settings(request: Request) -> ViewSettings:
    """The settings of a request."""
    language, _, text = request.cookies.get(_COOKIE, "").partition(".")
    found = ViewSettings(http.language_of(request.scope), "normal").choose(language, text)
    return replace(found, chosen=False).choose(request.query_params.get("lang"), request.query_params.get("text"))
