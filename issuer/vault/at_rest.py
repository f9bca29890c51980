"""Encryption at rest, and finding what is encrypted.

Promises:

1. AES-256-GCM (NIST SP 800-38D) with a new key for each object; that key is wrapped by a master key from a file outside
   the database. The place (table, column, row) is associated data of both: moved elsewhere, nothing opens.
2. Rewrapping under a new master key touches the wrapped key only; the object's bytes stay as they are.
3. What is searched for is found by a keyed hash (HMAC-SHA256 over kind and value), with a key of its own: who has the
   database alone cannot try numbers.
4. What the database must not be able to make up is bound by a MAC of the same key, under a label of its own.
5. A wrong master key, a damaged object and one in the wrong place are errors with codes; contents never show in them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from icard_crypto.errors import StateError
from verifier.runtime.files import read_capped, write_new, write_whole

__all__ = ["AtRest", "MasterKeys", "Place"]

_FORMAT: Final = 1
_KEY: Final = 32
_ID: Final = 8
# Random nonces of 96 bits: one master key wraps far fewer than the 2^32 objects that SP 800-38D (8.3) allows.
_NONCE: Final = 12
_TAG: Final = 16
_WRAPPED: Final = 1 + _ID + _NONCE + _KEY + _TAG
_FILE_BYTES: Final = 64 * 1024
_SECRET_MODE: Final = 0o600


class Place(NamedTuple):
    """Where an object stands."""

    table: str
    column: str
    row: str

    def bound(self, label: bytes) -> bytes:
        """The associated data: no two places give the same bytes, for names have no null character."""
        return b"\0".join((b"icard at rest", label, self.table.encode(), self.column.encode(), self.row.encode()))


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The master keys by id, the one for new objects, and the key of the keyed hashes.

    ``prepared``: those that nothing was sealed under when the file was written. They are before the others in it, so
    that a version that does not know about them goes on under ``newest``, the last one.
    """

    keys: dict[bytes, bytes] = field(repr=False)
    newest: bytes
    index: bytes = field(repr=False)
    prepared: frozenset[bytes] = frozenset()

    @classmethod
    def create(cls, path: Path) -> MasterKeys:
        """Make keys and write them to a new file with mode 0600.

        Raises:
            FileFault: ``file.exists``, ``file.unwritable``.
        """
        name = os.urandom(_ID)
        made = cls({name: os.urandom(_KEY)}, name, os.urandom(_KEY))
        write_new(path, made._encoded(), mode=_SECRET_MODE)
        return made

    @classmethod
    def read(cls, path: Path) -> MasterKeys:
        """Read the file.

        Raises:
            FileFault: the file cannot be read.
            StateError: ``at_rest.file``.
        """
        try:
            loaded = json.loads(read_capped(path, _FILE_BYTES))
            keys = {_bytes(entry["id"], _ID): _bytes(entry["key"], _KEY) for entry in loaded["keys"]}
            if loaded["format"] != _FORMAT:
                raise ValueError
            prepared = frozenset(_bytes(entry["id"], _ID) for entry in loaded["keys"] if entry.get("prepared") is True)
            return cls(keys, list(keys)[-1], _bytes(loaded["index"], _KEY), prepared)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise StateError(
                "at_rest.file", expected=f"a master key file of format {_FORMAT}", found=str(path)
            ) from None

    def with_prepared(self, path: Path) -> MasterKeys:
        """Add a key that nothing is sealed under yet, and write the file."""
        name = os.urandom(_ID)
        made = MasterKeys({name: os.urandom(_KEY), **self.keys}, self.newest, self.index, self.prepared | {name})
        write_whole(path, made._encoded(), mode=_SECRET_MODE)
        return made

    def in_use(self, path: Path, name: bytes) -> MasterKeys:
        """Make a key the one for new objects, and write the file."""
        others = {each: key for each, key in self.keys.items() if each != name}
        made = MasterKeys({**others, name: self.keys[name]}, name, self.index, self.prepared - {name})
        write_whole(path, made._encoded(), mode=_SECRET_MODE)
        return made

    def only(self, path: Path, name: bytes) -> MasterKeys:
        """Drop all keys but one, once nothing is wrapped by them, and write the file."""
        made = MasterKeys({name: self.keys[name]}, name, self.index)
        write_whole(path, made._encoded(), mode=_SECRET_MODE)
        return made

    def _encoded(self) -> bytes:
        keys = [
            {"id": name.hex(), "key": base64.b64encode(key).decode()}
            | ({"prepared": True} if name in self.prepared else {})
            for name, key in self.keys.items()
        ]
        content = {"format": _FORMAT, "keys": keys, "index": base64.b64encode(self.index).decode()}
        return json.dumps(content, indent=1).encode() + b"\n"


