"""Private keys on disk, one JSON envelope each.

Promises:

1. The key is encrypted by AES-256-GCM under a key that scrypt (RFC 7914) makes from the passphrase.
2. Usage, issuer, origin, algorithm and public key are associated data: an envelope that was edited does not open.
3. A file has mode 0600 from its first byte, is written whole or not at all, and is never overwritten.
4. ``origin`` tells the service's keys from those that sign by hand: each refuses the other's.
5. The costs that a file asks for are bounded before they are paid.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from icard_crypto.encoding import cbor
from icard_crypto.errors import KeyFault
from icard_crypto.signing import algorithms
from icard_crypto.signing.keys import SigningKey, Thumbprint
from verifier.knowledge.trust import Usage
from verifier.runtime.files import read_capped, write_new, write_whole

__all__ = ["Envelope", "Keystore", "Origin"]

Origin = Literal["service", "hand"]

_FORMAT: Final = 1
_BYTES: Final = 64 * 1024
_SECRET_MODE: Final = 0o600
_SALT: Final = 16
_NONCE: Final = 12
#: scrypt's cost as a power of two: 2^14 is RFC 7914's interactive choice, 2^20 takes a gigabyte.
_COSTS: Final = range(14, 21)
_R, _P = 8, 1


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope's content, not yet opened."""

    usage: Usage
    issuer: str
    origin: Origin
    algorithm: algorithms.Algorithm
    public: bytes
    cost: int
    salt: bytes
    nonce: bytes
    sealed: bytes

    @classmethod
    def seal(cls, key: SigningKey, usage: Usage, issuer: str, origin: Origin, passphrase: bytes, cost: int) -> Envelope:
        """Encrypt a key. ``cost`` is scrypt's N as a power of two, 14 to 20.

        Raises:
            KeyFault: ``key.passphrase_empty``.
        """
        if not passphrase:
            raise KeyFault("key.passphrase_empty", expected="at least one byte")
        salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
        public = key.verifying_key.raw
        empty = cls(usage, issuer, origin, key.algorithm, public, cost, salt, nonce, b"")
        sealed = AESGCM(empty._derived(passphrase)).encrypt(nonce, key.to_pem(), empty._bound())
        return replace(empty, sealed=sealed)

    def open(self, passphrase: bytes) -> SigningKey:
        """Decrypt the key.

        Raises:
            KeyFault: ``key.malformed``, ``key.passphrase_wrong``, also where the file was changed.
        """
        try:
            pem = AESGCM(self._derived(passphrase)).decrypt(self.nonce, self.sealed, self._bound())
        except InvalidTag:
            raise KeyFault("key.passphrase_wrong") from None
        key = SigningKey.from_pem(pem)
        if key.verifying_key.raw != self.public:
            raise KeyFault("key.malformed", expected="the private key of this public key")
        return key

    @classmethod
    def decode(cls, data: bytes) -> Envelope:
        """Read a file's content.

        Raises:
            KeyFault: ``keystore.envelope``.
        """
        try:
            loaded: dict[str, Any] = json.loads(data)
            kdf = loaded["kdf"]
            algorithm = algorithms.by_name(loaded["algorithm"])
            good = (
                loaded["format"] == _FORMAT
                and algorithm is not None
                and loaded["usage"] in get_args(Usage)
                and loaded["origin"] in get_args(Origin)
                and isinstance(loaded["issuer"], str)
                and (kdf["name"], kdf["r"], kdf["p"]) == ("scrypt", _R, _P)
                and type(kdf["log2_n"]) is int
                and kdf["log2_n"] in _COSTS
            )
            if not good or algorithm is None:
                raise ValueError
            return cls(
                loaded["usage"],
                loaded["issuer"],
                loaded["origin"],
                algorithm,
                _decoded(loaded["public"], algorithm.public_length),
                kdf["log2_n"],
                _decoded(kdf["salt"], _SALT),
                _decoded(loaded["nonce"], _NONCE),
                _decoded(loaded["sealed"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyFault("keystore.envelope", expected=f"a key file of format {_FORMAT}") from None

    def encode(self) -> bytes:
        """The file's content."""
        content = {
            "format": _FORMAT,
            "usage": self.usage,
            "issuer": self.issuer,
            "origin": self.origin,
            "algorithm": self.algorithm.name,
            "public": _encoded(self.public),
            "kdf": {"name": "scrypt", "log2_n": self.cost, "r": _R, "p": _P, "salt": _encoded(self.salt)},
            "nonce": _encoded(self.nonce),
            "sealed": _encoded(self.sealed),
        }
        return json.dumps(content, indent=1).encode() + b"\n"

    def _derived(self, passphrase: bytes) -> bytes:
        return Scrypt(salt=self.salt, length=32, n=1 << self.cost, r=_R, p=_P).derive(passphrase)

    def _bound(self) -> bytes:
        return cbor.encode(["icard key", self.usage, self.issuer, self.origin, self.algorithm.name, self.public])


class Keystore:
    """A folder of envelopes, named by their keys' thumbprints."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, key: SigningKey, usage: Usage, issuer: str, passphrase: bytes, cost: int) -> None:
        """Write a new key of the service.

        Raises:
            KeyFault: ``key.passphrase_empty``.
            FileFault: the file cannot be written.
        """
        envelope = Envelope.seal(key, usage, issuer, "service", passphrase, cost)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(self._path(key.verifying_key.thumbprint), envelope.encode(), mode=_SECRET_MODE)

    def rewrap(self, before: bytes, after: bytes, cost: int) -> int:
        """Encrypt every key of the service under another passphrase, and return how many there are.

        Each file is replaced whole. All are opened first: where one does not open, none is changed. After a kill
        between two files it is done again: what is under the new passphrase already is left as it is.

        Raises:
            KeyFault: ``key.passphrase_wrong``, ``key.passphrase_empty``, ``keystore.envelope``.
            FileFault: a file cannot be written.
        """
        sealed: dict[Path, bytes] = {}
        for name in self.thumbprints():
            envelope = self.envelope(Thumbprint(bytes.fromhex(name)))
            try:
                key = envelope.open(before)
            except KeyFault as fault:
                if fault.code != "key.passphrase_wrong":
                    raise
                envelope.open(after)
                continue
            again = Envelope.seal(key, envelope.usage, envelope.issuer, "service", after, cost)
            sealed[self._path(bytes.fromhex(name))] = again.encode()
        for path, content in sealed.items():
            write_whole(path, content, mode=_SECRET_MODE)
        return len(self.thumbprints())

    def envelope(self, thumbprint: Thumbprint) -> Envelope:
        """A key's envelope, which is one of the service's.

        Raises:
            KeyFault: ``keystore.envelope``, ``keystore.not_in_keystore``, ``keystore.origin``.
        """
        path = self._path(thumbprint)
        if not path.exists():
            raise KeyFault("keystore.not_in_keystore", expected=thumbprint.hex()[:16], found="no such file")
        envelope = Envelope.decode(read_capped(path, _BYTES))
        if envelope.origin != "service":
            raise KeyFault("keystore.origin", expected="service", found=envelope.origin)
        return envelope

    def thumbprints(self) -> list[str]:
        """The names of all keys here, in hexadecimal."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def _path(self, thumbprint: bytes) -> Path:
        return self.folder / f"{thumbprint.hex()}.json"


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: Any, length: int | None = None) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
    if length is not None and len(data) != length:
        raise ValueError
    return data
