"""The verdicts on a picture: the only part of the verifier that looks at one.

Importing the reader of codes costs what it costs only when the first picture comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from icard_crypto.errors import DecodeError

if TYPE_CHECKING:
    from icard_crypto.pictures.pictures import Picture

    from .one_code import VerifiesOne
    from .verdict import Verdict

__all__ = ["verify_image"]


def verify_image(verifier: VerifiesOne, picture: Picture, *, now: int) -> list[Verdict]:
    """One verdict for each code in the picture; for none, one that says why."""
    from icard_crypto import qr

    try:
        codes = qr.read(picture)
    except DecodeError as error:
        return [verifier.unreadable(error, now=now)]
    if not codes:
        return [verifier.unreadable(DecodeError("picture.no_code", expected="a QR code", found="none"), now=now)]
    return [verifier.verify(code.content, now=now) for code in codes]
