"""Trust domains as values: regions, uris, kids, windows, and several domains side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from tests.kit.native import reference_alone
from tests.kit.reference import ISSUED_AT, ISSUER
from tests.kit.trust_domain import (
    CARD_KEY,
    DAY,
    ELSEWHERE,
    HERE,
    NOW,
    OTHER_KEY,
    STATUS_KEY,
    TIMESTAMP,
    TRUST_LIST,
    World,
    code,
)
from verifier import Issuer, Policy, Revocation, TrustDomain, TrustedKey, Verifier


@pytest.mark.parametrize(
    ("granted", "region", "covered"),
    [
        ("310000", "310115", True),
        ("310000", "310000", True),
        ("310000", "320115", False),
        ("320500", "320583", True),
        ("320500", "320600", False),
        ("320500", "320000", False),
        ("320583", "320583", True),
        ("320583", "320582", False),
    ],
)
def test_regions(granted: str, region: str, covered: bool) -> None:
    """A province covers its districts, a prefecture its counties, a county itself."""
    issuer = Issuer("x", {}, frozenset({granted}), ())
    assert issuer.covers_region(region) is covered


def test_finding_a_key_does_not_walk_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among many keys one verification tries the signature of one key only."""
    keys = [
        TrustedKey(SigningKey.from_raw(ED25519, number.to_bytes(32, "big")).verifying_key, "card", HERE, 0)
        for number in range(1, 301)
    ]
    trusted = TrustedKey(CARD_KEY.verifying_key, "card", HERE, 0)
    tried = []
    verify = VerifyingKey.verify

    def counting(key: VerifyingKey, signature: bytes, message: bytes) -> bool:
        tried.append(key.kid)
        return verify(key, signature, message)

    monkeypatch.setattr(VerifyingKey, "verify", counting)
    reference_alone(monkeypatch)
    domain = TrustDomain.from_keys([*keys, trusted], environment="test")
    verdict = Verifier(domain, Policy.named("unsafe_no_status")).verify(code(), now=NOW)
    assert verdict.outcome == "VALID"
    assert tried == [CARD_KEY.verifying_key.kid]


class SameKid(VerifyingKey):
    """A key that shares its kid with the card key, as an adversary can make one with 2^64 tries."""

    def __init__(self, key: VerifyingKey) -> None:
        super().__init__(key.algorithm, key.raw)
        self.kid = CARD_KEY.verifying_key.kid


def test_shared_kid() -> None:
    """A kid is a hint: of two keys that share it, the one that signed is found, whichever stands first."""
    twin = TrustedKey(SameKid(OTHER_KEY.verifying_key), "card", ELSEWHERE, 0)
    mine = TrustedKey(CARD_KEY.verifying_key, "card", HERE, 0)
    for keys in ([twin, mine], [mine, twin]):
        verifier = Verifier(TrustDomain.from_keys(keys, environment="test"), Policy.named("unsafe_no_status"))
        verdict = verifier.verify(code(), now=NOW)
        assert (verdict.outcome, verdict.evidence.issuer) == ("VALID", ISSUER)


def test_several_domains() -> None:
    """The domain that knows the key judges; the same iss in another domain is another issuer."""
    mine = World(environment="production").domain()
    theirs = TrustDomain(
        name="theirs",
        environment="test",
        keys=[TrustedKey(OTHER_KEY.verifying_key, "card", HERE, 0)],
        trust_list=TRUST_LIST,
        timestamp=TIMESTAMP,
    )
    verifier = Verifier([theirs, mine], Policy.named("gate"))
    verdict = verifier.verify(code(), now=NOW)
    assert (verdict.outcome, verdict.environment, verdict.evidence.domain) == ("VALID", "production", "test domain")
    verdict = verifier.verify(code(key=OTHER_KEY), now=NOW)
    assert (verdict.reason, verdict.environment, verdict.evidence.domain) == ("status_missing", "test", "theirs")
    assert verifier.verify("x", now=NOW).environment is None


