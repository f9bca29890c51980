"""One writer at a time in a folder of plain files.

Promises:

1. :func:`locked` lets one process at a time change what stands in a folder; the others wait.
2. A process that is killed holds nothing: the lock is the system's, on the folder itself, and leaves no file behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from icard_crypto.platform_parts import posix

from .files import FileFault

fcntl = posix("fcntl")

__all__ = ["locked"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock.

    Raises:
        FileFault: ``file.unwritable``: there is no such folder, or it cannot be locked.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{folder}: {fault.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as fault:
            raise FileFault("file.unwritable", found=f"{folder}: {fault.strerror}") from None
        yield
    finally:
        os.close(descriptor)
