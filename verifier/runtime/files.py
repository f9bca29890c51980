"""Files in and out: read within a cap, written whole or not at all.

Promises:

1. Reading takes at most the bytes allowed, also from a pipe or a device that never ends.
2. Writing: a temporary file beside the target, fsync, rename, fsync of the folder. A kill leaves the old file or the
   new one.
3. :func:`write_new` never overwrites, also when two processes write the same name at once.
4. A failure is a :class:`FileFault` with the name of the file and the system's reason.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import secrets
import sys
from pathlib import Path
from typing import Final

from icard_crypto.errors import IcardError

__all__ = ["FileFault", "plain_text", "read_capped", "read_start", "write_new", "write_whole"]

#: What file systems without hard links answer (FAT on a memory stick).
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class FileFault(IcardError):
    """A file or folder cannot be read or written: code ``file.*``."""


def plain_text(data: bytes) -> bytes:
    """A text file's content in UTF-8 without a byte order mark; of one in UTF-16 by its mark (RFC 2781, 3.2)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("utf-16").encode("utf-8", "surrogatepass")
    return data.removeprefix(codecs.BOM_UTF8)


def read_capped(path: Path, most: int) -> bytes:
    """A file's content.

    Raises:
        FileFault: ``file.no_such_file``, ``file.unreadable``, ``file.too_large``.
    """
    data = read_start(path, most)
    if len(data) > most:
        raise FileFault("file.too_large", expected=f"at most {most} bytes", found=str(path))
    return data


def read_start(path: Path | None, most: int) -> bytes:
    """A file's content (None: standard input), cut one byte behind ``most``: its reader sees that it is too much.

    Raises:
        FileFault: ``file.no_such_file``, ``file.unreadable``.
    """
    try:
        if path is None:
            return sys.stdin.buffer.read(most + 1)
        with path.open("rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        raise FileFault("file.no_such_file", found=str(path)) from None
    except (OSError, ValueError) as fault:  # ValueError: a null character in the path
        raise _file_fault("file.unreadable", path or Path("-"), fault) from None


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write or replace a file (promise 2).

    Raises:
        FileFault: ``file.unwritable``.
    """
    try:
        temporary = _temporary(path, data, mode)
        try:
            temporary.replace(path)
        except OSError:
            temporary.unlink()
            raise
        _sync_folder(path.parent)
    except (OSError, ValueError) as fault:
        raise _file_fault("file.unwritable", path, fault) from None


def write_new(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet (promise 3).

    Raises:
        FileFault: ``file.exists``, ``file.unwritable``.
    """
    try:
        temporary = _temporary(path, data, mode)
        try:
            _rename_to_free_name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise FileFault("file.exists", found=str(path)) from None
    except (OSError, ValueError) as fault:
        raise _file_fault("file.unwritable", path, fault) from None


def _rename_to_free_name(temporary: Path, path: Path) -> None:
    """A link fails where the name is taken, in one step; a rename alone would replace what is there."""
    try:
        os.link(temporary, path)
    except OSError as fault:
        if fault.errno not in _NO_LINKS:
            raise
        # The empty file takes the name, so that the rename can only replace what this process made.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        temporary.replace(path)


def _temporary(path: Path, data: bytes, mode: int) -> Path:
    temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink()
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    # Folders cannot be opened everywhere (Windows); the file itself is safe already.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _file_fault(code: str, path: Path, fault: OSError | ValueError) -> FileFault:
    reason = fault.strerror if isinstance(fault, OSError) else None
    return FileFault(code, found=f"{path}: {reason or type(fault).__name__}")
