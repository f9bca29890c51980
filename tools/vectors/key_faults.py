"""``keys/``: keys that must be refused when they are read, and a few that must be taken.

Sources: small-order points, RFC 7748 section 6.1 and RFC 8032 section 5.1.3; COSE_Key, RFC 9052 section 7 and RFC 9053
section 7; AKP, RFC 9964; thumbprints, RFC 9679.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from icard_crypto.encoding import cbor
from tools.vectors.base import Json
from tools.vectors.keyring import KEYS, cose_key, raw_private

__all__ = ["vectors"]

_KTY, _KID, _ALG, _CRV, _X, _Y, _D = 1, 2, 3, -1, -2, -3, -4

_P25519: Final = 2**255 - 19
_P256: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_ORDER_8: Final = 55188659117513257062467267217118295137698188065244968500265048394206261417927
_SPKI_ED25519: Final = bytes.fromhex("302a300506032b6570032100")
_SPKI_X25519: Final = bytes.fromhex("302a300506032b656e032100")
_SPKI_P256: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def _member(name: str, label: int) -> Any:
    return cose_key(name)[label]


def _point(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def _flipped(content: bytes) -> bytes:
    return content[:-1] + bytes((content[-1] ^ 1,))


def _ed25519_points() -> dict[str, tuple[str, str, bytes]]:
    """Name: about, code, x of a COSE_Key."""
    good = _member("card-ed25519", _X)
    bad = "key.bad_point"
    return {
        "identity": ("The identity, order 1.", bad, _point(1)),
        "order-2": ("Order 2.", bad, _point(_P25519 - 1)),
        "order-4": ("Order 4.", bad, _point(0)),
        "order-4-negative": ("Order 4, the other sign.", bad, _point(0, 1)),
        "order-8": ("Order 8.", bad, _point(_ORDER_8)),
        "order-8-negative": ("Order 8, the other sign.", bad, _point(_ORDER_8, 1)),
        "order-8-other": ("Order 8, the other y.", bad, _point(_P25519 - _ORDER_8)),
        "order-8-other-negative": ("Order 8, the other y and sign.", bad, _point(_P25519 - _ORDER_8, 1)),
        "identity-negative": ("x = 0 with a sign: no point.", bad, _point(1, 1)),
        "order-2-negative": ("x = 0 with a sign: no point.", bad, _point(_P25519 - 1, 1)),
        "y-is-p": ("y = p: 0, not canonical.", bad, _point(_P25519)),
        "y-is-p-plus-1": ("y = p + 1: 1, not canonical.", bad, _point(_P25519 + 1)),
        "y-is-p-plus-3": ("y = p + 3: a good point, not canonical.", bad, _point(_P25519 + 3)),
        "y-largest": ("y = 2^255 - 1, not canonical.", bad, _point(2**255 - 1)),
        "no-point": ("y = 2: no point of the curve has it.", bad, _point(2)),
        "31-bytes": ("A byte short.", "key.length", good[:-1]),
        "33-bytes": ("A byte long.", "key.length", good + b"\0"),
        "empty": ("No byte.", "key.length", b""),
    }


def _ec_points() -> dict[str, tuple[str, str, str, bytes, bytes]]:
    """Name: about, code, key that is changed, x, y."""
    x, y = _member("card-es256", _X), _member("card-es256", _Y)
    long_x, long_y = _member("card-es384", _X), _member("card-es384", _Y)
    bad, length = "key.bad_point", "key.length"
    too_large = _P256.to_bytes(32, "big")
    return {
        "p256-off-curve": ("A bit of y differs.", bad, "card-es256", x, _flipped(y)),
        "p384-off-curve": ("A bit of y differs.", bad, "card-es384", long_x, _flipped(long_y)),
        "p256-zeros": ("0, 0 is no point.", bad, "card-es256", bytes(32), bytes(32)),
        "p256-x-is-p": ("x = p, not in the field.", bad, "card-es256", too_large, y),
        "p256-swapped": ("x and y exchanged.", bad, "card-es256", y, x),
        "p256-x-short": ("x lacks a byte.", length, "card-es256", x[1:], y),
        "p256-both-short": ("x and y lack a byte.", length, "card-es256", x[1:], y[1:]),
        "p256-x-padded": ("x and y with a leading zero.", length, "card-es256", b"\0" + x, b"\0" + y),
        "p256-with-p384-point": ("A P-384 point under P-256.", length, "card-es256", long_x, long_y),
    }


def _changed(name: str, **members: Any) -> dict[int | str, Any]:
    labels = {"kty": _KTY, "kid": _KID, "alg": _ALG, "crv": _CRV, "x": _X, "y": _Y, "d": _D, "ops": 4, "other": 99}
    return cose_key(name) | {labels[member]: value for member, value in members.items()}


def _without(name: str, label: int) -> dict[int | str, Any]:
    return {key: value for key, value in cose_key(name).items() if key != label}


def _maps() -> dict[str, tuple[str, str, Any]]:
    """Name: about, code, COSE_Key."""
    ed, p256, ml = "card-ed25519", "card-es256", "card-ml-dsa-44"
    unknown, malformed = "key.unknown_algorithm", "key.malformed"
    seed = raw_private(ed)
    return {
        "ed25519-private": ("With the private part.", malformed, _changed(ed, d=seed)),
        "p256-private": ("With the private part.", malformed, _changed(p256, d=raw_private(p256))),
        "ml-dsa-private": ("With the private part (label -2).", malformed, _changed(ml, x=raw_private(ml))),
        "key-ops": ("With key_ops, which icard does not use.", malformed, _changed(ed, ops=[2])),
        "unknown-member": ("With an unknown member.", malformed, _changed(ed, other=1)),
        "x-missing": ("Without x.", malformed, _without(ed, _X)),
        "y-missing": ("Without y.", malformed, _without(p256, _Y)),
        "y-sign": ("y as a sign, the compressed form.", malformed, _changed(p256, y=True)),
        "x-text": ("x as a text.", malformed, _changed(ed, x="A" * 32)),
        "no-map": ("A list.", malformed, [1, 6]),
        "empty-map": ("An empty map.", unknown, {}),
        "kty-missing": ("Without kty.", unknown, _without(ed, _KTY)),
        "kty-true": ("True is not key type 1.", unknown, _changed(ed, kty=True)),
        "kty-text": ("kty by name.", unknown, _changed(ed, kty="OKP")),
        "kty-other": ("An Ed25519 key called EC2.", unknown, _changed(ed, kty=2)),
        "symmetric": ("A symmetric key.", unknown, {_KTY: 4, -1: bytes(32)}),
        "rsa": ("An RSA key.", unknown, {_KTY: 3, -1: b"\x01" * 256, -2: b"\x01\0\x01"}),
        "crv-missing": ("Without crv.", unknown, _without(ed, _CRV)),
        "crv-true": ("True is not curve 1.", unknown, _changed(p256, crv=True)),
        "crv-x25519": ("X25519, which does not sign.", unknown, _changed(ed, crv=4)),
        "crv-ed448": ("Ed448.", unknown, _changed(ed, crv=7)),
        "crv-p521": ("P-521.", unknown, _changed(p256, crv=3)),
        "crv-secp256k1": ("secp256k1.", unknown, _changed(p256, crv=8)),
        "alg-other": ("An Ed25519 key for ES256.", unknown, _changed(ed, alg=-7)),
        "alg-p384": ("A P-256 key for ES384.", unknown, _changed(p256, alg=-35)),
        "alg-text": ("alg by name.", unknown, _changed(ed, alg="EdDSA")),
        "ml-dsa-65": ("ML-DSA-65.", unknown, _changed(ml, alg=-49)),
        "ml-dsa-no-alg": ("Key type AKP without alg.", unknown, _without(ml, _ALG)),
        "ml-dsa-short": ("A byte short.", "key.length", _changed(ml, crv=_member(ml, _CRV)[:-1])),
        "kid-other": ("A kid that is not the thumbprint's start.", "key.kid_mismatch", _changed(ed, kid=bytes(8))),
        "kid-seven": ("Seven bytes of the thumbprint.", "key.kid_mismatch", _changed(ed, kid=_thumbprint(ed)[:7])),
        "kid-text": ("The kid as a text.", "key.kid_mismatch", _changed(ed, kid=_thumbprint(ed)[:8].hex())),
    }


def _thumbprint(name: str) -> bytes:
    return bytes(KEYS[name].verifying_key.thumbprint)


def _accepted() -> dict[str, Json]:
    ed, p256, ml = "card-ed25519", "card-es256", "card-ml-dsa-44"
    made = {
        "ed25519": ("The public test key.", ed, cose_key(ed)),
        "p256": ("The public test key.", p256, cose_key(p256)),
        "p384": ("The public test key.", "card-es384", cose_key("card-es384")),
        "ml-dsa-44": ("The public test key.", ml, cose_key(ml)),
        "no-alg": ("alg may be left out.", ed, _without(ed, _ALG)),
        "second-alg": ("The algorithm's second id: the same key, the same thumbprint.", ed, _changed(ed, alg=-19)),
        "kid-eight": ("The thumbprint's first 8 bytes as kid.", ed, _changed(ed, kid=_thumbprint(ed)[:8])),
        "kid-whole": ("The whole thumbprint as kid.", p256, _changed(p256, kid=_thumbprint(p256))),
    }
    return {
        f"accepted-{name}": {
            "about": about,
            "cose_key": cbor.encode(members).hex(),
            "algorithm": KEYS[key].algorithm.name,
            "thumbprint": _thumbprint(key).hex(),
        }
        for name, (about, key, members) in made.items()
    }


def _pem(der: bytes) -> str:
    digits = base64.b64encode(der).decode()
    lines = [digits[at : at + 64] for at in range(0, len(digits), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def _other_curve(curve: ec.EllipticCurve) -> str:
    public = ec.derive_private_key(5, curve).public_key()
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(encoding, form).decode()


def _pems() -> dict[str, tuple[str, str, str]]:
    """Name: about, code, PEM."""
    good = _member("card-ed25519", _X)
    x, y = _member("card-es256", _X), _member("card-es256", _Y)
    private = KEYS["card-ed25519"].to_pem().decode()
    return {
        "order-4": ("An Ed25519 point of order 4.", "key.bad_point", _pem(_SPKI_ED25519 + _point(0))),
        "not-canonical": ("Ed25519 with y = p + 3.", "key.bad_point", _pem(_SPKI_ED25519 + _point(_P25519 + 3))),
        "p256-off-curve": ("P-256, off the curve.", "key.malformed", _pem(_SPKI_P256 + x + _flipped(y))),
        "x25519": ("An X25519 key.", "key.unknown_algorithm", _pem(_SPKI_X25519 + good)),
        "p521": ("A P-521 key.", "key.unknown_algorithm", _other_curve(ec.SECP521R1())),
        "secp256k1": ("A secp256k1 key.", "key.unknown_algorithm", _other_curve(ec.SECP256K1())),
        "private": ("A private key where a public one belongs.", "key.malformed", private),
        "cut": ("The last byte is missing.", "key.malformed", _pem((_SPKI_ED25519 + good)[:-1])),
        "no-pem": ("A text that is no PEM.", "key.malformed", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA test\n"),
    }  # fmt: skip


def vectors() -> dict[str, Json]:
    """``keys/*.json``."""
    maps: dict[str, tuple[str, str, Any]] = {f"cose-{name}": row for name, row in _maps().items()}
    for name, (about, code, x) in _ed25519_points().items():
        maps[f"ed25519-{name}"] = (f"Ed25519. {about}", code, _changed("card-ed25519", x=x))
    for name, (about, code, key, x, y) in _ec_points().items():
        maps[name] = (about, code, _changed(key, x=x, y=y))
    made = {
        name: {"about": about, "layer": "key", "code": code, "cose_key": cbor.encode(members).hex()}
        for name, (about, code, members) in maps.items()
    }
    made |= {
        f"pem-{name}": {"about": about, "layer": "key", "code": code, "pem": pem}
        for name, (about, code, pem) in _pems().items()
    }
    return {f"keys/{name}.json": vector for name, vector in (made | _accepted()).items()}
