"""A key pair as two files: an encrypted PKCS#8 private key and its public key beside it.

Promises:

1. The private key's file has mode 0600 from its first byte, and is never overwritten.
2. A kill leaves no half key: each file is written whole, or not at all.
3. An error names the file and never shows what is in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from icard_crypto.signing.keys import SigningKey
from verifier.runtime.files import FileFault, read_capped, write_new

__all__ = ["public_path", "read_key_file", "write_key_pair"]

#: An encrypted P-384 or ML-DSA-44 key in PEM is under 1 KiB; bags with certificates in front stay below this.
KEY_BYTES: Final = 64 * 1024
_SECRET: Final = 0o600
_PUBLIC: Final = 0o644


def public_path(path: Path) -> Path:
    """Where the public key of a private key's file stands: ``key.pem`` has ``key.pub.pem``."""
    return path.with_name(f"{path.stem}.pub{path.suffix or '.pem'}")


def write_key_pair(path: Path, key: SigningKey, passphrase: bytes | None) -> Path:
    """Write both files and return the public one's path.

    Raises:
        FileFault: ``file.exists`` where one of them is there already, ``file.unwritable``.
    """
    public = public_path(path)
    for target in (path, public):
        if target.exists() or target.is_symlink():
            raise FileFault("file.exists", found=str(target))
    write_new(path, key.to_pem(passphrase), mode=_SECRET)
    write_new(public, key.verifying_key.to_pem(), mode=_PUBLIC)
    return public


def read_key_file(path: Path) -> bytes:
    """The content of a private key's file.

    Raises:
        FileFault: ``file.no_such_file``, ``file.unreadable``, ``file.too_large``.
    """
    return read_capped(path, KEY_BYTES)
