"""The error of wrong use; all others come from :mod:`icard_crypto.errors`, but for
:class:`verifier.decision.verdict.Refused`.

::

    IcardError
     +-- UsageError (also a ValueError)   the API was used wrongly; nothing that is shown can cause it
     +-- Refused                          raised by ``verdict.require()`` only, carries the verdict
"""

from __future__ import annotations

from typing import Final, get_args

from icard_crypto.errors import IcardError, Language

__all__ = ["UsageError", "check_language"]


_LANGUAGES: Final[tuple[str, ...]] = get_args(Language)


class UsageError(IcardError, ValueError):
    """The API was used wrongly: code ``usage.*``, ``path`` names the argument."""


def check_language(language: object) -> None:
    """Refuse a language that there are no words in, such as the locale of a request.

    Raises:
        UsageError: ``usage.language``.
    """
    if language not in _LANGUAGES:
        expected = " or ".join(_LANGUAGES)
        raise UsageError("usage.language", path="language", expected=expected, found=repr(language)[:20])
