"""Idempotent requests: repeat the first answer instead of the effect.

Promises:

1. What :func:`once` makes, it makes in one transaction with the note of the request; a repetition is answered from the
   record of what the first one made, whoever was faster and whatever was in between.
2. A secret that is shown once is not shown to a repetition: the record does not have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from icard_crypto.errors import IcardError
from issuer.db import idempotency
from issuer.db.idempotency import Request

from .context import Call

__all__ = ["once"]

T = TypeVar("T")


def once(call: Call, make: Callable[[Request], T], again: Callable[[str], T]) -> T:
    """Make something for this request, or answer with what it made before.

    Args:
        make: makes it for the request that it is given, in one unit of work that says what it made.
        again: the answer for what has that id.

    Raises:
        Invalid: ``idempotency.other_body``, and what ``make`` raises.
    """
    request = call.request
    if request is None:
        raise TypeError("an endpoint that makes something once is declared with creates=True")

    def before() -> str | None:
        return call.core.database.read(lambda session: idempotency.made_by(session, request))

    made = before()
    if made is not None:
        return again(made)
    try:
        return make(request)
    except idempotency.AlreadyTaken as taken:
        return again(taken.made)
    except IcardError:
        # Another one at the same moment may have made it, and what it made is what is in the way of this one.
        made = before()
        if made is None:
            raise
        return again(made)
