"""What ``icard status`` calls fresh is what verdicts accept: the two are held against each other."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import verifier.store
from icard_crypto import limits
from tests.kit.adversary import DAY, STATUS_KEY, published
from tests.kit.publisher import ANCHOR, NOW, URI, bundle, code, status, timestamp
from verifier import Policy, TrustDomain, Verifier
from verifier.store import Freshness, Store, Update, freshness

HOUR = 3600
PARTS: dict[str, set[str]] = {
    "trust_list": {"trust_list_missing", "trust_list_stale"},
    "timestamp": {"timestamp_missing", "timestamp_stale"},
    "status_list": {"status_missing", "status_stale"},
}


def domain_of(folder: Path, *updates: Update) -> TrustDomain:
    """The domain after these updates."""
    store = Store(folder)
    store.create(ANCHOR, name="cn", now=NOW)
    for update in updates:
        assert store.apply("cn", update, NOW).refused == ()
    return store.load()[0]


GOOD = Update.of_bundle(bundle(status(NOW - HOUR), stamp=timestamp(NOW - HOUR, lists={URI: NOW - HOUR})))
CASES = {
    "good": [GOOD],
    "nothing": [],
    "newer trust list known of": [GOOD, Update(timestamp=timestamp(NOW, trust=published(2)))],
    "newer status list known of": [GOOD, Update(timestamp=timestamp(NOW, lists={URI: NOW}))],
    "status key denied": [GOOD, Update(timestamp=timestamp(NOW, lists={URI: 0}, denied=[STATUS_KEY]))],
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("named", ["gate", "offline"])
def test_freshness_and_verdicts_agree(tmp_path: Path, case: str, named: str) -> None:
    """At each moment, to the second of each end: a part is fresh exactly if no verdict finds fault with it."""
    domain, policy = domain_of(tmp_path, *CASES[case]), Policy.named(named)
    ends = {row.until for row in freshness(domain, policy, NOW) if row.until is not None}
    checker = Verifier(domain, policy)
    for now in sorted({NOW, *ends, *(end - 1 for end in ends), *(end + DAY for end in ends)}):
        verdict = checker.verify(code(), now=now)
        faults = {str(verdict.reason), *map(str, verdict.also)}
        healths: dict[str, str] = {row.part: row.health for row in freshness(domain, policy, now)}
        healths.setdefault("status_list", "missing")
        for part, reasons in PARTS.items():
            assert (healths[part] != "fresh") == bool(faults & reasons), (part, now - NOW, faults)


def test_why_and_until(tmp_path: Path) -> None:
    """Each row says why it is not fresh and until when it was."""
    domain = domain_of(tmp_path, *CASES["newer status list known of"])
    gate = Policy.named("gate")
    assert freshness(domain, gate, NOW)[2].health == "fresh", "the newer one may be on its way"
    assert freshness(domain, gate, NOW + limits.STATUS_LAG)[2] == Freshness(
        "cn", "status_list", URI, "stale", "superseded", NOW - HOUR, NOW - HOUR + DAY + 1
    )
    aged = freshness(domain, gate, NOW + 5 * DAY)
    assert [(row.part, row.health, row.why) for row in aged] == [
        ("trust_list", "fresh", ""),
        ("timestamp", "stale", "aged"),
        ("status_list", "stale", "aged"),
    ]
    ended = freshness(domain, gate, NOW + 400 * DAY)
    assert [row.why for row in ended] == ["ended", "ended", "ended"]
    assert ended[1].to_dict(NOW + 400 * DAY)["age"] == 400 * DAY


def test_a_clock_behind_the_floor_makes_nothing_fresher(tmp_path: Path) -> None:
    """Ages are taken at the floor then."""
    domain = domain_of(tmp_path, GOOD)
    rows = freshness(domain, Policy.named("gate"), 0)
    assert [row.health for row in rows] == ["fresh"] * 3


def test_example_of_the_door() -> None:
    """The example in the package's docstring runs."""
    failed, tried = doctest.testmod(verifier.store)
    assert (failed, tried) == (0, 4)
