"""The test keys of the vectors. Everybody knows their private halves: never trust one.

Promises:

1. A private key is the start of the SHA-512 of "icard test key, never trust: NAME", so that anybody can make it again.
2. No two vectors' keys share a name; a key has one role.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from icard_crypto.encoding import cbor
from icard_crypto.signing.algorithms import ED25519, ES256, ES384, ML_DSA_44, Algorithm
from icard_crypto.signing.keys import SigningKey

__all__ = ["ALGORITHM_OF", "KEYS", "cose_key", "raw_private", "vectors"]

ALGORITHM_OF: Final[dict[str, Algorithm]] = {
    "card-ed25519": ED25519,
    "card-es256": ES256,
    "card-es384": ES384,
    "card-ml-dsa-44": ML_DSA_44,
    "status-ed25519": ED25519,
    "neighbour-card-ed25519": ED25519,
    "neighbour-status-ed25519": ED25519,
    "stranger-ed25519": ED25519,
    "holder-es256": ES256,
    "root-a-ed25519": ED25519,
    "root-b-ed25519": ED25519,
    "root-c-es256": ES256,
    "timestamp-ed25519": ED25519,
}


def raw_private(name: str) -> bytes:
    """The scalar (EC) or seed (Ed25519, ML-DSA) of a test key."""
    digest = hashlib.sha512(f"icard test key, never trust: {name}".encode()).digest()
    return digest[: ALGORITHM_OF[name].private_length]


KEYS: Final = {name: SigningKey.from_raw(algorithm, raw_private(name)) for name, algorithm in ALGORITHM_OF.items()}


def cose_key(name: str) -> dict[int | str, Any]:
    """The public half as a COSE_Key map."""
    return dict(KEYS[name].verifying_key.to_cose_key().items())


def _entry(name: str) -> dict[str, Any]:
    public = KEYS[name].verifying_key
    return {
        "algorithm": public.algorithm.name,
        "private": raw_private(name).hex(),
        "cose_key": cbor.encode(cose_key(name)).hex(),
        "thumbprint": public.thumbprint.hex(),
        "kid": public.kid.hex(),
    }


def vectors() -> dict[str, Any]:
    """``keys.json``."""
    return {
        "keys.json": {
            "about": "TEST KEYS. The private halves are public: never trust one. private: scalar (EC, big-endian) or "
            "seed (Ed25519, ML-DSA); cose_key: the public key as a COSE_Key, CBOR; thumbprint: RFC 9679, SHA-256; "
            "kid: its first 8 bytes. All in hexadecimal.",
            "keys": {name: _entry(name) for name in KEYS},
        }
    }
