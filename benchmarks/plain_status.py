"""The peer for status lists: plain Python, as one writes it from the draft, around cbor2 and cryptography.

It checks the signature, whose list it is and that it has not ended; nothing else: any header, any CBOR, any stream that
inflates to anything. It runs in this environment: the two libraries are those that icard itself uses.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["PlainStatusList", "load"]

_SUB, _EXP, _STATUS_LIST = 2, 4, 65533


@dataclass
class PlainStatusList:
    """Entries of ``bits`` bits, packed from the least significant bit of each byte upwards."""

    packed: bytes
    bits: int

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.packed) * 8 // self.bits

    def get(self, index: int) -> int:
        """The value of an entry."""
        in_a_byte = 8 // self.bits
        shift = index % in_a_byte * self.bits
        return self.packed[index // in_a_byte] >> shift & ((1 << self.bits) - 1)


def load(token: bytes, key: Ed25519PublicKey, uri: str, now: int) -> PlainStatusList:
    """A token's entries.

    Raises:
        ValueError: another list's, or over.
        InvalidSignature: the signature does not hold.
    """
    protected, _, payload, signature = cbor2.loads(token).value
    key.verify(signature, cbor2.dumps(["Signature1", protected, b"", payload]))
    claims: dict[Any, Any] = cbor2.loads(payload)
    if claims[_SUB] != uri or claims[_EXP] < now:
        raise ValueError("another list's, or over")
    held = claims[_STATUS_LIST]
    return PlainStatusList(zlib.decompress(held["lst"]), held["bits"])
