"""Secrets that the service shows once and recognises by their keyed hash.

256 random bits need no slow hash: they can't be guessed (NIST SP 800-63B-4, 3.1.2.2, asks for one below 112 bits). The
key is not in the database: an attacker who can only write there can't add the hash of a secret of their own.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, Literal

from issuer.vault.at_rest import AtRest

__all__ = ["new_secret", "secret_hash"]

SecretKind = Literal["session", "invitation", "token", "calendar feed", "notification"]

_BYTES: Final = 32
#: Longer texts are none of ours; they are not hashed.
_LONGEST: Final = 128


def new_secret() -> str:
    """A new secret of 256 bits, 43 characters that are in a URL as they are."""
    return secrets.token_urlsafe(_BYTES)


def secret_hash(at_rest: AtRest, kind: SecretKind, text: str) -> str:
    """The keyed hash, 64 hexadecimal digits; of a text that is too long, that of nothing that was ever handed out."""
    inner = hashlib.sha256(text.encode() if len(text) <= _LONGEST else b"").hexdigest()
    return keyed(at_rest, kind, inner)


def keyed(at_rest: AtRest, kind: SecretKind, inner: str) -> str:
    """The keyed hash of a secret's SHA-256 hash, 64 hexadecimal digits."""
    return at_rest.digest(f"{kind} secret", inner)
