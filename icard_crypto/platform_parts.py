"""Parts of the system that not every platform has.

Promises:

1. On a system without POSIX, importing a part of icard that needs it raises
   :class:`~icard_crypto.errors.MissingPart`, never a ModuleNotFoundError for a module of the standard library.
2. A process that was confined can't get back what it gave up.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import MissingPart
from .system_calls import filter_calls

__all__ = ["confine", "posix"]


def posix(name: str) -> ModuleType:
    """Import a module of the standard library that exists on POSIX systems only: ``fcntl`` or ``resource``.

    Raises:
        MissingPart: ``platform.posix``.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as absent:
        raise MissingPart("platform.posix", expected="Linux or macOS", found=f"no {name}") from absent


def confine(memory: int, *, seconds: int | None = None) -> bool:
    """Limit this process for good, before it reads an untrusted file: memory, no file written, few opened, and no core
    file, since a photograph of a card may be in its memory. Where the system has a filter for it, also: no file opened
    or changed, no connection, no signal, no new process (:mod:`.system_calls`); whether it has one.

    Whatever libraries would load later must be loaded before: :func:`icard_crypto.pictures.preload.load_decoders`.

    Args:
        memory: bytes of address space.
        seconds: of processor time; None: no limit.

    Raises:
        MissingPart: ``platform.posix``.
    """
    resource = posix("resource")
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 32,
    }
    if seconds is not None:
        limits[resource.RLIMIT_CPU] = seconds
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    return filter_calls()
