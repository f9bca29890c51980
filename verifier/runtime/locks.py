"""Locks between processes, on files and folders.

Promises:

1. :func:`lock` holds one for one process at a time; :func:`locked` does so for a folder of plain files.
2. A process that is killed holds nothing: locks are the system's (``flock``), and a folder's leaves no file behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from icard_crypto.platform_parts import posix

from .files import FileFault

fcntl = posix("fcntl")

__all__ = ["lock", "locked"]


@contextmanager
def lock(path: Path, *, wait: bool = True, folder: bool = False) -> Iterator[int]:
    """Hold the lock of a file, which is made where it is missing, or of a folder; gives its descriptor.

    Args:
        wait: for the process that holds it.
        folder: the path is a folder's.

    Raises:
        BlockingIOError: another process holds it, and ``wait`` is false.
        OSError: it cannot be opened or locked.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock.

    Raises:
        FileFault: ``file.unwritable``: there is no such folder, or it cannot be locked.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(folder, folder=True))
        except OSError as fault:
            raise FileFault("file.unwritable", found=f"{folder}: {fault.strerror}") from None
        yield
