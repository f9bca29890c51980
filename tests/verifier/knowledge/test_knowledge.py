"""Stale knowledge and wrong clocks: what cannot be undone stands, the rest is last_known, and nothing is VALID."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from icard_crypto.card.card import Profile
from tests.kit.reference import ISSUED_AT
from tests.kit.trust_domain import (
    CARD_KEY,
    DAY,
    HOUR,
    NOW,
    OTHER_KEY,
    STATUS_KEY,
    TIMESTAMP,
    TRUST_LIST,
    World,
    claims,
    code,
)
from verifier import Policy, Revocation, Verdict

OLD_LIST: dict[str, Any] = {"status_iat": NOW - 40 * HOUR}
STALE_TRUST: dict[str, Any] = {"trust_list": replace(TRUST_LIST, exp=NOW - 1)}
BEHIND: dict[str, Any] = {"floor": NOW + DAY}


def judged(verdict: Verdict) -> tuple[str, str, str | None]:
    """Outcome, reason and what stale knowledge said."""
    return verdict.outcome, str(verdict.reason), verdict.last_known


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (0, ("INDETERMINATE", "status_stale", None)),
        (1, ("INVALID", "revoked", None)),
        (3, ("INVALID", "replaced", None)),
        (2, ("INDETERMINATE", "status_stale", "suspended")),
        (12, ("INDETERMINATE", "status_stale", "permit_suspended")),
        (13, ("INDETERMINATE", "status_stale", "insurance_lapsed")),
        (14, ("INDETERMINATE", "status_stale", "permit_suspended")),
    ],
)
def test_old_status_list(entry: int, expected: tuple[str, str, str | None]) -> None:
    """Revoked and replaced stand on a stale list; suspended and lapsed may have ended since."""
    for policy in ("gate", "inspection"):
        verdict = World(entry=entry, policy=policy, **OLD_LIST).verify(code(Profile.WORK))
        assert judged(verdict) == expected


def test_old_status_list_is_not_live() -> None:
    """A state read from a stale list is not live, and says of when it is."""
    verdict = World(entry=2, **OLD_LIST).verify()
    assert (verdict.permit.state, verdict.permit.live) == ("suspended", False)
    assert verdict.permit.as_of == NOW - 40 * HOUR
    assert verdict.evidence.status_age == 40 * HOUR


def test_suspended_is_not_waived_by_the_unsafe_policy() -> None:
    """unsafe_no_status needs no list; where one is there, what it says counts."""
    world = World(policy="unsafe_no_status")
    assert judged(world.edited(entry=2).verify()) == ("INVALID", "suspended", None)
    old: dict[str, Any] = {"status_exp": NOW}
    assert judged(world.edited(entry=2, **old).verify()) == ("INDETERMINATE", "status_stale", "suspended")
    assert judged(world.edited(entry=0, **old).verify()) == ("VALID", "valid", None)


@pytest.mark.parametrize(
    ("world", "changes", "last_known"),
    [
        ({"valid_from": ISSUED_AT + 1}, {}, "key_not_valid_then"),
        ({}, {"permit": {"region": "440300"}}, "region_not_allowed"),
    ],
)
def test_old_trust_list_softens_what_a_newer_one_may_grant(
    world: dict[str, Any], changes: dict[str, Any], last_known: str
) -> None:
    """A newer trust list may widen a window or add a region: on a stale one neither is INVALID."""
    verdict = World(**STALE_TRUST, **world).verify(code(**changes))
    assert judged(verdict) == ("INDETERMINATE", "trust_list_stale", last_known)


def test_unknown_key_under_an_old_trust_list() -> None:
    """A newer trust list may have the key."""
    assert judged(World(**STALE_TRUST).verify(code(key=OTHER_KEY))) == (
        "INDETERMINATE",
        "trust_list_stale",
        "untrusted_key",
    )


@pytest.mark.parametrize(
    ("world", "changes", "reason"),
    [
        ({"revoked": Revocation(NOW, "compromised")}, {}, "key_revoked"),
        ({"revoked": Revocation(ISSUED_AT - 1, "retired")}, {}, "key_not_valid_then"),
        ({"usage": "status"}, {}, "wrong_key_usage"),
        ({"entry": 1}, {}, "revoked"),
        ({}, {"expires": NOW}, "expired"),
        ({}, {"issuer": "cn.1"}, "issuer_mismatch"),
    ],
)
@pytest.mark.parametrize("staleness", [STALE_TRUST, BEHIND, {"timestamp": None}])
def test_what_cannot_be_undone_stands(
    world: dict[str, Any], changes: dict[str, Any], reason: str, staleness: dict[str, Any]
) -> None:
    """Stale lists and wrong clocks excuse nothing that is for ever."""
    verdict = World(**world, **staleness).verify(code(**changes))
    assert (verdict.outcome, str(verdict.reason)) == ("INVALID", reason)


def test_expired_at_the_floor_is_expired() -> None:
    """A clock set back does not revive a card: what is over at the floor is over."""
    end = claims().expires
    world = World(floor=end, trust_list=replace(TRUST_LIST, exp=end + DAY), policy="offline")
    verdict = world.edited(status_exp=end + DAY, timestamp=replace(TIMESTAMP, exp=end + DAY)).verify(now=NOW)
    assert judged(verdict) == ("INVALID", "expired", None)
    assert [str(also) for also in verdict.also] == ["clock_unreliable"]


def test_floor_is_the_newest_iat_of_list_and_timestamp() -> None:
    """The floor needs no stored value: trust list and timestamp carry one."""
    newest = World(timestamp=replace(TIMESTAMP, iat=NOW))
    assert newest.domain().clock_floor == NOW
    assert judged(newest.verify(now=NOW - 301)) == ("INDETERMINATE", "clock_unreliable", None)
    assert World(timestamp=None).domain().clock_floor == TRUST_LIST.iat


@pytest.mark.parametrize(
    "ahead", [{"trust_list": replace(TRUST_LIST, iat=NOW + 301)}, {"timestamp": replace(TIMESTAMP, iat=NOW + 301)}]
)
def test_lists_from_the_future(ahead: dict[str, Any]) -> None:
    """A trust list or timestamp more than 300 s ahead says that this clock is wrong; 300 s are tolerated."""
    assert judged(World(**ahead).verify()) == ("INDETERMINATE", "clock_unreliable", None)
    assert judged(World(**ahead).verify(now=NOW + 1)) == ("VALID", "valid", None)


def test_floor_is_never_of_status_lists_or_cards() -> None:
    """One bad issuer must not stop every verifier."""
    assert World(status_iat=NOW + 10 * DAY).domain().clock_floor == TIMESTAMP.iat


def test_wrong_clock_softens_what_depends_on_it() -> None:
    """With the clock behind, not begun, suspended and unknown keys are unknowable."""
    world = World(**BEHIND, policy="offline")
    assert judged(world.verify(code(not_before=NOW + 2 * DAY))) == (
        "INDETERMINATE",
        "clock_unreliable",
        "not_yet_valid",
    )
    assert judged(world.edited(entry=2).verify()) == ("INDETERMINATE", "clock_unreliable", "suspended")
    assert judged(world.verify(code(key=OTHER_KEY))) == ("INDETERMINATE", "clock_unreliable", "untrusted_key")


def test_begun_at_the_floor_has_begun() -> None:
    """A clock a little behind the floor judges at the floor."""
    verdict = World(floor=NOW + 200).verify(code(not_before=NOW + 100))
    assert judged(verdict) == ("VALID", "valid", None)


def test_status_list_from_the_future_still_revokes() -> None:
    """A list that this clock calls future proves nothing good, but a withdrawal stays one."""
    assert judged(World(entry=1, status_iat=NOW + DAY).verify()) == ("INVALID", "revoked", None)
    assert judged(World(entry=2, status_iat=NOW + DAY).verify()) == ("INDETERMINATE", "clock_unreliable", "suspended")


def test_keys_given_directly_miss_no_list() -> None:
    """Where a person handed over the keys there is no trust list and no timestamp to miss, only the status list."""
    world = World(given_directly=True)
    assert judged(world.verify()) == ("VALID", "valid", None)
    assert world.verify().evidence.keys_given_directly
    assert judged(world.edited(status_list=False).verify()) == ("INDETERMINATE", "status_missing", None)
    assert judged(world.verify(code(key=OTHER_KEY))) == ("INVALID", "untrusted_key", None)


def test_a_bad_status_key_takes_its_lists_with_it() -> None:
    """A status list signed by a key that is denied does not count, for good or ill: it is missing."""
    world = World(entry=1)
    denied = replace(TIMESTAMP, denied=frozenset({STATUS_KEY.verifying_key.thumbprint}))
    assert judged(world.edited(timestamp=denied).verify()) == ("INDETERMINATE", "status_missing", None)


def test_leeway_stretches_begin_and_end() -> None:
    """A policy's leeway moves both ends of the card outwards, by its seconds and no more."""
    policy = Policy("lenient", leeway=60)
    end = NOW + 1000
    world = World(policy=policy)
    assert judged(world.verify(code(expires=end), now=end + 59))[0] == "VALID"
    assert judged(world.verify(code(expires=end), now=end + 60))[1] == "expired"
    assert judged(world.verify(code(not_before=end), now=end - 60))[0] == "VALID"
    assert judged(world.verify(code(not_before=end), now=end - 61))[1] == "not_yet_valid"
    states = [world.verify(code(expires=end), now=end + late).permit.state for late in (59, 60)]
    assert states == ["valid", "expired"], "the permit's row never contradicts the verdict"
    assert world.verify(code(not_before=end), now=end - 60).permit.state == "valid"


def test_environment_is_shown() -> None:
    """A test verdict says so, also when nothing could be read."""
    assert World(environment="test").verify("x").environment == "test"
    assert World(environment="production").verify().environment == "production"


def test_evidence_of_a_good_verdict() -> None:
    """All that the verdict rests on, with ages at the time of asking."""
    evidence = World().verify().evidence
    assert evidence.domain == "test domain"
    assert evidence.issuer == "cn.310000"
    assert evidence.thumbprint == CARD_KEY.verifying_key.thumbprint.hex()
    assert (evidence.trust_list_version, evidence.trust_list_age) == (7, 10 * DAY)
    assert (evidence.timestamp_age, evidence.status_age) == (HOUR, HOUR)
    assert (evidence.clock, evidence.clock_floor) == (NOW, NOW - HOUR)
    assert evidence.trust_list_threshold == 2
