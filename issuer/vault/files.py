"""Large objects outside the database: each a file of its own, encrypted under a key of its own.

Promises:

1. AES-256-GCM with a new key for each file; that key stands sealed in the object's row (:func:`issuer.db.base.sealed`),
   so that rewrapping touches no file, and whoever deletes the row has made the file unreadable, in backups too.
2. The file's name is bound to its content: a file that was exchanged for another one does not open.
3. A file is written whole or not at all, never changed, and never overwrites another one.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from icard_crypto.errors import StateError
from verifier.runtime.files import FileFault, read_capped, write_new

__all__ = ["SealedFiles"]

_FORMAT: Final = 1
_KEY: Final = 32
_NONCE: Final = 12
_TAG: Final = 16
_NAME: Final = re.compile("[0-9a-f]{32}")
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """The files of a folder, by names of 32 hexadecimal digits; the servers of one service share it."""

    folder: Path

    def write(self, name: str, content: bytes) -> bytes:
        """Write a new file; its key, to be sealed in the row of its name.

        Raises:
            FileFault: ``file.exists``, ``file.unwritable``.
        """
        key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
        path = self._path(name)
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        sealed = bytes((_FORMAT,)) + nonce + AESGCM(key).encrypt(nonce, content, _bound(name))
        write_new(path, sealed, mode=_FILE_MODE)
        return key

    def read(self, name: str, key: bytes, most: int) -> bytes:
        """A file's content.

        Args:
            most: bytes that it may have.

        Raises:
            StateError: ``at_rest.file_missing``, ``at_rest.damaged``.
        """
        try:
            sealed = read_capped(self._path(name), most + 1 + _NONCE + _TAG)
        except FileFault:
            raise StateError("at_rest.file_missing", path="uploads") from None
        try:
            if sealed[:1] != bytes((_FORMAT,)):
                raise ValueError
            return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _bound(name))
        except (InvalidTag, ValueError):
            raise StateError("at_rest.damaged", path="uploads") from None

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no fault."""
        with contextlib.suppress(OSError):
            self._path(name).unlink()

    def older_than(self, seconds: float) -> Iterator[str]:
        """The names of files that were written so long ago; what a killed write left behind is removed on the way."""
        before = time.time() - seconds
        for path in sorted(self.folder.glob("*/*")):
            try:
                old = path.stat().st_mtime < before
            except OSError:
                continue
            if old and _NAME.fullmatch(path.name):
                yield path.name
            elif old and path.name.endswith(".tmp"):
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("a file's name has 32 hexadecimal digits")
        return self.folder / name[:2] / name


def _bound(name: str) -> bytes:
    return b"icard file\0" + name.encode()
