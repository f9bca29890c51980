"""A trust domain in memory with fixed keys, and an adversary's hand on every part of it.

A :class:`World` is one issuer with one card key and one status key, a trust list, a timestamp and a status list, all
fresh and good at :data:`NOW`. An attack is a one-line edit of a field, or of the arguments of :meth:`World.code`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from icard_crypto.card.card import Profile
from icard_crypto.card.claims import CardClaims, encode_claims
from icard_crypto.encoding import envelope
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519, Algorithm
from icard_crypto.signing.keys import SigningKey
from tests.kit.reference import ISSUED_AT, ISSUER, STATUS, reference_claims
from verifier import Policy, TrustDomain, Verdict, Verifier
from verifier.knowledge.trust import Environment, Issuer, Revocation, Timestamp, TrustedKey, TrustListFacts

NOW = ISSUED_AT + 30 * 86400
HOUR = 3600
DAY = 86400

CARD_KEY = SigningKey.from_raw(ED25519, bytes([1]) * 32)
STATUS_KEY = SigningKey.from_raw(ED25519, bytes([2]) * 32)
OTHER_KEY = SigningKey.from_raw(ED25519, bytes([3]) * 32)
PREFIX = STATUS.uri.rpartition("/")[0] + "/"

HERE = Issuer(ISSUER, {"en": "Shanghai", "zh": "上海"}, frozenset({"310000"}), (PREFIX,))
ELSEWHERE = Issuer("cn.440000", {"en": "Guangdong", "zh": "广东"}, frozenset({"440000"}), ("https://gd.example/s/",))


@dataclass(frozen=True)
class Entries:
    """A verified status list with a few entries set."""

    iat: int
    exp: int
    key_thumbprint: bytes
    values: dict[int, int] = field(default_factory=dict)
    size: int = 100_000

    def get(self, index: int, /) -> int:
        return self.values.get(index, 0)


TRUST_LIST = TrustListFacts(7, NOW - 10 * DAY, NOW + 300 * DAY, b"seven", 2)
TIMESTAMP = Timestamp(trust_version=7, trust_hash=b"seven", iat=NOW - HOUR, exp=NOW + 6 * DAY)


@dataclass
class World:
    """Everything a verdict depends on, good until edited."""

    policy: str | Policy = "gate"
    environment: Environment = "test"
    issuer: Issuer = HERE
    usage: Any = "card"
    valid_from: int = ISSUED_AT - 365 * DAY
    valid_until: int | None = ISSUED_AT + 365 * DAY
    revoked: Revocation | None = None
    more_keys: tuple[TrustedKey, ...] = ()
    trust_list: TrustListFacts | None = TRUST_LIST
    timestamp: Timestamp | None = TIMESTAMP
    entry: int = 0
    status_iat: int = NOW - HOUR
    status_exp: int = NOW + 20 * DAY
    status_size: int = 100_000
    status_list: bool = True
    floor: int = 0
    given_directly: bool = False

    def edited(self, **changes: Any) -> World:
        """This world with some fields changed."""
        return replace(self, **changes)

    def domain(self) -> TrustDomain:
        card_key = TrustedKey(
            CARD_KEY.verifying_key, self.usage, self.issuer, self.valid_from, self.valid_until, self.revoked
        )
        status_key = TrustedKey(STATUS_KEY.verifying_key, "status", self.issuer, 0)
        entries = Entries(
            self.status_iat,
            self.status_exp,
            STATUS_KEY.verifying_key.thumbprint,
            {STATUS.index: self.entry},
            self.status_size,
        )
        return TrustDomain(
            name="test domain",
            environment=self.environment,
            keys=(card_key, status_key, *self.more_keys),
            trust_list=None if self.given_directly else self.trust_list,
            keys_given_directly=self.given_directly,
            timestamp=None if self.given_directly else self.timestamp,
            status_lists={STATUS.uri: entries} if self.status_list else {},
            clock_floor=self.floor,
        )

    def verifier(self) -> Verifier:
        policy = Policy.named(self.policy) if isinstance(self.policy, str) else self.policy
        return Verifier(self.domain(), policy)

    def verify(self, shown: str | bytes | None = None, *, now: int = NOW) -> Verdict:
        """The verdict on ``shown``, by default a good public code."""
        return self.verifier().verify(code() if shown is None else shown, now=now)


def claims(profile: Profile = Profile.PUBLIC, **changes: Any) -> CardClaims:
    """The reference card's claims; ``permit=``, ``insurance=`` and ``holder=`` take fields to change in the card."""
    made = reference_claims(profile)
    card = made.card
    for part in ("permit", "insurance", "holder"):
        if part in changes:
            fields = changes.pop(part)
            value: Any = None if fields is None else replace(getattr(card, part), **fields)
            edit: dict[str, Any] = {part: value}
            card = replace(card, **edit)
    if "services" in changes:
        card = replace(card, services=changes.pop("services"))
    return replace(made, card=card, **changes)


def signed(payload: bytes, key: SigningKey = CARD_KEY, typ: str | None = None) -> bytes:
    """COSE bytes of any payload."""
    return cose.sign_token(payload, key, typ)


def code(profile: Profile = Profile.PUBLIC, *, key: SigningKey = CARD_KEY, **changes: Any) -> str:
    """The text of a code with these claims."""
    return envelope.to_ic1(signed(encode_claims(claims(profile, **changes)), key))


def key_of(algorithm: Algorithm) -> SigningKey:
    """A fixed key of any algorithm."""
    return SigningKey.from_raw(algorithm, bytes([1]) * algorithm.private_length)
