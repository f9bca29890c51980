"""Parts of the system that not every platform has.

Promises:

1. Who imports a part of icard that needs POSIX, elsewhere, gets :class:`~icard_crypto.errors.MissingPart` that says so,
   never a ModuleNotFoundError of a module of Python's own.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import MissingPart

__all__ = ["posix"]


def posix(name: str) -> ModuleType:
    """A module of Python's that POSIX systems alone have: ``fcntl`` or ``resource``.

    Raises:
        MissingPart: ``platform.posix``.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as absent:
        raise MissingPart("platform.posix", expected="Linux or macOS", found=f"no {name}") from absent