def _bytes(value: Any, length: int) -> bytes:
    try:
        decoded = bytes.fromhex(value) if length == _ID else base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError):
        raise ValueError from None
    if len(decoded) != length:
        raise ValueError
    return decoded


class AtRest:
    """Seals, opens and finds. Thread-safe.

    A sealed object: 01, master key's id (8), nonce (12), wrapped key (48), nonce (12), ciphertext with its tag.
    """

    def __init__(self, master: MasterKeys, again: Callable[[], MasterKeys] | None = None) -> None:
        """Args:
        again: reads the master keys again, when an object under another key turns up: it was rewrapped meanwhile.
        """
        self._index = master.index
        # Copied for each row: keying a new hash costs twice as much.
        self._mac = hmac.new(master.index, b"bind\0", hashlib.sha256)
        self._find = hmac.new(master.index, b"find\0", hashlib.sha256)
        self._again = again
        self._newest = master.newest
        self.take(master)

    @property
    def in_force(self) -> bytes:
        """The id of the master key that objects are sealed under."""
        return self._newest

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of all master keys that are held, in hexadecimal; the one in force first."""
        return (self._newest.hex(), *sorted(name.hex() for name in self._masters if name != self._newest))

    def take(self, master: MasterKeys) -> None:
        """Go on with these master keys, which were read after those before; the one in force stays if it is there."""
        self._masters = {name: AESGCM(key) for name, key in master.keys.items()}
        if self._newest not in self._masters:
            self._newest = master.newest

    def follow(self, sealed: bytes) -> None:
        """Seal under the master key that this object, which was opened here, is sealed under."""
        self._newest = sealed[1 : 1 + _ID]

    def seal(self, place: Place, content: bytes) -> bytes:
        """Encrypt an object for its place."""
        key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
        return (
            self._wrap(place, key, self._newest) + nonce + AESGCM(key).encrypt(nonce, content, place.bound(b"content"))
        )

    def open(self, place: Place, sealed: bytes) -> bytes:
        """Decrypt an object.

        Raises:
            StateError: ``at_rest.unknown_master``, ``at_rest.damaged``; ``path`` names table and column.
        """
        key = self._unwrap(place, sealed)
        nonce = sealed[_WRAPPED : _WRAPPED + _NONCE]
        try:
            return AESGCM(key).decrypt(nonce, sealed[_WRAPPED + _NONCE :], place.bound(b"content"))
        except (InvalidTag, ValueError):
            raise StateError("at_rest.damaged", path=f"{place.table}.{place.column}") from None

    def rewrap(self, place: Place, sealed: bytes, name: bytes | None = None) -> bytes | None:
        """The same object under the master key in force, or the one with this id; None where it is already.

        Raises:
            StateError: as :meth:`open`.
        """
        name = name or self._newest
        if sealed[1 : 1 + _ID] == name:
            return None
        return self._wrap(place, self._unwrap(place, sealed), name) + sealed[_WRAPPED:]

    def digest(self, kind: str, value: str) -> str:
        """The keyed hash by which ``value`` is found, 64 hexadecimal digits."""
        found = self._find.copy()
        found.update(kind.encode() + b"\0" + value.encode())
        return found.hexdigest()

    def pseudonym(self, kind: str, value: str) -> str:
        """A name that stands for ``value`` and does not show it, 32 hexadecimal digits."""
        return hmac.digest(self._index, b"name\0" + kind.encode() + b"\0" + value.encode(), hashlib.sha256).hex()[:32]

    def mac(self, content: bytes) -> str:
        """The MAC by which a row of the database is bound (:mod:`issuer.db.bound`), 64 hexadecimal digits."""
        made = self._mac.copy()
        made.update(content)
        return made.hexdigest()

    def _wrap(self, place: Place, key: bytes, name: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        wrapped = self._masters[name].encrypt(nonce, key, place.bound(b"key"))
        return bytes((_FORMAT,)) + name + nonce + wrapped

    def _unwrap(self, place: Place, sealed: bytes) -> bytes:
        if len(sealed) < _WRAPPED + _NONCE + _TAG or sealed[0] != _FORMAT:
            raise StateError("at_rest.damaged", path=f"{place.table}.{place.column}")
        name = sealed[1 : 1 + _ID]
        master = self._masters.get(name)
        if master is None and self._again is not None:
            self.take(self._again())
            master = self._masters.get(name)
        if master is None:
            raise StateError("at_rest.unknown_master", path=f"{place.table}.{place.column}")
        nonce = sealed[1 + _ID : 1 + _ID + _NONCE]
        try:
            return master.decrypt(nonce, sealed[1 + _ID + _NONCE : _WRAPPED], place.bound(b"key"))
        except InvalidTag:
            raise StateError("at_rest.damaged", path=f"{place.table}.{place.column}") from None
