"""The curve edwards25519 from its equation (RFC 8032 section 5.1), for making signatures that no signer would make.

Slow, not constant in time, and never to be used for keys that matter.
"""

from __future__ import annotations

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(first: Point, second: Point) -> Point:
    """The sum of two points."""
    (x1, y1), (x2, y2) = first, second
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def multiply(factor: int, point: Point) -> Point:
    """``factor`` times ``point``."""
    total = IDENTITY
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def with_y(y: int, sign: int) -> Point | None:
    """The point with this y and this lowest bit of x, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else P - x), y


def encode(point: Point) -> bytes:
    """The canonical 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(encoded: bytes) -> Point | None:
    """The point that 32 canonical bytes encode, if any."""
    number = int.from_bytes(encoded, "little")
    y = number & (2**255 - 1)
    return with_y(y, number >> 255) if y < P else None


def _base() -> Point:
    point = with_y(4 * pow(5, -1, P) % P, 0)
    assert point is not None
    return point


BASE = _base()


def torsion() -> list[Point]:
    """The eight points of small order: L times a point whose order is 8 L, and its multiples."""
    y = 2
    while True:
        point = with_y(y, 0)
        y += 1
        generator = multiply(L, point) if point else IDENTITY
        if multiply(4, generator) != IDENTITY:
            return [multiply(number, generator) for number in range(8)]


def challenge(commitment: bytes, public: bytes, message: bytes) -> int:
    """The number h of RFC 8032 section 5.1.7."""
    return int.from_bytes(hashlib.sha512(commitment + public + message).digest(), "little") % L
