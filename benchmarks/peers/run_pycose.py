"""The peer pycose: it checks the signature and leaves claims and times to the caller, who does them here."""

from __future__ import annotations

import time
from typing import Any

import cbor2
from pycose.keys import EC2Key, OKPKey  # type: ignore[import-not-found]
from pycose.keys.curves import P256, P384, Ed25519  # type: ignore[import-not-found]
from pycose.messages import Sign1Message  # type: ignore[import-not-found]

from benchmarks.peers.protocol import Verify, serve
from benchmarks.peers.unwrap import unwrap


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Text to the claims map."""
    if algorithm == "Ed25519":
        held = OKPKey(crv=Ed25519, x=key)
    else:
        half = len(key) // 2
        curve = {"ES256": P256, "ES384": P384}[algorithm]
        held = EC2Key(crv=curve, x=key[1 : 1 + half], y=key[1 + half :])
    open_form = unwrap(form)

    def verify(shown: Any) -> Any:
        message = Sign1Message.decode(open_form(shown))
        message.key = held
        if not message.verify_signature():
            raise ValueError("the signature does not hold")
        claims = cbor2.loads(message.payload)
        if claims[4] < time.time():
            raise ValueError("expired")
        return claims

    return verify


if __name__ == "__main__":
    serve(prepare)
