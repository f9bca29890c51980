"""The private key that signs by hand, from a file.

Promises:

1. A key of the service is refused by name: what it signs has to be in the service's records.
2. The passphrase is asked for only where the key needs one.
"""

from __future__ import annotations

from pathlib import Path

from icard_crypto.errors import KeyFault
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from issuer.keys.keystore import Envelope

from .key_files import read_key_file
from .passphrase import ask, passphrase_of_file

__all__ = ["is_protected", "private_key", "public_key"]


def private_key(path: Path, passphrase_file: Path | None) -> SigningKey:
    """The private key of a PEM file.

    Raises:
        KeyFault: ``keystore.origin`` for a key of the service, ``key.*``.
        CommandError: the file cannot be read.
    """
    data = read_key_file(path)
    passphrase = None if passphrase_file is None else passphrase_of_file(passphrase_file)
    if data.lstrip()[:1] == b"{" and Envelope.decode(data).origin == "service":
        raise KeyFault("keystore.origin", expected="hand", found="service")
    try:
        return SigningKey.from_pem(data, passphrase)
    except KeyFault as fault:
        if fault.code != "key.passphrase_needed":
            raise
        return SigningKey.from_pem(data, ask(twice=False))


def is_protected(path: Path) -> bool:
    """Whether a private key's file needs a passphrase.

    Raises:
        KeyFault: ``key.*``.
        CommandError: the file cannot be read.
    """
    try:
        SigningKey.from_pem(read_key_file(path), None)
    except KeyFault as fault:
        if fault.code != "key.passphrase_needed":
            raise
        return True
    return False


def public_key(path: Path) -> VerifyingKey:
    """The public key of a PEM file.

    Raises:
        KeyFault: ``key.*``.
        CommandError: the file cannot be read.
    """
    return VerifyingKey.from_pem(read_key_file(path))
