"""What all vectors are made from: the reference card's claims, and ways to sign, splice and describe them.

Promises:

1. Each maker returns ``{path below tests/vectors: JSON value}`` and touches no file.
2. A payload may hold anything, for faults; its signature is good all the same, so that only the layer named fails.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from icard_crypto.card.card import Profile
from icard_crypto.card.claims import CardClaims, to_map
from icard_crypto.encoding import cbor
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey
from tests.kit.reference import reference_claims
from tools.vectors.keyring import KEYS, cose_key

__all__ = [
    "ALG",
    "CARD_KEY",
    "KID",
    "TYP",
    "Json",
    "bstr",
    "card_map",
    "claims_json",
    "frame",
    "headers",
    "payload",
    "signed",
    "signed_headers",
]

Json = dict[str, Any]

ALG: Final = 1
KID: Final = 4
TYP: Final = 16

CARD_KEY: Final = "card-ed25519"


def claims_json(claims: CardClaims) -> Json:
    """Claims as the vectors write them: bytes in hexadecimal, CBOR in diagnostic notation."""
    confirmation = claims.confirmation
    return {
        "issuer": claims.issuer,
        "issued_at": claims.issued_at,
        "not_before": claims.not_before,
        "expires": claims.expires,
        "cti": claims.cti.hex(),
        "status": {"uri": claims.status.uri, "index": claims.status.index},
        "profile": claims.profile,
        "card": claims.card.to_json(),
        "confirmation": None
        if confirmation is None
        else diagnostic(dict(sorted(confirmation.items(), key=lambda member: cbor.encode(member[0])))),
        "unknown": sorted(claims.unknown),
    }


def card_map(profile: Profile = Profile.AUTHORITY) -> dict[int | str, Any]:
    """The reference card's claims as a map, to be changed at will; with the holder's key, so that no map is missing."""
    claims = copy.deepcopy(to_map(reference_claims(profile)))
    claims[8] = {1: cose_key("holder-es256")}
    return claims


def payload(profile: Profile = Profile.PUBLIC) -> bytes:
    """The reference card's payload."""
    return cbor.encode(to_map(reference_claims(profile)))


def headers(key: SigningKey) -> dict[int | str, Any]:
    """A card's protected headers."""
    return {ALG: key.algorithm.ids[0], KID: bytes(key.verifying_key.kid)}


def signed_headers(
    protected: bytes,
    content: bytes,
    key: SigningKey | None = None,
    *,
    unprotected: bytes = b"\xa0",
    external_aad: bytes = b"",
) -> bytes:
    """A card whose protected header is given as bytes, properly signed over them."""
    message = cose.Sign1(protected, unprotected, content, b"", False)
    signature = (key or KEYS[CARD_KEY]).sign(cose.signed_bytes(message, external_aad))
    return frame(bstr(protected), unprotected, bstr(content), bstr(signature))


def signed(content: bytes, key_name: str = CARD_KEY) -> bytes:
    """A card with this payload."""
    key = KEYS[key_name]
    return signed_headers(cbor.encode(headers(key)), content, key)


def bstr(content: bytes) -> bytes:
    """``content`` as a CBOR byte string."""
    return cbor.encode(content)


def frame(*elements: bytes, start: bytes = b"\xd2\x84") -> bytes:
    """A COSE_Sign1 of encoded elements."""
    return start + b"".join(elements)
