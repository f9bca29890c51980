"""Signing: typed messages in, tokens out.

Promises:

1. A signer takes messages of a type, never bytes: what a card key signs is the claims of a card, and so on. A message
   that is not what its type says cannot be made.
2. A key signs messages of its own usage only.
3. Many messages are signed in one call, in order, all or none: a signer across a wire pays one round trip.
4. A probe is a message that no reader accepts: it only shows that a key can sign.
5. Failing for now (:class:`SignerBusy`) and failing for good (``KeyFault``) are distinguished; whoever calls tries
   again only after the first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from icard_crypto import limits
from icard_crypto.card.claims import CardClaims, decode_payload
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, KeyFault, Unavailable
from icard_crypto.lists import status_list, timestamp
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey, Thumbprint
from verifier.knowledge.trust import Usage

from .keystore import Envelope, Keystore

__all__ = [
    "CardMessage",
    "CheckpointMessage",
    "KeystoreSigner",
    "Message",
    "ProbeMessage",
    "Signer",
    "SignerBusy",
    "StatusMessage",
    "TimestampMessage",
]

_LST, _SUB = 65533, 2


class SignerBusy(Unavailable):
    """The signer cannot sign now and may later: ``signer.unavailable``."""


@dataclass(frozen=True, slots=True)
class CardMessage:
    """The payload of a card's code, and what it claims."""

    usage: ClassVar[Usage] = "card"
    typ: ClassVar[str | None] = None
    payload: bytes
    claims: CardClaims = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Raises DecodeError for whatever a card's reader would refuse.
        object.__setattr__(self, "claims", decode_payload(self.payload))


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """The payload of a status list token."""

    usage: ClassVar[Usage] = "status"
    typ: ClassVar[str | None] = status_list.TYP
    payload: bytes

    def __post_init__(self) -> None:
        claims = cbor.decode(self.payload, max_bytes=limits.STATUS_TOKEN_BYTES, max_items=limits.STATUS_TOKEN_ITEMS)
        if not (isinstance(claims, dict) and isinstance(claims.get(_LST), dict) and isinstance(claims.get(_SUB), str)):
            raise DecodeError("signer.message", expected="the claims of a status list")


@dataclass(frozen=True, slots=True)
class TimestampMessage:
    """The payload of a trust domain's timestamp: a map with integer keys from 1, as its reader wants it."""

    usage: ClassVar[Usage] = "timestamp"
    typ: ClassVar[str | None] = timestamp.TYP
    payload: bytes

    def __post_init__(self) -> None:
        fields = cbor.decode(self.payload, max_bytes=limits.TIMESTAMP_BYTES, max_items=limits.TIMESTAMP_ITEMS)
        if not isinstance(fields, dict) or list(fields) != list(range(1, len(fields) + 1)) or not fields:
            raise DecodeError("signer.message", expected="the fields of a timestamp")


@dataclass(frozen=True, slots=True)
class CheckpointMessage:
    """The payload of a checkpoint of the audit: database id, number and hash of its newest row, time.

    Under a timestamp key, whose one usage is to say what is newest; the typ tells it from a timestamp for every reader.
    """

    usage: ClassVar[Usage] = "timestamp"
    typ: ClassVar[str | None] = "application/icard-checkpoint+cbor"
    payload: bytes

    def __post_init__(self) -> None:
        fields = cbor.decode(self.payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)
        kinds = {1: bytes, 2: int, 3: bytes, 4: int}
        if not isinstance(fields, dict) or {key: type(value) for key, value in fields.items()} != kinds:
            raise DecodeError("signer.message", expected="the fields of a checkpoint")


@dataclass(frozen=True, slots=True)
class ProbeMessage:
    """Random bytes, signed to see that a key signs; neither their type nor their form is that of any token."""

    typ: ClassVar[str | None] = "application/icard-probe+cbor"
    usage: Usage
    payload: bytes


Message = CardMessage | StatusMessage | TimestampMessage | CheckpointMessage | ProbeMessage


class Signer(Protocol):
    """Where keys sign: a folder here, an HSM or a key service elsewhere."""

    def sign(self, key: Thumbprint, messages: Sequence[Message]) -> list[bytes]:
        """The tokens (COSE_Sign1) of the messages, in order.

        Raises:
            SignerBusy: for now.
            KeyFault: for good: no such key, of another usage, wrong passphrase.
        """

    def require(self, key: Thumbprint) -> None:
        """Raise unless the key is at hand: quick, without opening it, for asking within a transaction.

        Raises:
            SignerBusy: for now.
            KeyFault: ``keystore.not_in_keystore``, ``keystore.envelope``.
        """


class KeystoreSigner:
    """Signs with the keys of a folder, which are opened at their first use and kept. Thread-safe.

    Args:
        passphrase: asked once, when the first key is opened.
    """

    def __init__(self, keystore: Keystore, passphrase: Callable[[], bytes]) -> None:
        self._keystore = keystore
        self._ask = passphrase
        self._passphrase: bytes | None = None
        self._open: dict[Thumbprint, tuple[Usage, SigningKey]] = {}
        self._lock = threading.Lock()

    def sign(self, key: Thumbprint, messages: Sequence[Message]) -> list[bytes]:
        """See :class:`Signer`.

        Raises:
            KeyFault: ``keystore.usage``.
        """
        usage, opened = self._key(key)
        for message in messages:
            if message.usage != usage:
                raise KeyFault("keystore.usage", expected=usage, found=message.usage)
        return [cose.sign_token(message.payload, opened, message.typ) for message in messages]

    def require(self, key: Thumbprint) -> None:
        """See :class:`Signer`."""
        if key not in self._open:
            self._envelope(key)

    def _envelope(self, thumbprint: Thumbprint) -> Envelope:
        try:
            return self._keystore.envelope(thumbprint)
        except OSError as fault:
            raise SignerBusy("signer.unavailable", found=fault.strerror) from None

    def _key(self, thumbprint: Thumbprint) -> tuple[Usage, SigningKey]:
        with self._lock:
            if thumbprint not in self._open:
                envelope = self._envelope(thumbprint)
                passphrase = self._passphrase or self._ask()
                self._open[thumbprint] = envelope.usage, envelope.open(passphrase)
                self._passphrase = passphrase
            return self._open[thumbprint]
