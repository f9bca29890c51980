"""Opening the tokens that are beside cards, such as status lists and timestamps: whose they are, then what they hold.

:func:`open_token` checks, in this order, and stops at the first fault:

1. The frame: a COSE_Sign1 of at most so many bytes with tag 18, never 61.
2. The headers: alg and kid protected, nothing unprotected, exactly the typ asked for.
3. The key: the caller knows one with that kid, and its algorithm is the header's.
4. The signature. Nothing of the payload is decoded before it holds, nor here.

:func:`peek_unverified` alone decodes before: for finding the key or the list by which a token is then verified, and for
holding back what would overwrite something newer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError

from . import cose
from .keys import Kid, VerifyingKey

__all__ = ["FindKey", "open_token", "peek_unverified"]

FindKey = Callable[[Kid], VerifyingKey | None]


def open_token(
    token: bytes, typ: str, find_key: FindKey, layer: Literal["status", "timestamp"], max_bytes: int
) -> tuple[bytes, VerifyingKey]:
    """The payload of a signed token, and the key that signed it.

    Args:
        typ: exactly what the token's header says it is.
        find_key: gives the key for a kid, or None; it may raise a code of its own.
        layer: whose codes name the faults.

    Raises:
        DecodeError: ``cose.*``, ``header.*``, ``cbor.*``; ``<layer>.cwt_tag``, ``<layer>.unknown_key``,
            ``<layer>.key_algorithm``, ``<layer>.bad_signature``.
    """
    # 1
    message = cose.parse_sign1(token, max_bytes=max_bytes)
    if message.cwt_tag:
        raise DecodeError(f"{layer}.cwt_tag", offset=0, expected="tag 18", found="tag 61")
    # 2
    headers = cose.token_headers(message, typ)
    # 3
    key = find_key(Kid(headers.kid))
    if key is None:
        raise DecodeError(f"{layer}.unknown_key", found=f"kid {headers.kid.hex()}")
    if key.algorithm is not headers.algorithm:
        raise DecodeError(f"{layer}.key_algorithm", expected=key.algorithm.name, found=headers.algorithm.name)
    # 4
    if not key.verify(message.signature, cose.signed_bytes(message)):
        raise DecodeError(f"{layer}.bad_signature", found=f"kid {headers.kid.hex()}")
    return message.payload, key


def peek_unverified(token: bytes, claim: int, *, max_bytes: int) -> cbor.Value:
    """A claim of a token whose signature nobody has checked: never a reason to trust it. None: there is no such claim.

    Raises:
        DecodeError: ``cose.*``, ``cbor.*``.
    """
    payload = cose.parse_sign1(token, max_bytes=max_bytes).payload
    claims = cbor.decode(payload, max_bytes=max_bytes, max_items=limits.TIMESTAMP_ITEMS)
    return claims.get(claim) if isinstance(claims, dict) else None
