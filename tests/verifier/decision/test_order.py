"""Two faults at once: the first check in the promised order names the reason, the rest stand in ``also``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from icard_crypto.card.card import Profile, Scheme
from icard_crypto.card.claims import StatusRef, encode_claims
from icard_crypto.encoding import cbor
from tests.kit.reference import ISSUED_AT, STATUS
from tests.kit.trust_domain import (
    CARD_KEY,
    DAY,
    HOUR,
    NOW,
    OTHER_KEY,
    TIMESTAMP,
    TRUST_LIST,
    World,
    claims,
    code,
    signed,
)
from verifier import Policy, Revocation, Verdict

DENIED = replace(TIMESTAMP, denied=frozenset({CARD_KEY.verifying_key.thumbprint}))
PAST: dict[str, Any] = {"expires": NOW - 1}
ELSEWHERE: dict[str, Any] = {"permit": {"region": "440300"}}
FOREIGN_LIST: dict[str, Any] = {"status": StatusRef("https://evil.example/s/a", STATUS.index)}


def codes(verdict: Verdict) -> list[str]:
    """The reason and what stands in also."""
    return [str(verdict.reason), *(str(also) for also in verdict.also)]


def broken(token: bytes) -> bytes:
    """The same token with the last bit of its signature turned."""
    return token[:-1] + bytes([token[-1] ^ 1])


GOOD = signed(encode_claims(claims()))


@pytest.mark.parametrize(
    ("world", "shown", "expected"),
    [
        ({"usage": "status"}, broken(GOOD), ["wrong_key_usage", "bad_signature"]),
        ({"timestamp": DENIED}, broken(GOOD), ["bad_signature", "key_revoked"]),
        ({"timestamp": DENIED}, signed(b"\xff"), ["key_revoked", "malformed"]),
        ({"timestamp": DENIED}, code(**PAST), ["key_revoked", "expired"]),
        ({"valid_from": ISSUED_AT + 1}, code(issuer="cn.1"), ["key_not_valid_then", "issuer_mismatch"]),
        ({}, code(issuer="cn.1", **ELSEWHERE), ["issuer_mismatch", "region_not_allowed"]),
        ({}, code(**ELSEWHERE, **FOREIGN_LIST), ["region_not_allowed", "status_uri_not_allowed"]),
        ({}, code(**FOREIGN_LIST, **PAST), ["status_uri_not_allowed", "expired"]),
        ({"entry": 1}, code(**PAST), ["expired", "revoked"]),
        ({"entry": 2}, code(permit={"category": "D"}), ["suspended", "policy_not_met"]),
        ({"entry": 1, "timestamp": None}, code(), ["revoked", "timestamp_missing"]),
        ({"status_list": False, "timestamp": None}, code(), ["timestamp_missing", "status_missing"]),
        (
            {"trust_list": replace(TRUST_LIST, exp=NOW), "timestamp": None, "status_exp": NOW},
            code(),
            ["trust_list_stale", "timestamp_missing", "status_stale"],
        ),
        (
            {"floor": NOW + DAY, "status_list": False},
            code(),
            ["clock_unreliable", "status_missing"],
        ),
        ({"timestamp": None}, code(key=OTHER_KEY), ["untrusted_key", "timestamp_missing"]),
        (
            {"policy": "inspection", "timestamp": None},
            code(),
            ["timestamp_missing", "not_disclosed", "not_disclosed"],
        ),
    ],
)
def test_two_faults(world: dict[str, Any], shown: str | bytes, expected: list[str]) -> None:
    """The order is that of the contract; INVALID stands before INDETERMINATE."""
    assert codes(World(**world).verify(shown)) == expected


def test_a_failing_layer_hides_the_later_ones() -> None:
    """What could not be read is not judged: a revoked key's unreadable text is only unreadable."""
    assert codes(World(timestamp=DENIED).verify("IC1:a")) == ["malformed"]


def test_payload_of_a_bad_signature_is_never_decoded() -> None:
    """The payload is decoded only after the signature holds: no malformed beside bad_signature."""
    assert codes(World().verify(broken(signed(b"\xff")))) == ["bad_signature"]


def test_payload_that_is_no_map() -> None:
    """A payload that is CBOR but no map is malformed."""
    verdict = World().verify(signed(cbor.encode([1, 2])))
    assert codes(verdict) == ["malformed"]
    assert verdict.error is not None
    assert verdict.error.code == "claims.wrong_type"


def test_each_rule_that_is_not_met_is_told() -> None:
    """Several rules of one policy fail: each is named, in order."""
    policy = Policy("strict", insurance="as_of_issue", schemes=Scheme.PENSION, service=6, issuers=frozenset({"cn.2"}))
    verdict = World(policy=policy).verify()
    details = [verdict.reason.variant, *(also.variant for also in verdict.also)]
    assert set(codes(verdict)) == {"policy_not_met"}
    assert details == ["schemes", "service", "issuer"]


def test_content_is_withheld_whenever_the_signer_fails() -> None:
    """Each failure of checks 9 to 16 withholds card, profile, states and status; later failures do not."""
    for world, shown in (
        (World(usage="status"), code()),
        (World(), broken(GOOD)),
        (World(timestamp=DENIED), code()),
        (World(revoked=Revocation(NOW, "compromised")), code()),
        (World(valid_from=ISSUED_AT + 1), code()),
        (World(), code(issuer="cn.1")),
        (World(), code(key=OTHER_KEY)),
    ):
        written = world.verify(shown).to_dict()
        assert (written["card"], written["code"], written["profile"]) == (None, None, None)
        assert (written["permit"]["state"], written["insurance"]["state"]) == ("unknown", "unknown")
        assert "HANNELORE" not in str(written)
    for world, shown in ((World(entry=1), code()), (World(), code(**ELSEWHERE)), (World(), code(**PAST))):
        assert world.verify(shown).to_dict()["card"] is not None


def test_card_of_another_profile_shows_its_profile() -> None:
    """The profile stands in the verdict."""
    assert World().verify(code(Profile.AUTHORITY)).profile == "authority"
    assert World().verify(code(Profile.WORK), now=NOW + HOUR).profile == "work"
