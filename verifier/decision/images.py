"""The verdicts on a picture: the only part of the verifier that looks at one.

Importing the reader of codes costs what it costs only when the first picture comes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from icard_crypto.errors import DecodeError

from .errors import UsageError

if TYPE_CHECKING:
    from icard_crypto.pictures.pictures import Picture

    from .one_code import VerifiesOne
    from .verdict import Verdict

__all__ = ["verify_image"]


def verify_image(verifier: VerifiesOne, picture: Picture, *, now: int) -> list[Verdict]:
    """One verdict for each code in the picture; for none, one that says why."""
    from icard_crypto import qr

    try:
        codes = qr.read(_given(picture))
    except DecodeError as error:
        return [verifier.unreadable(error, now=now)]
    if not codes:
        return [verifier.unreadable(DecodeError("picture.no_code", expected="a QR code", found="none"), now=now)]
    return [verifier.verify(code.content, now=now) for code in codes]


def _given(picture: Any) -> Picture:
    """What a caller gave as something that can be read; a file that is not there is the caller's fault, not a card's.

    Raises:
        UsageError: ``usage.picture``.
    """
    from icard_crypto.pictures.pictures import MOST_BYTES

    if isinstance(picture, str | os.PathLike):
        try:
            with open(picture, "rb") as file:
                return file.read(MOST_BYTES + 1)
        except (OSError, ValueError) as fault:
            # Neither the path nor the text: either may be somebody's.
            why = fault.strerror if isinstance(fault, OSError) and fault.strerror else type(fault).__name__
            raise UsageError("usage.picture", path="picture", expected="a file that can be read", found=why) from None
    if callable(getattr(picture, "read", None)):
        try:
            data = picture.read(MOST_BYTES + 1)
        except Exception as fault:  # Whatever an object of the caller's own raises, it is no fault of a card.
            found = type(fault).__name__
            raise UsageError("usage.picture", path="picture", expected="a file that can be read", found=found) from None
        if not isinstance(data, bytes):
            found = f"a file that gives {type(data).__name__}"
            raise UsageError("usage.picture", path="picture", expected="a file opened for bytes", found=found)
        return data
    kind = getattr(getattr(picture, "dtype", None), "kind", None)
    if kind == "b":
        # What numpy makes of a picture of black and white.
        made: Picture = picture.astype("uint8") * 255
        return made
    if isinstance(picture, bytes | bytearray | memoryview) or kind is not None or hasattr(picture, "getbands"):
        try:
            memoryview(picture)
        except TypeError:
            pass
        except (ValueError, BufferError):
            # A released view; an array of what has no bytes, such as datetime64.
            found = "a released memoryview" if kind is None else f"an array of {picture.dtype}"
            raise UsageError("usage.picture", path="picture", expected="bytes or pixels", found=found) from None
        given: Picture = picture
        return given
    expected = "a path, bytes, an open file, a Pillow image or an array"
    raise UsageError("usage.picture", path="picture", expected=expected, found=type(picture).__name__)
