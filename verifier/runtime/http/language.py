"""The language of an answer.

Promises:

1. Of English and Chinese the one that Accept-Language prefers (RFC 9110 section 12.5.4); English when it names neither.
2. A header of any content gives one of the two, in time that is bounded by a cap on what is read of it.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from starlette.types import Scope

from icard_crypto.errors import Language

from .raw import header_of

__all__ = ["language_of", "preferred_language"]

#: Browsers send under 100 characters.
_LONGEST: Final = 500
_RANGE: Final = re.compile(r"([a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)(?:;q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?", re.ASCII)


@functools.lru_cache(1024)
def preferred_language(header: str) -> Language:
    """The language that an Accept-Language header asks for."""
    best: dict[str, float] = {}
    for part in header.lower().replace(" ", "").split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        language = match[1].partition("-")[0]
        quality = 1.0 if match[2] is None else float(match[2])
        best[language] = max(best.get(language, 0.0), quality)
    anything = best.get("*", 0.0)
    english = best.get("en", anything)
    return "zh" if best.get("zh", anything) > english else "en"


def language_of(scope: Scope) -> Language:
    """The language for the answer to the request of an ASGI scope."""
    # Cut before it is remembered: strangers choose what it is.
    return preferred_language(header_of(scope, b"accept-language")[:_LONGEST])
