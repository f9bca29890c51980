"""Keys: one algorithm each, refused at construction when they are weak or malformed.

Promises:

1. A key that exists is good: on the curve, canonical, not of small order, of an algorithm in the closed table. That
   holds for raw bytes, PEM, COSE_Key and encrypted PKCS#8 alike, and for both backends.
2. A key's name is its full RFC 9679 SHA-256 thumbprint; ``kid``, its first 8 bytes, is only a hint for finding it.
3. :meth:`VerifyingKey.verify` answers True or False on any bytes and never raises.
4. ECDSA signs deterministically (RFC 6979); signatures are raw ``r || s`` (RFC 9053 section 2.1).
5. A private key never shows in ``repr``, errors or comparisons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NewType, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from icard_crypto import native
from icard_crypto.encoding import cbor
from icard_crypto.errors import KeyFault

from . import ed25519
from .algorithms import ED25519, ES256, ES384, ML_DSA_44, Algorithm, by_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import KeySerializationEncryption
    from icard_native import Ed25519Key

__all__ = ["Kid", "SigningKey", "Thumbprint", "VerifyingKey"]

Thumbprint = NewType("Thumbprint", bytes)
Kid = NewType("Kid", bytes)

KID_LENGTH: Final = 8

_EC: Final[dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]]] = {
    ES256.name: (ec.SECP256R1(), hashes.SHA256()),
    ES384.name: (ec.SECP384R1(), hashes.SHA384()),
}
_CURVE_OWNER: Final = {"secp256r1": ES256, "secp384r1": ES384}

# COSE_Key labels (RFC 9052 section 7; EC2 and OKP: RFC 9053 section 7; AKP: RFC 9964).
_KTY, _KID, _ALG, _CRV_OR_PUB, _X, _Y = 1, 2, 3, -1, -2, -3


class VerifyingKey:
    """A public key with its algorithm. Compare by equality, which compares thumbprints."""

    __slots__ = ("_check", "algorithm", "kid", "raw", "thumbprint")

    def __init__(self, algorithm: Algorithm, raw: bytes, *, backend: ed25519.Backend | None = None) -> None:
        """Make a key from raw bytes: Ed25519 and ML-DSA as their RFCs encode them, EC as ``04 || x || y``.

        Args:
            backend: for Ed25519 only; by default libsodium where it is installed.

        Raises:
            KeyFault: ``key.length``, ``key.bad_point``, ``key.malformed``.
        """
        if len(raw) != algorithm.public_length:
            raise KeyFault("key.length", expected=f"{algorithm.public_length} bytes", found=f"{len(raw)} bytes")
        self.algorithm = algorithm
        self.raw = bytes(raw)
        self._check: Callable[[bytes, bytes], bool] = _checker(algorithm, self.raw, backend)
        self.thumbprint = Thumbprint(hashlib.sha256(cbor.encode(cast(Any, self._required_members()))).digest())
        self.kid = Kid(self.thumbprint[:KID_LENGTH])

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` is this key's over ``message``. Length first; never raises."""
        if len(signature) != self.algorithm.signature_length:
            return False
        return self._check(signature, message)

    @property
    def native(self) -> Ed25519Key | None:
        """The native core's key where that is the backend, else None."""
        owner = getattr(self._check, "__self__", None)
        return owner if native.core is not None and isinstance(owner, native.core.Ed25519Key) else None

    @classmethod
    def from_pem(cls, data: bytes) -> VerifyingKey:
        """Read a SubjectPublicKeyInfo in PEM (RFC 7468 section 13).

        Raises:
            KeyFault: ``key.malformed``, ``key.unknown_algorithm`` and those of the constructor.
        """
        serialization = _serialization()
        try:
            key = serialization.load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm):
            raise KeyFault("key.malformed", expected="a public key in PEM") from None
        return cls(*_raw_public(key))

    def to_pem(self) -> bytes:
        """Write a SubjectPublicKeyInfo in PEM."""
        serialization = _serialization()
        return _library_key(self.algorithm, self.raw).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @classmethod
    def from_cose_key(cls, members: object) -> VerifyingKey:
        """Read a public COSE_Key map (RFC 9052 section 7). Unknown members and private parts are refused.

        Raises:
            KeyFault: ``key.length``, ``key.malformed``, ``key.unknown_algorithm``, ``key.kid_mismatch`` and those of
            the constructor.
        """
        if not isinstance(members, dict):
            raise KeyFault("key.malformed", expected="a COSE_Key map", found=type(members).__name__)
        algorithm = _algorithm_of(members)
        wanted = {2: {_CRV_OR_PUB, _X, _Y}, 1: {_CRV_OR_PUB, _X}, 7: {_CRV_OR_PUB}}[algorithm.key_type]
        if not wanted <= members.keys() or members.keys() - wanted - {_KTY, _KID, _ALG}:
            raise KeyFault("key.malformed", expected=f"members {sorted(wanted, reverse=True)} beside kty, kid, alg")
        parts = [
            members[label] for label in sorted(wanted, reverse=True) if label != _CRV_OR_PUB or algorithm.key_type == 7
        ]
        if not all(isinstance(part, bytes) for part in parts):
            raise KeyFault("key.malformed", expected="byte strings")
        if algorithm.key_type == 2 and len(parts[0]) != len(parts[1]):
            raise KeyFault("key.length", expected="x and y of one length")
        key = cls(algorithm, (b"\x04" if algorithm.key_type == 2 else b"") + b"".join(parts))
        if _KID in members and members[_KID] not in (key.kid, key.thumbprint):
            raise KeyFault("key.kid_mismatch", expected="the start of the key's thumbprint")
        return key

    def to_cose_key(self) -> dict[int, int | bytes]:
        """The key as a COSE_Key map with its algorithm (RFC 9052 section 7)."""
        return {**self._required_members(), _ALG: self.algorithm.ids[0]}

    def _required_members(self) -> dict[int, int | bytes]:
        """What RFC 9679 section 4 hashes: the members that define the key, no optional one."""
        algorithm, raw = self.algorithm, self.raw
        curve = cast(int, algorithm.curve)
        if algorithm.key_type == 2:
            size = len(raw) // 2
            return {_KTY: 2, _CRV_OR_PUB: curve, _X: raw[1 : 1 + size], _Y: raw[1 + size :]}
        if algorithm.key_type == 1:
            return {_KTY: 1, _CRV_OR_PUB: curve, _X: raw}
        return {_KTY: 7, _ALG: algorithm.ids[0], _CRV_OR_PUB: raw}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyingKey) and self.thumbprint == other.thumbprint

    def __hash__(self) -> int:
        return hash(self.thumbprint)

    def __repr__(self) -> str:
        return f"VerifyingKey({self.algorithm.name}, kid={self.kid.hex()})"

    def __reduce__(self) -> tuple[object, ...]:
        return (VerifyingKey, (self.algorithm, self.raw))


_PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | mldsa.MLDSA44PrivateKey


class SigningKey:
    """A private key with its algorithm."""

    __slots__ = ("_private", "algorithm", "verifying_key")

    def __init__(self, private: _PrivateKey) -> None:
        self._private = private
        self.verifying_key = VerifyingKey(*_raw_public(private.public_key()))
        self.algorithm = self.verifying_key.algorithm

    @classmethod
    def generate(cls, algorithm: Algorithm) -> SigningKey:
        """A new key from the system's random source."""
        if algorithm is ED25519:
            return cls(Ed25519PrivateKey.generate())
        if algorithm is ML_DSA_44:
            return cls(mldsa.MLDSA44PrivateKey.generate())
        return cls(ec.generate_private_key(_EC[algorithm.name][0]))

    @classmethod
    def from_raw(cls, algorithm: Algorithm, raw: bytes) -> SigningKey:
        """A key from its scalar (EC, big-endian) or seed (Ed25519, ML-DSA).

        Raises:
            KeyFault: ``key.length``, ``key.malformed``.
        """
        if len(raw) != algorithm.private_length:
            raise KeyFault("key.length", expected=f"{algorithm.private_length} bytes", found=f"{len(raw)} bytes")
        if algorithm is ED25519:
            return cls(Ed25519PrivateKey.from_private_bytes(raw))
        if algorithm is ML_DSA_44:
            return cls(mldsa.MLDSA44PrivateKey.from_seed_bytes(raw))
        try:
            return cls(ec.derive_private_key(int.from_bytes(raw, "big"), _EC[algorithm.name][0]))
        except ValueError:
            raise KeyFault("key.malformed", expected="a scalar between 1 and the group's order") from None

    @classmethod
    def from_pem(cls, data: bytes, passphrase: bytes | None = None) -> SigningKey:
        """Read a PKCS#8 private key in PEM, encrypted or not (RFC 5958, RFC 8018).

        Raises:
            KeyFault: ``key.passphrase_needed``, ``key.passphrase_wrong``, ``key.malformed``, ``key.unknown_algorithm``.
        """
        serialization = _serialization()
        encrypted = b"BEGIN ENCRYPTED PRIVATE KEY" in data
        if encrypted and passphrase is None:
            raise KeyFault("key.passphrase_needed")
        try:
            private = serialization.load_pem_private_key(data, passphrase if encrypted else None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyFault("key.passphrase_wrong" if encrypted else "key.malformed") from None
        if not isinstance(private, Ed25519PrivateKey | ec.EllipticCurvePrivateKey | mldsa.MLDSA44PrivateKey):
            raise KeyFault("key.unknown_algorithm", expected="Ed25519, P-256, P-384 or ML-DSA-44")
        return cls(private)

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """Write PKCS#8 in PEM; with a passphrase, encrypted (PBES2).

        Raises:
            KeyFault: ``key.passphrase_empty``: an empty passphrase protects nothing, and is not None.
        """
        serialization = _serialization()
        protection: KeySerializationEncryption = serialization.NoEncryption()
        if passphrase is not None:
            if not passphrase:
                raise KeyFault("key.passphrase_empty", expected="at least one byte, or None")
            protection = serialization.BestAvailableEncryption(passphrase)
        return self._private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)

    def sign(self, message: bytes) -> bytes:
        """Sign ``message``. Deterministic for ECDSA and Ed25519; ML-DSA is hedged with fresh randomness."""
        private = self._private
        if isinstance(private, ec.EllipticCurvePrivateKey):
            digest = _EC[self.algorithm.name][1]
            r, s = decode_dss_signature(private.sign(message, ec.ECDSA(digest, deterministic_signing=True)))
            size = self.algorithm.signature_length // 2
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return private.sign(message)

    def __reduce__(self) -> tuple[object, ...]:
        # Pickles travel and stay; a private key leaves only by to_pem, when someone asks for it by name.
        raise TypeError("a SigningKey can't be pickled or copied; write it with to_pem")

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm.name}, kid={self.verifying_key.kid.hex()})"


