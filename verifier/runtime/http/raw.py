"""Headers as they come and go: lists of pairs of bytes.

Starlette's ``Headers`` read the same lists, and building one costs more than the look that it is built for; every piece
around an application looks, at every request.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Message, Scope

__all__ = ["Pairs", "add_missing", "header_of"]

Pairs = Iterable[tuple[bytes, bytes]]
"""Names in lower case, and values."""


def header_of(scope: Scope, name: bytes, otherwise: str = "") -> str:
    """The first value of a request's header."""
    for given, value in scope["headers"]:
        if given == name:
            return str(value, "latin-1")
    return otherwise


def add_missing(message: Message, pairs: Pairs) -> None:
    """Add those headers to the start of an answer that it does not carry already."""
    headers = message["headers"] = list(message.get("headers", ()))
    present = {name for name, _ in headers}
    headers.extend(pair for pair in pairs if pair[0] not in present)
