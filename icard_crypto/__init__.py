"""The format of the Integrated Card's code: build it, sign it, draw it, read it, check its signature.

Promises:

1. Bytes and values only: no network, no database, no clock of its own, no state but the native core's tables.
2. Any bytes shown give a value or one typed error, :class:`DecodeError`.
3. ``import icard_crypto`` needs ``cryptography`` and ``cbor2`` alone; pictures (``icard_crypto.qr``,
   ``icard_crypto.pictures.photo``) are imported by name and need the extra ``qr``.

>>> from icard_crypto import SigningKey
>>> from icard_crypto.encoding import cbor, envelope
>>> from icard_crypto.signing import algorithms, cose
>>> key = SigningKey.generate(algorithms.ED25519)
>>> text = envelope.to_ic1(cose.sign_token(cbor.encode({1: "cn.310000"}), key))
>>> message = cose.parse_sign1(envelope.read(text).cose)
>>> key.verifying_key.verify(message.signature, cose.signed_bytes(message))
True

Whether a code is genuine *and is still valid* is decided by the package ``verifier``.
"""

from .card.card import Card, Exemption, Holder, Insurance, Month, Permit, Profile, Scheme, Service
from .card.claims import CardClaims, StatusRef, decode_claims, encode_claims
from .errors import CardError, DecodeError, EncodeError, IcardError, KeyFault, MissingPart, StateError
from .signing.keys import Kid, SigningKey, Thumbprint, VerifyingKey

__all__ = [
    "Card",
    "CardClaims",
    "CardError",
    "DecodeError",
    "EncodeError",
    "Exemption",
    "Holder",
    "IcardError",
    "Insurance",
    "KeyFault",
    "Kid",
    "MissingPart",
    "Month",
    "Permit",
    "Profile",
    "Scheme",
    "Service",
    "SigningKey",
    "StateError",
    "StatusRef",
    "Thumbprint",
    "VerifyingKey",
    "decode_claims",
    "encode_claims",
]
