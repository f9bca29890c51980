"""The peer ``claim169``: it reads its own form only, and checks exp and nbf against the system's clock."""

from __future__ import annotations

from typing import Any

import claim169  # type: ignore[import-not-found]

from benchmarks.peers.protocol import Verify, serve


def prepare(form: str, algorithm: str, key: bytes, kid: bytes) -> Verify:
    """What a caller has in hand at the end: the identity as a dict, and the token's own claims.

    It drops claims that it does not know (card, status); that is less work, and stays in its favour.
    """
    if form != "claim169":
        raise LookupError(f"claim169 does not read the form {form}")
    decode = {"Ed25519": claim169.decode_with_ed25519, "ES256": claim169.decode_with_ecdsa_p256}[algorithm]

    def verify(text: Any) -> Any:
        result = decode(text, key)
        meta = result.cwt_meta
        return {
            "status": result.verification_status,
            "iss": meta.issuer,
            "exp": meta.expires_at,
            "iat": meta.issued_at,
            "identity": result.claim169.to_dict(),
        }

    return verify


if __name__ == "__main__":
    serve(prepare)
