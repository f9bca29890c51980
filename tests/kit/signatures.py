"""Ed25519 signatures for comparing checks: good ones, changed ones, and ones that no signer would make.

All are made from a seed, so that a difference that was found can be found again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from icard_crypto.signing.ed25519 import SMALL_ORDER
from tests.kit import edwards

__all__ = ["SPECIAL_ENCODINGS", "Asked", "mixed_order", "mutated", "special_commitments"]

#: A signature and the message that it is said to be over.
Asked = tuple[bytes, bytes]

_TORSION: Final = edwards.torsion()

#: Encodings at the edges of what is a point: small orders, y around p and 0, with either sign.
SPECIAL_ENCODINGS: Final = sorted(
    SMALL_ORDER
    | {
        (y | sign << 255).to_bytes(32, "little")
        for y in (*range(40), *range(edwards.P - 40, 2**255))
        for sign in (0, 1)
    }
)


def mutated(chance: random.Random, each: int) -> tuple[bytes, list[Asked]]:
    """A new key and ``each`` signatures of it, half of them good, the others changed in one of seven ways."""
    private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
    asked = []
    for _ in range(each):
        message = bytearray(chance.randbytes(chance.randrange(0, 400)))
        signature = bytearray(private.sign(bytes(message)))
        _mutate(chance, chance.randrange(14), signature, message)
        asked.append((bytes(signature), bytes(message)))
    return private.public_key().public_bytes_raw(), asked


def _mutate(chance: random.Random, way: int, signature: bytearray, message: bytearray) -> None:
    edges = (0, 1, edwards.L - 1, edwards.L, edwards.L + 1, 2**252, 2**253 - 1, 2**255 - 1, 2**256 - 1)
    s = int.from_bytes(signature[32:], "little")
    if way == 0:
        signature[chance.randrange(64)] ^= 1 << chance.randrange(8)
    elif way == 1:
        message += b"\0" if not message else b""
        message[chance.randrange(len(message))] ^= 1 << chance.randrange(8)
    elif way == 2:
        signature[32:] = ((s + edwards.L * chance.randrange(1, 9)) % 2**256).to_bytes(32, "little")
    elif way == 3:
        signature[:32] = chance.choice(SPECIAL_ENCODINGS)
    elif way == 4:
        signature[32:] = chance.choice((*edges, chance.randrange(edwards.L))).to_bytes(32, "little")
    elif way == 5:
        signature[31] ^= 0x80
    elif way == 6:
        signature[32:] = ((edwards.L - s) % edwards.L).to_bytes(32, "little")


def mixed_order(chance: random.Random, messages: int) -> Iterator[tuple[bytes, list[Asked]]]:
    """For each of eight keys with a part of small order: signatures whose R has any such part, 8 times ``messages``.

    S fits the parts of order L alone. Whether the rest fits depends on the message: with the cofactor all would hold.
    """
    secret, nonces = chance.randrange(1, edwards.L), [chance.randrange(1, edwards.L) for _ in range(4)]
    honest = edwards.multiply(secret, edwards.BASE)
    points = [(nonce, edwards.multiply(nonce, edwards.BASE)) for nonce in nonces]
    commitments = [(nonce, edwards.encode(edwards.add(point, part))) for nonce, point in points for part in _TORSION]
    for part in _TORSION:
        public = edwards.encode(edwards.add(honest, part))
        asked = []
        for number in range(8 * messages):
            nonce, commitment = commitments[number % len(commitments)]
            asked.append(_signed(chance, public, secret, nonce, commitment))
        yield public, asked


def special_commitments(chance: random.Random) -> tuple[bytes, list[Asked]]:
    """A key with a part of order 8, and signatures with each special encoding as R and S to match nonce 0."""
    secret = chance.randrange(1, edwards.L)
    public = edwards.encode(edwards.add(edwards.multiply(secret, edwards.BASE), _TORSION[1]))
    return public, [_signed(chance, public, secret, 0, special) for special in SPECIAL_ENCODINGS for _ in range(3)]


def _signed(chance: random.Random, public: bytes, secret: int, nonce: int, commitment: bytes) -> Asked:
    message = chance.randbytes(8)
    s = (nonce + edwards.challenge(commitment, public, message) * secret) % edwards.L
    return commitment + s.to_bytes(32, "little"), message
