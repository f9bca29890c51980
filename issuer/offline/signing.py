"""Signing a card by hand, from a key in a file: for small issuers and for trials.

Promises:

1. Only claims of a card are signed, never bytes that someone hands over.
2. Nothing is returned that a verifier with this public key would not call VALID at the time of issue, status apart,
   with exactly the claims that were meant.
3. Time and cti are arguments; nothing here reads a clock or makes a random number.

Unlike the issuing service it keeps no record: that no index of a status list is used twice is the caller's to see to.
"""

from __future__ import annotations

from dataclasses import dataclass

from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import CardClaims, StatusRef, encode_claims
from icard_crypto.card.issuing import issue_claims
from icard_crypto.encoding import envelope
from icard_crypto.encoding.envelope import Form
from icard_crypto.errors import EncodeError, StateError
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey
from verifier import Policy, TrustDomain, Verifier

from .trusted_keys import TrustedEntry, extended

__all__ = ["SignedCard", "sign_card"]


@dataclass(frozen=True, slots=True)
class SignedCard:
    """A signed card: its claims, its COSE bytes, and the text of the form asked for (None for ``cose``)."""

    claims: CardClaims
    cose: bytes
    text: str | None


def sign_card(
    card: Card,
    key: SigningKey,
    profile: Profile,
    *,
    issuer: str,
    status: StatusRef,
    issued_at: int,
    cti: bytes,
    form: Form = "ic1",
) -> SignedCard:
    """Sign what the profile discloses of a card, and verify the outcome.

    Args:
        issuer: short id of the issuing authority.
        issued_at: Unix time; rounded down to the hour.
        cti: 8 random bytes, never used before.

    Raises:
        CardError: ``card.*``, the card may not be issued.
        StateError: ``trusted.*``, issuer or status uri have a form that no verifier would take.
        EncodeError: ``signing.self_check``.
    """
    claims = issue_claims(card, profile, issuer=issuer, issued_at=issued_at, status=status, cti=cti)
    # Before the signature: what no verifier could trust is not signed at all.
    domain = _trusting(key, claims)
    message = cose.sign_token(encode_claims(claims), key)
    text = {"ic1": envelope.to_ic1, "claim169": envelope.to_claim169}[form](message) if form != "cose" else None
    _check(message if text is None else text, claims, domain)
    return SignedCard(claims, message, text)


def _trusting(key: SigningKey, claims: CardClaims) -> TrustDomain:
    """A verifier's view that trusts this key for just this card."""
    insurance = claims.card.insurance
    regions = {claims.card.permit.region, insurance.region if insurance else None} - {None}
    entry = TrustedEntry(
        key.verifying_key,
        claims.issuer,
        {"en": claims.issuer},
        sorted(region for region in regions if region),
        [claims.status.uri[: claims.status.uri.rfind("/") + 1]],
        valid_from=0,
    )
    domain = TrustDomain.from_trusted_file(extended(None, entry, "test"))
    if not domain.issuers[claims.issuer].owns_status_uri(claims.status.uri):
        raise StateError("trusted.value", path="status_prefixes", expected="a prefix and a list name", found="no name")
    return domain


def _check(shown: str | bytes, claims: CardClaims, domain: TrustDomain) -> None:
    begins = max(claims.issued_at, claims.not_before or 0)
    verdict = Verifier(domain, Policy.named("unsafe_no_status")).verify(shown, now=begins)
    if verdict.outcome != "VALID":
        raise EncodeError("signing.self_check", expected="VALID", found=f"{verdict.outcome} ({verdict.reason})")
    if verdict.claims != claims:
        raise EncodeError("signing.self_check", expected="the claims that were signed", found="other claims")
