"""The peer that is no library: cbor2 and cryptography, as one writes it in half an hour.

It takes every tag, any header and any CBOR; it shows what the bare parts cost in Python.
"""

from __future__ import annotations

import time
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from benchmarks.peers.protocol import Verify, serve
from benchmarks.peers.unwrap import unwrap


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Text to the claims map."""
    check = _checker(algorithm, key)
    open_form = unwrap(form)

    def verify(shown: Any) -> Any:
        protected, _, payload, signature = cbor2.loads(open_form(shown)).value
        check(signature, cbor2.dumps(["Signature1", protected, b"", payload]))
        claims = cbor2.loads(payload)
        if claims[4] < time.time():
            raise ValueError("expired")
        return claims

    return verify


def _checker(algorithm: str, key: bytes) -> Any:
    if algorithm == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(key).verify
    curve, digest = {"ES256": (ec.SECP256R1(), hashes.SHA256()), "ES384": (ec.SECP384R1(), hashes.SHA384())}[algorithm]
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, key)

    def check(signature: bytes, message: bytes) -> None:
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        public.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))

    return check


if __name__ == "__main__":
    serve(prepare)
