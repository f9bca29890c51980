"""The keys that sign codes, as verifiers trust them.

Promises:

1. A code is started only with a key that this process can sign with and that the trust list in force lists as valid.
2. An intent is finished under the same condition. A key that the roots marked compromised is treated as revoked: its
   codes are burnt. For any other reason they wait.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from icard_crypto.signing.keys import Thumbprint
from issuer.core import Core
from issuer.keys.models import KeyRow
from issuer.keys.states import require_active, trusted_key
from issuer.published.listing import listing_of
from verifier import TrustedKey

__all__ = ["SigningKey", "as_trusted", "usable_key"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key of an intent: as verifiers trust it, whether its codes are burnt, and why it may not sign now."""

    trusted: TrustedKey
    revoked: bool
    fault: StateError | None


def usable_key(core: Core, session: Session, now: int) -> KeyRow:
    """The active card key, once it is known that this process can sign with it and verifiers take what it signs.

    Raises:
        KeyFault: ``keystore.none_active``, ``keystore.not_in_keystore``; StateError: ``listing.*``; SignerBusy.
    """
    key = require_active(session, "card")
    listing = listing_of(core, session)
    if listing is not None:
        listing.require(key, now)
    core.signer.require(Thumbprint(bytes.fromhex(key.thumbprint)))
    return key


def as_trusted(core: Core, session: Session, name: str) -> SigningKey:
    """The key of that thumbprint, to finish what was intended with it: see the promises."""
    key = session.get_one(KeyRow, name)
    own, revoked = trusted_key(key, core.issuer), key.state == "revoked"
    listing = listing_of(core, session)
    if listing is None or revoked:
        return SigningKey(own, revoked, None)
    try:
        return SigningKey(listing.require(key, core.clock.now(session)).trusted, False, None)
    except StateError as fault:
        return SigningKey(own, fault.code == "listing.compromised", fault)
