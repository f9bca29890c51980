"""icard as a contender, in its own environment: ``run_icard <backend> <result>``.

The public parts one after the other: no trust list, no status, no policy, as no peer has them. Backends are
``native``, ``libsodium``, ``openssl``. Results: ``card``, every field checked and made a ``CardClaims``; ``map``, the
claims as strict CBOR gives them, which is what python-cwt and pycose give.
"""

from __future__ import annotations

import sys
from typing import Any, cast

from benchmarks.peers.protocol import Verify, serve
from icard_crypto import limits
from icard_crypto.card import claims
from icard_crypto.encoding import cbor, envelope
from icard_crypto.signing import algorithms, cose, keys
from icard_crypto.signing.ed25519 import Backend


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Text or bytes to claims; the form is recognised from what is shown, not told."""
    known = algorithms.by_name(algorithm)
    if known is None:
        raise LookupError(algorithm)
    backend = cast(Backend, sys.argv[1]) if algorithm == "Ed25519" else None
    result = {"card": claims.decode_payload, "map": _map}[sys.argv[2]]
    held = keys.VerifyingKey(known, key, backend=backend)

    def verify(shown: Any) -> Any:
        sign1 = cose.parse_sign1(envelope.read(shown).cose)
        headers = cose.token_headers(sign1, None)
        if headers.kid != held.kid or headers.algorithm is not held.algorithm:
            raise ValueError("another key")
        if not held.verify(sign1.signature, cose.signed_bytes(sign1)):
            raise ValueError("the signature does not hold")
        return result(sign1.payload)

    return verify


def _map(payload: bytes) -> Any:
    return cbor.decode(payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)


if __name__ == "__main__":
    serve(prepare)
