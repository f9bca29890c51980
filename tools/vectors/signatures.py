"""``refuse/``: the frame and the headers are good, the signature is not.

Ed25519: RFC 8032 section 5.1.7, with a small-order R refused as well. ECDSA: RFC 9053 section 2.1, ``r || s``.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from icard_crypto.encoding import cbor, envelope
from icard_crypto.signing import cose
from tools.vectors.base import ALG, CARD_KEY, KID, Json, bstr, frame, headers, payload, signed, signed_headers
from tools.vectors.keyring import KEYS, raw_private

__all__ = ["vectors"]

_L: Final = 2**252 + 27742317777372353535851937790883648493
_N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PAYLOAD: Final = payload()


def _refused(about: str, reason: str, coded: bytes, key: str = CARD_KEY) -> Json:
    text = envelope.to_ic1(coded)
    return {"about": about, "where": "cose", "layer": "signature", "reason": reason, "key": key, "text": text}


def _resigned(key_name: str, signature: bytes) -> bytes:
    protected = cbor.encode(headers(KEYS[key_name]))
    return frame(bstr(protected), b"\xa0", bstr(_PAYLOAD), bstr(signature))


def _signature(key_name: str) -> bytes:
    return cose.parse_sign1(signed(_PAYLOAD, key_name)).signature


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]


def _fitting_s(r: bytes) -> bytes:
    """The S that makes the equation hold for an R of small order: S = k a (RFC 8032 sections 5.1.6 and 5.1.7).

    For the identity it holds as it is, for the others once both sides are multiplied by the cofactor.
    """
    key = KEYS[CARD_KEY].verifying_key
    scalar = int.from_bytes(hashlib.sha512(raw_private(CARD_KEY)).digest()[:32], "little")
    scalar = scalar & ((1 << 254) - 8) | (1 << 254)
    message = cose.signed_bytes(cose.parse_sign1(signed(_PAYLOAD)))
    k = int.from_bytes(hashlib.sha512(r + key.raw + message).digest(), "little")
    return (k * scalar % _L).to_bytes(32, "little")


def _ed25519() -> dict[str, tuple[str, bytes]]:
    good = _signature(CARD_KEY)
    s = int.from_bytes(good[32:], "little")
    identity, order_2, order_4 = b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", bytes(32)
    order_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
    return {
        "r-flipped": ("A bit of R differs.", _flipped(good, 0)),
        "s-flipped": ("A bit of S differs.", _flipped(good, 32)),
        "s-plus-order": ("S + L: the same number, not canonical.", good[:32] + (s + _L).to_bytes(32, "little")),
        "s-zero": ("S is zero.", good[:32] + bytes(32)),
        "r-identity": ("R is the identity; the equation holds.", identity + _fitting_s(identity)),
        "r-identity-s-zero": ("R is the identity and S zero.", identity + bytes(32)),
        "r-order-2": ("R is of order 2; the equation holds but for the cofactor.", order_2 + _fitting_s(order_2)),
        "r-order-8": ("R is of order 8; the equation holds but for the cofactor.", order_8 + _fitting_s(order_8)),
        "r-order-4": ("R is of order 4; the equation holds but for the cofactor.", order_4 + _fitting_s(order_4)),
        "zeros": ("64 zero bytes.", bytes(64)),
        "empty": ("No byte.", b""),
        "63-bytes": ("The last byte is missing.", good[:-1]),
        "65-bytes": ("A byte too many.", good + b"\0"),
    }


def _ecdsa() -> dict[str, tuple[str, bytes]]:
    good = _signature("card-es256")
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    return {
        "r-flipped": ("A bit of r differs.", _flipped(good, 31)),
        "r-zero": ("r is zero.", bytes(32) + good[32:]),
        "s-zero": ("s is zero.", good[:32] + bytes(32)),
        "zeros": ("64 zero bytes.", bytes(64)),
        "r-is-order": ("r is the group's order.", _N.to_bytes(32, "big") + good[32:]),
        "s-is-order": ("s is the group's order.", good[:32] + _N.to_bytes(32, "big")),
        "der": ("In DER instead of r || s.", encode_dss_signature(r, s)),
        "swapped": ("s || r.", good[32:] + good[:32]),
        "little-endian": ("Both numbers with the lowest byte first.", good[31::-1] + good[:31:-1]),
    }


def _covers() -> dict[str, tuple[str, bytes]]:
    """Good signatures over something else."""
    key, stranger = KEYS[CARD_KEY], KEYS["stranger-ed25519"]
    protected = cbor.encode(headers(key))
    genuine = signed(_PAYLOAD)
    good = cose.parse_sign1(genuine)
    structure = cose.signed_bytes(good)
    at = genuine.index(b"VOGEL")
    second = cbor.encode(headers(key) | {ALG: -19})
    return {
        "payload-flipped": ("A letter of the name differs.", genuine[:at] + b"ROGEL" + genuine[at + 5 :]),
        "alg-rewritten": (
            "The header's alg exchanged for the same algorithm's second id.",
            frame(bstr(second), b"\xa0", bstr(_PAYLOAD), bstr(good.signature)),
        ),
        "external-data": ("Signed with external data.", signed_headers(protected, _PAYLOAD, external_aad=b"gate 7")),
        "payload-only": ("Signed over the payload alone.", _resigned(CARD_KEY, key.sign(_PAYLOAD))),
        "context-mac": (
            "Signed under the context MAC0.",
            _resigned(CARD_KEY, key.sign(structure.replace(b"\x6aSignature1", b"\x64MAC0", 1))),
        ),
        "context-signature": (
            "Signed under the context of COSE_Sign.",
            _resigned(CARD_KEY, key.sign(structure.replace(b"\x6aSignature1", b"\x69Signature", 1))),
        ),
        "by-stranger": ("Signed by another key under this one's kid.", _resigned(CARD_KEY, stranger.sign(structure))),
    }


def vectors() -> dict[str, Json]:
    """``refuse/*.json`` of the layer signature."""
    made = {
        f"signature-ed25519-{name}": _refused(about, "bad_signature", _resigned(CARD_KEY, signature))
        for name, (about, signature) in _ed25519().items()
    }
    made |= {
        f"signature-es256-{name}": _refused(about, "bad_signature", _resigned("card-es256", signature), "card-es256")
        for name, (about, signature) in _ecdsa().items()
    }
    made |= {f"signature-{name}": _refused(about, "bad_signature", coded) for name, (about, coded) in _covers().items()}
    key = KEYS["card-es256"]
    other = cbor.encode(headers(key) | {KID: bytes(KEYS[CARD_KEY].verifying_key.kid)})
    about = "A P-256 signature under the kid of an Ed25519 key."
    made["signature-other-algorithm"] = _refused(about, "key_algorithm_mismatch", signed_headers(other, _PAYLOAD, key))
    return made
