"""The verifier's two errors of its own; all others come from :mod:`icard_crypto.errors`.

::

    IcardError
     +-- UsageError (also a ValueError)   the API was used wrongly; nothing that is shown can cause it
     +-- Refused                          raised by ``verdict.require()`` only, carries the verdict
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from icard_crypto.errors import IcardError

if TYPE_CHECKING:
    from .verdict import Verdict

__all__ = ["Refused", "UsageError"]


class UsageError(IcardError, ValueError):
    """The API was used wrongly: code ``usage.*``, ``path`` names the argument."""


class Refused(IcardError):
    """A verdict that is not VALID was required to be. ``verdict`` has all of it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("verdict.refused", expected="VALID", found=f"{verdict.outcome} ({verdict.reason})")
        self.verdict = verdict

    def __reduce__(self) -> tuple[object, ...]:
        return (Refused, (self.verdict,))
