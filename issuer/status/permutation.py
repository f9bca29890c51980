"""A secret permutation of the numbers below a list's capacity.

Promises:

1. ``Permutation(key, n)`` maps 0 .. n-1 onto 0 .. n-1, each once; nobody without the key can tell the next.
2. It holds nothing but the key: a counter in the database is all the state there is.

A balanced Feistel network over the next even number of bits, walked along its cycle until the number is below the
capacity (Black and Rogaway 2002, "Ciphers with arbitrary finite domains", cycle-walking cipher). The expected walk is
under four steps. Round function: keyed BLAKE2b. Sixteen rounds, where NIST SP 800-38G takes eight to ten, because the
domain is small.
"""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["KEY_LENGTH", "Permutation"]

KEY_LENGTH: Final = 32
_ROUNDS: Final = 16


class Permutation:
    """The permutation of one list."""

    __slots__ = ("_capacity", "_half", "_mask", "_rounds")

    def __init__(self, key: bytes, capacity: int) -> None:
        if len(key) != KEY_LENGTH or capacity < 1:
            raise ValueError("a key of 32 bytes and a capacity of at least 1")
        self._capacity = capacity
        self._half = max(1, ((capacity - 1).bit_length() + 1) // 2)
        self._mask = (1 << self._half) - 1
        self._rounds = [
            hashlib.blake2b(key=key, digest_size=8, salt=bytes((number,)), person=b"icard index")
            for number in range(_ROUNDS)
        ]

    def __call__(self, number: int) -> int:
        """The index for a counter's ``number``, ``0 <= number < capacity``."""
        if not 0 <= number < self._capacity:
            raise ValueError("a number below the capacity")
        number = self._step(number)
        while number >= self._capacity:
            number = self._step(number)
        return number

    def _step(self, number: int) -> int:
        left, right = number >> self._half, number & self._mask
        for start in self._rounds:
            state = start.copy()
            state.update(right.to_bytes(8, "big"))
            left, right = right, left ^ (int.from_bytes(state.digest(), "big") & self._mask)
        return left << self._half | right
