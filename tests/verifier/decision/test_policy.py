"""Policies: the shipped ones, and a user's own, refused with the place of the fault."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from icard_crypto.card.card import Month, Scheme
from icard_crypto.errors import StateError
from tests.kit.trust_domain import NOW, World
from verifier import Policy

DAY = 86400


def refusal(loaded: object) -> StateError:
    """The error that a policy file gives."""
    with pytest.raises(StateError) as caught:
        Policy.from_json(json.dumps(loaded))
    return caught.value


def test_shipped_policies() -> None:
    """The shipped policies are these, with these limits."""
    assert Policy.names() == ("gate", "inspection", "benefit", "offline", "unsafe_no_status")
    gate = Policy.named("gate")
    assert (gate.status_max_age, gate.timestamp_max_age, gate.insurance) == (DAY, 3 * DAY, "not_needed")
    inspection = Policy.named("inspection")
    assert (inspection.insurance, inspection.employer_disclosed) == ("live", True)
    benefit = Policy.named("benefit")
    assert (benefit.insurance, benefit.schemes, benefit.status_max_age) == ("live", Scheme.MEDICAL, DAY)
    offline = Policy.named("offline")
    assert (offline.status_required, offline.status_max_age, offline.timestamp_max_age) == (True, None, None)
    assert not Policy.named("unsafe_no_status").status_required


def test_only_the_unsafe_policy_waives_status() -> None:
    """A policy that waives the status list says unsafe in its name."""
    waiving = [name for name in Policy.names() if not Policy.named(name).status_required]
    assert waiving == ["unsafe_no_status"]


def test_unknown_name() -> None:
    """An unknown name is refused with the names there are."""
    with pytest.raises(StateError) as caught:
        Policy.named("gates")
    error = caught.value
    assert (error.code, error.found) == ("policy.name", "'gates'")
    assert error.expected == "gate, inspection, benefit, offline, unsafe_no_status"
    assert error.message() == "There is no policy of this name."


def test_round_trip() -> None:
    """A policy's JSON form reads back as the same policy, for the shipped ones and for a full one."""
    full = Policy(
        "full",
        status_max_age=3600,
        timestamp_max_age=7200,
        trust_list_max_age=30 * DAY,
        insurance="as_of_issue",
        schemes=Scheme.MEDICAL | Scheme.PENSION,
        paid_through=Month(2026, 9),
        service=2,
        employer_disclosed=True,
        regions=frozenset({"310000", "320500"}),
        issuers=frozenset({"cn.310000"}),
        leeway=60,
    )
    for policy in (full, *map(Policy.named, Policy.names())):
        assert Policy.from_json(json.dumps(policy.to_dict())) == policy
    assert full.to_dict()["schemes"] == ["pension", "medical"]
    assert full.to_dict()["paid_through"] == "2026-09"
    assert full.to_dict()["service"] == "library"


@pytest.mark.parametrize(
    ("fields", "path", "expected", "found"),
    [
        ({"status_max_age": 0}, "status_max_age", "whole seconds from 1 to 34560000, or null", "0"),
        ({"timestamp_max_age": "72h"}, "timestamp_max_age", "whole seconds from 1 to 34560000, or null", "'72h'"),
        ({"trust_list_max_age": True}, "trust_list_max_age", "whole seconds from 1 to 34560000, or null", "True"),
        ({"status_required": 1}, "status_required", "true or false", "1"),
        ({"insurance": "yes"}, "insurance", "one of not_needed, as_of_issue, live", "'yes'"),
        (
            {"insurance": "live", "schemes": ["medical", "dental"]},
            "schemes[1]",
            "one of pension, medical, unemployment, work_injury, maternity",
            "'dental'",
        ),
        ({"schemes": "medical"}, "schemes", "a list", "'medical'"),
        (
            {"insurance": "live", "paid_through": "2026-13"},
            "paid_through",
            "a month such as 2026-09, or null",
            "'2026-13'",
        ),
        ({"service": 70000}, "service", "a service of the registry, or null", "70000"),
        ({"service": 1.5}, "service", "a service of the registry, or null", "1.5"),
        ({"regions": ["31"]}, "regions", "codes of six digits, at least one, or null", "frozenset({'31'})"),
        ({"regions": []}, "regions", "codes of six digits, at least one, or null", "frozenset()"),
        ({"issuers": [1]}, "issuers[0]", "text", "1"),
        ({"environment": "prod"}, "environment", "production, test, or null", "'prod'"),
        ({"leeway": 301}, "leeway", "whole seconds from 0 to 300", "301"),
        ({"name": "My Policy"}, "name", "lower-case letters, digits and _", "'My Policy'"),
    ],
)
def test_bad_value(fields: dict[str, Any], path: str, expected: str, found: str) -> None:
    """Each wrong value is refused with path, expected and found."""
    error = refusal({"name": "mine", **fields})
    assert (error.code, error.path, error.expected, error.found) == ("policy.value", path, expected, found)


def test_unknown_service_name() -> None:
    """A service that the registry does not have is refused with those it has."""
    error = refusal({"name": "mine", "service": "zoo"})
    assert (error.code, error.path, error.found) == ("policy.value", "service", "'zoo'")
    assert error.expected is not None
    assert error.expected.startswith("one of transit, library")


def test_unknown_field() -> None:
    """A misspelt field is refused, not ignored: it would have loosened the check unseen."""
    error = refusal({"name": "mine", "status_maxage": 60})
    assert (error.code, error.path) == ("policy.field", "status_maxage")
    assert error.message() == "The policy has a field that does not exist."