def _checker(algorithm: Algorithm, raw: bytes, backend: ed25519.Backend | None) -> Callable[[bytes, bytes], bool]:
    if algorithm is ED25519:
        backend = backend or ed25519.BACKENDS[0]
        if not ed25519.is_acceptable_point(raw, backend):
            raise KeyFault("key.bad_point", expected="a canonical Ed25519 point, not of small order")
        return ed25519.verifier_for(raw, backend)
    public = _library_key(algorithm, raw)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _ecdsa_checker(public, _EC[algorithm.name][1], algorithm.signature_length // 2)

    def check_mldsa(signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return check_mldsa


def _ecdsa_checker(
    public: ec.EllipticCurvePublicKey, digest: hashes.HashAlgorithm, size: int
) -> Callable[[bytes, bytes], bool]:
    how = ec.ECDSA(digest)

    def check_ecdsa(signature: bytes, message: bytes) -> bool:
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        try:
            public.verify(encode_dss_signature(r, s), message, how)
        except InvalidSignature:
            return False
        return True

    return check_ecdsa


def _library_key(
    algorithm: Algorithm, raw: bytes
) -> Ed25519PublicKey | ec.EllipticCurvePublicKey | mldsa.MLDSA44PublicKey:
    if algorithm is ED25519:
        return Ed25519PublicKey.from_public_bytes(raw)
    try:
        if algorithm is ML_DSA_44:
            return mldsa.MLDSA44PublicKey.from_public_bytes(raw)
        if raw[0] != 4:
            raise KeyFault("key.malformed", expected="an uncompressed point", found=f"0x{raw[0]:02x}")
        return ec.EllipticCurvePublicKey.from_encoded_point(_EC[algorithm.name][0], raw)
    except ValueError:
        raise KeyFault("key.bad_point", expected=f"a valid public key for {algorithm.name}") from None


def _serialization() -> ModuleType:
    """The library's reading and writing of keys as files, which only those who do that wait for: it brings the readers
    of other formats along, and takes a tenth of the time of importing the verifier."""
    from cryptography.hazmat.primitives import serialization

    return serialization


def _raw_public(key: object) -> tuple[Algorithm, bytes]:
    if isinstance(key, Ed25519PublicKey):
        return ED25519, key.public_bytes_raw()
    if isinstance(key, mldsa.MLDSA44PublicKey):
        return ML_DSA_44, key.public_bytes_raw()
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_OWNER:
        serialization = _serialization()
        point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return _CURVE_OWNER[key.curve.name], point
    raise KeyFault("key.unknown_algorithm", expected="Ed25519, P-256, P-384 or ML-DSA-44")


def _algorithm_of(members: dict[object, object]) -> Algorithm:
    """The one algorithm that a COSE_Key's kty, crv and alg allow."""
    kty, curve, stated = members.get(_KTY), members.get(_CRV_OR_PUB), members.get(_ALG)
    shape = {(2, 1): ES256, (2, 2): ES384, (1, 6): ED25519}
    if kty == 7:
        found = by_id(stated) if type(stated) is int else None
    else:
        # By exact type: true would pass for 1, and a key written so is not written as RFC 9052 says.
        found = shape.get((kty, curve)) if type(kty) is int and type(curve) is int else None
    if found is None or found.key_type != kty:
        raise KeyFault("key.unknown_algorithm", expected="Ed25519, P-256, P-384 or ML-DSA-44")
    if _ALG in members and (type(stated) is not int or stated not in found.ids):
        raise KeyFault("key.unknown_algorithm", expected=f"alg {found.ids} or none")
    return found
