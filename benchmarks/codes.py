"""The codes that are measured: the reference card, signed many times, valid today.

Promises:

1. Each code has its own cti and index, so that nobody gains by remembering a text, and signatures differ.
2. ``iat`` is this hour and the permit ends in 300 days: peers that ask the system's clock find it valid, whatever the
   day of the run.
3. One set of COSE bytes gives all forms: contenders that read different forms still read the same cards.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import CardClaims, StatusRef, encode_claims
from icard_crypto.card.issuing import issue_claims
from icard_crypto.encoding import envelope
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519, Algorithm
from icard_crypto.signing.keys import SigningKey
from tests.kit.reference import ISSUER, STATUS, reference_card
from verifier.bench.measure import Run, interleave, timed

__all__ = ["Codes", "make_codes", "making"]

_MADE: Final = 50

_WRITERS: Final[dict[str, Callable[[bytes], str]]] = {
    "ic1": envelope.to_ic1,
    "claim169": envelope.to_claim169,
    "cose": lambda token: token.hex(),
}


@dataclass(frozen=True, slots=True)
class Codes:
    """Signed codes with what is in them; ``now`` (seconds since 1970) is inside the validity of all."""

    key: SigningKey
    now: int
    claims: tuple[CardClaims, ...]
    cose: tuple[bytes, ...]

    def form(self, form: str) -> list[str]:
        """The codes as ``ic1`` or ``claim169`` text, or ``cose`` bytes in hexadecimal."""
        return [_WRITERS[form](token) for token in self.cose]


def make_codes(algorithm: Algorithm, count: int, profile: Profile = Profile.PUBLIC) -> Codes:
    """``count`` codes of the reference card, by a new key."""
    key, now, card = SigningKey.generate(algorithm), int(time.time()), _card_of_today()
    claims = tuple(
        issue_claims(
            card,
            profile,
            issuer=ISSUER,
            issued_at=now,
            status=StatusRef(STATUS.uri, STATUS.index + number),
            cti=number.to_bytes(8, "big"),
        )
        for number in range(count)
    )
    return Codes(key, now, claims, tuple(cose.sign_token(encode_claims(each), key) for each in claims))


def making(rounds: int) -> Run:
    """Interleave ``code``, all that makes one code of a card at hand (claims, strict CBOR, signature, text), and
    ``signature alone``, the library's own call on the same bytes; microseconds for one."""
    key, now, card = SigningKey.generate(ED25519), int(time.time()), _card_of_today()
    messages = [cose.signed_bytes(cose.parse_sign1(token)) for token in make_codes(ED25519, _MADE).cose]
    sign = Ed25519PrivateKey.generate().sign

    def make() -> None:
        for number in range(_MADE):
            claims = issue_claims(
                card, Profile.PUBLIC, issuer=ISSUER, issued_at=now, status=STATUS, cti=number.to_bytes(8, "big")
            )
            envelope.to_ic1(cose.sign_token(encode_claims(claims), key))

    def alone() -> None:
        for message in messages:
            sign(message)

    return interleave({"code": timed(make, _MADE), "signature alone": timed(alone, _MADE)}, rounds)


def _card_of_today() -> Card:
    card, today = reference_card(), datetime.datetime.now(datetime.UTC).date()
    permit = dataclasses.replace(
        card.permit,
        valid_from=today - datetime.timedelta(days=30),
        valid_until=today + datetime.timedelta(days=300),
    )
    return dataclasses.replace(card, permit=permit)
