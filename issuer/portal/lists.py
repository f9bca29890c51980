"""Lists by pages: what is asked for, and what a page shows of it.

Promises:

1. A page asks for one entry more than it shows; that there is one decides whether there is a next page.
2. A cursor that is none begins at the first page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from .visits import Visit

__all__ = ["SIZE", "asked_page", "cursor", "shown_page"]

T = TypeVar("T")

#: Entries of a page.
SIZE: Final = 25
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


def cursor(visit: Visit) -> str:
    """The last entry of the page before; empty for the first page."""
    found = visit.query("after")
    return found if _CURSOR.fullmatch(found) else ""


def asked_page(visit: Visit) -> dict[str, Any]:
    """The arguments of a list that the services give."""
    return {"after": cursor(visit), "limit": SIZE + 1}


def shown_page(visit: Visit, found: Sequence[T], name: Callable[[T], str]) -> dict[str, Any]:
    """``items`` and the addresses of ``first`` and ``next`` page for a template.

    Args:
        found: with one entry more than is shown, where there is one.
        name: of an entry, by which the list goes on.
    """
    kept = list(found[:SIZE])
    others = {key: value for key, value in visit.request.query_params.items() if key not in ("after", "done", "lang")}
    path = visit.request.url.path
    return {
        "items": kept,
        "first": f"{path}?{urlencode(others)}" if cursor(visit) else None,
        "next": f"{path}?{urlencode({**others, 'after': name(kept[-1])})}" if len(found) > SIZE else None,
    }
