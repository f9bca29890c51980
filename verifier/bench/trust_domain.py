"""What ``icard bench`` verifies: cards, trust list, timestamp and status list, made in memory for one run.

Promises:

1. Every key is new and goes with the run, the environment is ``test``, and no file, state or network is touched.
2. All is what an authority would publish: a trust list signed by two roots and verified, a signed status list of a
   million entries (2 % set) verified under it, codes that differ in number and entry, each of them VALID.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from icard_crypto.card.card import Card, Holder, Insurance, Month, Permit, Profile, Scheme
from icard_crypto.card.claims import StatusRef, encode_claims
from icard_crypto.card.issuing import issue_claims
from icard_crypto.encoding import envelope
from icard_crypto.lists.status_list import StatusListBuilder
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import Timestamp
from icard_crypto.lists.trust_chain import sign, verify_anchor
from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, encode_trust_list
from icard_crypto.moments import DAY, HOUR
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ALGORITHMS, ED25519, Algorithm
from icard_crypto.signing.ed25519 import Backend
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from verifier.decision.policy import Policy
from verifier.decision.verifier import Verifier
from verifier.knowledge.trust import TrustDomain, TrustedKey

__all__ = ["BenchDomain", "gate_verifier"]

_ISS: Final = "cn.310000"
_PREFIX: Final = "https://bench.example/s/"
_URI: Final = _PREFIX + "k7Qd"
_ENTRIES: Final = 1 << 20
#: The first entries are those of the codes; behind them every fiftieth is set.
_FIRST_SET: Final = 10_000


class BenchDomain:
    """Everything a verdict needs, good at ``now`` (Unix time)."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._began = now - now % HOUR - 30 * DAY
        self._keys = {algorithm: SigningKey.generate(algorithm) for algorithm in ALGORITHMS}
        self._status_key = SigningKey.generate(ED25519)

    def key(self, algorithm: Algorithm, backend: Backend | None) -> VerifyingKey:
        """The key for cards of an algorithm; ``backend`` is for Ed25519.

        Raises:
            MissingPart: ``key.no_backend``.
        """
        return VerifyingKey(algorithm, self._keys[algorithm].verifying_key.raw, backend=backend)

    def code(self, algorithm: Algorithm, number: int) -> str:
        """The text of a code; ``number`` is its own, below 10,000."""
        return envelope.to_ic1(self._signed(algorithm, number))

    def forged(self, algorithm: Algorithm) -> str:
        """A code with one bit of its signature changed."""
        token = self._signed(algorithm, 0)
        return envelope.to_ic1(token[:-1] + bytes((token[-1] ^ 1,)))

    def verifier(self, algorithm: Algorithm, backend: Backend | None, *, full: bool) -> Verifier:
        """A verifier whose key of that algorithm checks by that backend.

        Args:
            full: with trust list, timestamp and status list, under the policy ``gate``; else keys given, no status.
        """
        chosen, domain = self.key(algorithm, backend), self._domain
        keys = [dataclasses.replace(each, key=chosen) if each.key == chosen else each for each in domain.keys]
        if not full:
            return Verifier(TrustDomain.from_keys(keys, environment="test"), Policy.named("unsafe_no_status"))
        return gate_verifier(domain, keys)

    def _signed(self, algorithm: Algorithm, number: int) -> bytes:
        claims = issue_claims(
            self._card,
            Profile.PUBLIC,
            issuer=_ISS,
            issued_at=self.now,
            status=StatusRef(_URI, number),
            cti=number.to_bytes(8, "big"),
        )
        return cose.sign_token(encode_claims(claims), self._keys[algorithm])

    @cached_property
    def _card(self) -> Card:
        """Nobody, with names of the usual length: 24 letters and 5 characters."""
        today = datetime.datetime.fromtimestamp(self.now, datetime.UTC).date()
        begun, ends = today - datetime.timedelta(days=60), today + datetime.timedelta(days=300)
        return Card(
            Holder(
                name="ANNA-KATHARINA BEISPIELE",
                name_native="安娜贝斯皮",
                native_language="zh",
                year_of_birth=1988,
                nationality="DEU",
            ),
            Permit(
                number="R310115202605004127",
                category="B",
                employer="基准机械有限公司",
                employer_code="91310115MA1K4XD073",
                valid_from=begun,
                valid_until=ends,
                region="310115",
            ),
            Insurance(
                schemes=Scheme.MEDICAL | Scheme.WORK_INJURY,
                enrolled_from=begun,
                paid_through=Month(today.year, today.month),
                region="310115",
            ),
        )

    @cached_property
    def _domain(self) -> TrustDomain:
        trusted = verify_anchor(self._trust_list()).current
        builder = StatusListBuilder(4, _ENTRIES)
        for index in range(_FIRST_SET, _ENTRIES, 50):
            builder.set(index, 1)
        iat = self.now - HOUR
        token = builder.sign(self._status_key, uri=_URI, iat=iat, exp=iat + 7 * DAY, ttl=HOUR)
        return TrustDomain.from_trust_list(
            trusted,
            name="benchmark",
            timestamp=Timestamp(trusted.version, trusted.payload_hash, iat, iat + 7 * DAY),
            status_lists={_URI: read_status(trusted, token, uri=_URI, now=self.now)},
        )

    def _trust_list(self) -> bytes:
        roots = [SigningKey.generate(ED25519) for _ in range(2)]
        until = self._began + 365 * DAY
        entries = [KeyEntry(key.verifying_key, "card", self._began, until) for key in self._keys.values()]
        entries.append(KeyEntry(self._status_key.verifying_key, "status", self._began, until))
        issuer = IssuerEntry(_ISS, "Benchmark", "基准", frozenset({"310000"}), (_PREFIX,), _ENTRIES, tuple(entries))
        signed = encode_trust_list(
            environment="test",
            version=1,
            iat=self._began,
            exp=until,
            roots=[root.verifying_key for root in roots],
            threshold=2,
            timestamp_keys=[SigningKey.generate(ED25519).verifying_key],
            issuers=[issuer],
        )
        for root in roots:
            signed = sign(signed, root)
        return signed


def gate_verifier(domain: TrustDomain, keys: Sequence[TrustedKey]) -> Verifier:
    """A verifier under the policy ``gate`` that knows what a domain knows, with these keys in place of its own."""
    known = TrustDomain(
        name=domain.name,
        environment=domain.environment,
        keys=keys,
        trust_list=domain.trust_list,
        timestamp=domain.timestamp,
        status_lists=domain.status_lists,
    )
    return Verifier(known, Policy.named("gate"))