def test_missing_name() -> None:
    """A policy has a name."""
    error = refusal({})
    assert (error.code, error.path, error.found) == ("policy.value", "name", "nothing")


@pytest.mark.parametrize("data", [b"{", b"\xff", "[" * 100_000])
def test_not_json(data: bytes | str) -> None:
    """What is not JSON is refused as that."""
    with pytest.raises(StateError) as caught:
        Policy.from_json(data)
    assert (caught.value.code, caught.value.expected) == ("policy.json", "a JSON object")


@pytest.mark.parametrize("data", ['{"name": "a", "leeway": 1, "leeway": 2}', '{"name": "a", "name": "b"}'])
def test_a_field_that_stands_twice_is_named(data: str) -> None:
    """Which of the two was meant cannot be guessed."""
    with pytest.raises(StateError) as caught:
        Policy.from_json(data)
    assert (caught.value.code, caught.value.expected) == ("policy.json", "each member once")
    assert caught.value.path in ("'leeway'", "'name'")


def test_not_an_object() -> None:
    """A list is no policy."""
    error = refusal([])
    assert (error.code, error.expected, error.found) == ("policy.value", "an object", "[]")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"schemes": ["medical"]}, "insurance"),
        ({"paid_through": "2026-09"}, "insurance"),
        ({"insurance": "live", "status_required": False}, "status_required"),
    ],
)
def test_conflict(fields: dict[str, Any], path: str) -> None:
    """Fields that contradict each other are refused: which of the two was meant cannot be guessed."""
    error = refusal({"name": "mine", **fields})
    assert (error.code, error.path) == ("policy.conflict", path)
    assert error.message() == "Two fields of the policy contradict each other."


def test_made_directly_is_checked_too() -> None:
    """The constructor checks as the file does."""
    with pytest.raises(StateError) as caught:
        Policy("mine", schemes=Scheme(64), insurance="live")
    assert (caught.value.code, caught.value.path) == ("policy.value", "schemes")
    assert caught.value.expected == "known schemes, such as Scheme.MEDICAL | Scheme.PENSION"


def test_what_a_policy_leaves_out_is_gates() -> None:
    """A policy made with a name and what it asks for has gate's limits, from Python and from JSON: lists of six days
    are not good enough for it."""
    mine = Policy("bank", regions={"310000"})  # type: ignore[arg-type]
    assert mine == Policy.from_json('{"name": "bank", "regions": ["310000"]}')
    assert mine == dataclasses.replace(Policy.named("gate"), name="bank", regions=frozenset({"310000"}))
    world = World(policy=mine, environment="production", status_iat=NOW - 6 * DAY)
    assert (world.verify().outcome, world.verify().reason) == ("INDETERMINATE", "status_stale")


def test_base_names_the_policy_to_start_from() -> None:
    """With a base, what is left out is that policy's; an unknown one is refused."""
    clinic = Policy.from_dict({"base": "benefit", "name": "clinic", "paid_through": "2026-09"})
    assert clinic == dataclasses.replace(Policy.named("benefit"), name="clinic", paid_through=Month(2026, 9))
    assert (refusal({"base": "mine", "name": "x"}).code, refusal({"base": "mine", "name": "x"}).path) == (
        "policy.name",
        "base",
    )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"status_required": False}, "status_required"),
        ({"status_max_age": None}, "status_max_age"),
        ({"status_max_age": DAY + 1}, "status_max_age"),
        ({"timestamp_max_age": 3 * DAY + 1}, "timestamp_max_age"),
        ({"timestamp_max_age": None}, "timestamp_max_age"),
        ({"base": "offline"}, "status_max_age"),
        ({"base": "unsafe_no_status"}, "status_required"),
    ],
)
def test_only_unsafe_names_loosen(fields: dict[str, Any], path: str) -> None:
    """A policy that takes older lists than gate, or none, is refused unless its name says that it is unsafe."""
    error = refusal({"name": "mine", **fields})
    assert (error.code, error.path) == ("policy.loose", path)
    assert error.hint() == "Leave the field out to keep gate's limit, or begin the name with unsafe_."
    assert Policy.from_dict({"name": "unsafe_mine", **fields}).name == "unsafe_mine"


@pytest.mark.parametrize("name", ["gate", "offline", "unsafe_no_status"])
def test_shipped_names_mean_the_same_everywhere(name: str) -> None:
    """A policy with other rules cannot have a shipped name, loosened or tightened; the same rules are the same
    policy."""
    for fields in ({"status_required": name == "unsafe_no_status"}, {"status_max_age": 60}, {"service": 2}):
        if all(Policy.named(name).to_dict()[field] == value for field, value in fields.items()):
            continue
        error = refusal({"name": name, "base": name, **fields})
        assert (error.code, error.path, error.found) == ("policy.taken", "name", name)
    assert Policy.from_dict(Policy.named(name).to_dict()) == Policy.named(name)


@pytest.mark.parametrize(("environment", "wanted"), [("test", "test_card"), ("production", "real_card")])
def test_policy_fixes_the_environment(environment: Any, wanted: str) -> None:
    """A policy for real cards refuses a test card, one for tests a real card; the one it asks for is VALID."""
    other = "production" if environment == "test" else "test"
    verdict = World(environment=environment, policy=Policy("mine", environment=other)).verify()  # type: ignore[arg-type]
    assert (verdict.outcome, verdict.reason, verdict.detail) == ("INVALID", "policy_not_met", wanted)
    same = World(environment=environment, policy=Policy("mine", environment=environment)).verify()
    assert same.outcome == "VALID"
    assert same.require() is same
