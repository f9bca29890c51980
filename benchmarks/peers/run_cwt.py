"""The peer python-cwt: it finds the key by kid, checks the signature, and exp and nbf against the system's clock."""

from __future__ import annotations

from typing import Any

import cwt  # type: ignore[import-not-found]

from benchmarks.peers.protocol import Verify, serve
from benchmarks.peers.unwrap import unwrap

# COSE algorithm, key type, curve: RFC 9053, tables 1, 2, 17 and 18.
_KINDS = {"Ed25519": (-8, 1, 6), "ES256": (-7, 2, 1), "ES384": (-35, 2, 2)}


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """Text to the claims map."""
    alg, kty, crv = _KINDS[algorithm]
    cose_key: dict[int, Any] = {1: kty, 2: kid, 3: alg, -1: crv}
    if kty == 1:
        cose_key[-2] = key
    else:
        half = len(key) // 2
        cose_key[-2], cose_key[-3] = key[1 : 1 + half], key[1 + half :]
    held, context, open_form = cwt.COSEKey.new(cose_key), cwt.CWT.new(), unwrap(form)
    return lambda shown: context.decode(open_form(shown), held)


if __name__ == "__main__":
    serve(prepare)
