"""Which status lists are asked for, and which faults are asked about again."""

from __future__ import annotations

from typing import Final

from icard_crypto.errors import IcardError
from verifier.knowledge.trust import TrustDomain
from verifier.store.manifest import Marks

__all__ = ["is_forbidden", "may_pass", "named_lists"]

_FORBIDDEN: Final = 403
_SERVER_ERROR: Final = 500
_TOO_MANY_REQUESTS: Final = 429


def named_lists(domain: TrustDomain, marks: Marks) -> set[str]:
    """The lists to ask for: all that are known or named, but for those that ended and that the timestamp names no more:
    whoever published them has taken them down.
    """
    if domain.timestamp is None:
        return set(marks)

    def ended(uri: str) -> bool:
        known = domain.status_lists.get(uri)
        if known is not None:
            return known.exp <= domain.clock_floor
        return bool(marks[uri]) and all(mark.token is None for mark in marks[uri].values())

    return {*domain.timestamp.lists, *(uri for uri in marks if not ended(uri))}


def is_forbidden(error: IcardError) -> bool:
    """Whether a server answered 403."""
    return error.code == "sync.status" and error.found == str(_FORBIDDEN)


def may_pass(error: IcardError) -> bool:
    """Whether a fault may be over in a moment."""
    if error.code == "sync.status":
        status = int(error.found or 0)
        return status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS
    return error.code in ("sync.connection", "sync.resolve")
