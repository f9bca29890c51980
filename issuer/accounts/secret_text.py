"""Secrets that the service hands out once and knows again by their hash.

256 random bits need no slow hash: nobody tries them out (NIST SP 800-63B-4, 3.1.2.2, asks for one below 112 bits).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

__all__ = ["new_secret", "secret_hash"]

_BYTES: Final = 32
#: Longer texts are none of ours; they are not hashed.
_LONGEST: Final = 128


def new_secret() -> str:
    """A new secret of 256 bits, 43 characters that stand in a URL as they are."""
    return secrets.token_urlsafe(_BYTES)


def secret_hash(text: str) -> str:
    """SHA-256, 64 hexadecimal digits; of a text that is too long, the hash of nothing that was ever handed out."""
    return hashlib.sha256(text.encode() if len(text) <= _LONGEST else b"").hexdigest()
