"""The error of wrong use; all others come from :mod:`icard_crypto.errors`, but for
:class:`verifier.decision.verdict.Refused`.

::

    IcardError
     +-- UsageError (also a ValueError)   the API was used wrongly; nothing that is shown can cause it
     +-- Refused                          raised by ``verdict.require()`` only, carries the verdict
"""

from __future__ import annotations

from icard_crypto.errors import IcardError

__all__ = ["UsageError"]


class UsageError(IcardError, ValueError):
    """The API was used wrongly: code ``usage.*``, ``path`` names the argument."""
