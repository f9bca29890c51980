"""The closed table of signature algorithms (IANA COSE Algorithms; RFC 9053, RFC 9864, RFC 9964 for ML-DSA).

Promises:

1. Nothing outside this table is ever used to sign or verify, and a key belongs to exactly one row.
2. Each algorithm has two ids at most, the polymorphic and the fully-specified one; both mean the same here and are
   normalised before they are compared with the key's algorithm. The first is the one that icard writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ALGORITHMS", "ED25519", "ES256", "ES384", "ML_DSA_44", "Algorithm", "by_id", "by_name"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One row: names and numbers of IANA's registries, lengths in bytes.

    Attributes:
        name: as people write it.
        ids: COSE algorithm ids; the first is emitted.
        key_type: COSE key type: 1 OKP, 2 EC2, 7 AKP.
        curve: COSE curve for OKP and EC2, else None.
        public_length: of the raw public key (EC2: 0x04, x, y).
        private_length: of the raw private key (Ed25519, ML-DSA: the seed).
        signature_length: fixed; checked before anything is computed.
    """

    name: str
    ids: tuple[int, ...]
    key_type: int
    curve: int | None
    public_length: int
    private_length: int
    signature_length: int

    def __reduce__(self) -> tuple[object, ...]:
        # Rows are compared by identity: a row that was pickled or copied is the row itself again.
        return (by_name, (self.name,))


ES256: Final = Algorithm("ES256", (-7, -9), 2, 1, 65, 32, 64)
ES384: Final = Algorithm("ES384", (-35, -51), 2, 2, 97, 48, 96)
ED25519: Final = Algorithm("Ed25519", (-8, -19), 1, 6, 32, 32, 64)
ML_DSA_44: Final = Algorithm("ML-DSA-44", (-48,), 7, None, 1312, 32, 2420)

ALGORITHMS: Final = (ES256, ES384, ED25519, ML_DSA_44)
_BY_ID: Final = {number: algorithm for algorithm in ALGORITHMS for number in algorithm.ids}
_BY_NAME: Final = {algorithm.name: algorithm for algorithm in ALGORITHMS}


def by_id(number: int) -> Algorithm | None:
    """The algorithm with this COSE id, or None."""
    return _BY_ID.get(number)


def by_name(name: str) -> Algorithm | None:
    """The algorithm with this name (``ES256``, ``ES384``, ``Ed25519``, ``ML-DSA-44``), or None."""
    return _BY_NAME.get(name)