def test_another_domains_usage_is_not_ours() -> None:
    """A domain that lists our card key for another usage cannot make our cards wrong_key_usage."""
    theirs = TrustDomain(
        name="theirs",
        environment="test",
        keys=[TrustedKey(CARD_KEY.verifying_key, "status", ELSEWHERE, 0)],
        trust_list=TRUST_LIST,
        timestamp=TIMESTAMP,
    )
    verdict = Verifier([theirs, World().domain()], Policy.named("gate")).verify(code(), now=NOW)
    assert (verdict.outcome, verdict.evidence.domain) == ("VALID", "test domain")
    assert Verifier(theirs, Policy.named("gate")).verify(code(), now=NOW).reason == "wrong_key_usage"


@pytest.mark.parametrize(
    "rival",
    [World(), World(revoked=Revocation(NOW - DAY, "compromised")), World(usage="status"), World(issuer=ELSEWHERE)],
    ids=["trusted", "compromised", "other usage", "other issuer"],
)
@pytest.mark.parametrize("entry", [0, 1])
def test_a_test_domain_has_no_say_about_a_production_card(rival: World, entry: int) -> None:
    """However a test domain lists a key of production, production's verdict is the same as without it."""
    real = World(environment="production", entry=entry).domain()
    alone = Verifier(real, Policy.named("gate")).verify(code(), now=NOW)
    for domains in ([rival.domain(), real], [real, rival.domain()]):
        assert Verifier(domains, Policy.named("gate")).verify(code(), now=NOW) == alone
    assert alone.outcome == ("VALID" if entry == 0 else "INVALID")


def test_production_alone_decides_what_its_key_may_sign() -> None:
    """A key that production lists for status lists signs no cards, although a test domain lists it for cards."""
    real = World(environment="production", usage="status").domain()
    verdict = Verifier([World().domain(), real], Policy.named("gate")).verify(code(), now=NOW)
    assert (verdict.reason, verdict.environment) == ("wrong_key_usage", "production")


def test_several_domains_one_stale() -> None:
    """A key that no domain knows may be on the newer list of the one that is stale."""
    stale = World(trust_list=replace(TRUST_LIST, exp=NOW)).domain()
    verifier = Verifier([World().domain(), stale], Policy.named("gate"))
    verdict = verifier.verify(code(key=OTHER_KEY), now=NOW)
    assert (verdict.outcome, verdict.reason, verdict.last_known) == (
        "INDETERMINATE",
        "trust_list_stale",
        "untrusted_key",
    )


def test_other_domains_denial_is_not_ours() -> None:
    """A domain denies keys for itself: it cannot take another domain's trust away."""
    denied = replace(TIMESTAMP, denied=frozenset({CARD_KEY.verifying_key.thumbprint}))
    theirs = TrustDomain(name="theirs", environment="test", keys=(), trust_list=TRUST_LIST, timestamp=denied)
    verdict = Verifier([theirs, World().domain()], Policy.named("gate")).verify(code(), now=NOW)
    assert verdict.outcome == "VALID"


def test_status_list_outside_its_keys_window() -> None:
    """A status list that its key signed outside its window, or after it was retired, does not count."""
    world = World()
    domain = world.domain()
    card_key, status_key = domain.keys
    lists = dict(domain.status_lists)
    for worse in (
        replace(status_key, valid_from=NOW),
        replace(status_key, valid_until=ISSUED_AT),
        replace(status_key, revoked=Revocation(ISSUED_AT, "retired")),
    ):
        changed = TrustDomain(
            name="x",
            environment="test",
            keys=(card_key, worse),
            trust_list=TRUST_LIST,
            timestamp=TIMESTAMP,
            status_lists=lists,
        )
        assert dict(changed.usable_status_lists) == {}
    assert len(domain.usable_status_lists) == 1


def test_status_list_of_an_issuer_with_the_same_prefix() -> None:
    """Where two issuers claim one prefix, each one's list speaks for its own cards only."""
    world = World(entry=1)
    card_key, _ = world.domain().keys
    greedy = replace(ELSEWHERE, status_prefixes=HERE.status_prefixes)
    status_key = TrustedKey(STATUS_KEY.verifying_key, "status", greedy, 0)
    domain = TrustDomain.from_keys([card_key, status_key], environment="test", status_lists=world.domain().status_lists)
    assert Verifier(domain, Policy.named("gate")).verify(code(), now=NOW).reason == "status_missing"
