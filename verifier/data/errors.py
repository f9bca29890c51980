"""The one error of this package."""

from __future__ import annotations

from icard_crypto.errors import IcardError

__all__ = ["DataError"]


class DataError(IcardError):
    """A column, file or job cannot be used as asked: code ``data.*``. Nothing that a code says can cause it."""
