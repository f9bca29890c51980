"""One refusal as a vector: what is shown, and where, in which layer and by which code it is refused.

Promises:

1. The code, offset and path are stated by whoever makes the fault; none is asked from icard's reader.
2. The verdict's reason follows from the code by the table that the verifier uses.
"""

from __future__ import annotations

from icard_crypto.encoding import envelope
from icard_crypto.errors import DecodeError
from tools.vectors.base import CARD_KEY, Json
from verifier.decision.reasons import reason_of_error

__all__ = ["refused", "refused_cose"]


def refused(
    about: str, where: str, code: str, shown: str | bytes, *, offset: int | None = None, path: str | None = None
) -> Json:
    """A refusal before the signature, or behind it.

    Args:
        where: what ``offset`` counts in: ``text``, ``zlib``, ``cose``, ``headers`` or ``payload``.
    """
    error = DecodeError(code)
    place = {"offset": offset, "path": path}
    return {
        "about": about,
        "where": where,
        "layer": error.layer,
        "code": code,
        "reason": str(reason_of_error(error)),
        **{name: value for name, value in place.items() if value is not None},
        "key": CARD_KEY,
        **({"text": shown} if isinstance(shown, str) else {"hex": shown.hex()}),
    }


def refused_cose(
    about: str, where: str, code: str, coded: bytes, *, offset: int | None = None, path: str | None = None
) -> Json:
    """A refusal of COSE bytes, shown as IC1; as bytes where a text can't hold them."""
    shown = envelope.to_ic1(coded) if len(coded) <= 5400 else coded
    return refused(about, where, code, shown, offset=offset, path=path)
