"""``decisions/``: what is known is missing, stale, superseded or from the future, and what a status entry says."""

from __future__ import annotations

from tests.kit.reference import ISSUED_AT, reference_claims
from tools.vectors.base import CARD_KEY
from tools.vectors.decision import (
    DAY,
    END,
    HIDDEN,
    INSPECTION,
    NOT_LIVE,
    NOW,
    WORK,
    Case,
    code,
    facts,
    policy,
    revoked,
    status_list,
)

__all__ = ["cases"]


def _entries() -> dict[str, Case]:
    lapsed = ("lapsed", True)
    return {
        "revoked": Case("Entry 1.", "revoked", entry=1, permit=("revoked", True), insurance=("unknown", False)),
        "suspended": Case("Entry 2.", "suspended", entry=2, permit=("suspended", True), insurance=("unknown", False)),
        "replaced": Case("Entry 3.", "replaced", entry=3, permit=("replaced", True), insurance=("replaced", False)),
        "permit-suspended": Case("Entry 12.", "permit_suspended", entry=12, permit=("suspended", True)),
        "insurance-lapsed": Case(
            "Entry 13, at an inspection.",
            "insurance_lapsed",
            shown=WORK,
            policy=INSPECTION,
            entry=13,
            insurance=lapsed,
        ),
        "both": Case(
            "Entry 14, at an inspection.",
            "permit_suspended",
            also=("insurance_lapsed",),
            shown=WORK,
            policy=INSPECTION,
            entry=14,
            permit=("suspended", True),
            insurance=lapsed,
        ),
        "both-at-a-gate": Case(
            "Entry 14, at a gate: the lapse does not matter.",
            "permit_suspended",
            shown=WORK,
            entry=14,
            permit=("suspended", True),
            insurance=lapsed,
        ),
        "status-unknown-value": Case(
            "Entry 7, which nobody has defined.",
            "status_unknown",
            entry=7,
            permit=("unknown", True),
            insurance=("unknown", False),
        ),
        "status-index-beyond": Case(
            "The index is the list's size.", "status_unknown", **NOT_LIVE, lists=(status_list(size=48231),)
        ),
    }


def _freshness() -> dict[str, Case]:
    stale = status_list
    later = NOW + 10 * DAY
    superseded = facts(timestamp={"lists": {"https://icard.example/s/k7Qd": NOW - 1800}})
    old_list = (status_list(iat=later - 3600, exp=later + DAY),)
    stranger = code(reference_claims(), "stranger-ed25519")
    ended = facts(trust_list={"exp": NOW})
    suspended = stale(entry=2, iat=NOW - DAY - 1)
    lapsed = stale(entry=13, iat=NOW - DAY - 1)
    return {
        "nothing-trusted": Case(
            "No trust list at all.",
            "trust_list_missing",
            last_known="untrusted_key",
            **HIDDEN,
            nothing_trusted=True,
            lists=(),
        ),
        "trust-list-ended": Case("The trust list has ended.", "trust_list_stale", "ended", knowledge=ended),
        "trust-list-aged": Case(
            "The trust list is older than the policy takes.",
            "trust_list_stale",
            "aged",
            policy=policy("gate", trust_list_max_age=29 * DAY),
            knowledge=facts(),
        ),
        "trust-list-superseded": Case(
            "The timestamp names a newer trust list.",
            "trust_list_stale",
            "superseded",
            knowledge=facts(timestamp={"trust_version": 8}),
        ),
        "trust-list-other-hash": Case(
            "The timestamp names another trust list of this version.",
            "trust_list_stale",
            "superseded",
            knowledge=facts(timestamp={"trust_hash": "a5" * 32}),
        ),
        "unknown-key-stale-trust": Case(
            "An unknown key, and a trust list that may be too old to know it.",
            "trust_list_stale",
            "ended",
            last_known="untrusted_key",
            **HIDDEN,
            shown=stranger,
            knowledge=ended,
        ),
        "timestamp-missing": Case("No timestamp.", "timestamp_missing", knowledge=facts() | {"timestamp": None}),
        "timestamp-ended": Case(
            "The timestamp has ended.", "timestamp_stale", "ended", knowledge=facts(timestamp={"exp": NOW})
        ),
        "timestamp-aged": Case(
            "The timestamp is older than the policy takes.",
            "timestamp_stale",
            "aged",
            knowledge=facts(timestamp={"iat": NOW - 3 * DAY - 1}),
        ),
        "status-missing": Case("No status list.", "status_missing", **NOT_LIVE, lists=()),
        "status-by-neighbour": Case(
            "The list is signed by a neighbour's status key.",
            "status_missing",
            **NOT_LIVE,
            lists=(stale(key="neighbour-status-ed25519"),),
        ),
        "status-by-card-key": Case(
            "The list is signed by the card key.", "status_missing", **NOT_LIVE, lists=(stale(key=CARD_KEY),)
        ),
        "status-key-compromised": Case(
            "The list is signed by a compromised key.",
            "status_missing",
            **NOT_LIVE,
            knowledge=revoked("status-ed25519", NOW, "compromised"),
        ),
        "status-ended": Case("The list has ended.", "status_stale", "ended", **NOT_LIVE, lists=(stale(exp=NOW),)),
        "status-aged": Case(
            "The list is a second older than the policy takes.",
            "status_stale",
            "aged",
            **NOT_LIVE,
            lists=(stale(iat=NOW - DAY - 1),),
        ),
        "status-superseded": Case(
            "The timestamp knows of a newer list.", "status_stale", "superseded", **NOT_LIVE, knowledge=superseded
        ),
        "stale-suspended": Case(
            "Suspended on a stale list: perhaps no longer.",
            "status_stale",
            "aged",
            last_known="suspended",
            permit=("suspended", False),
            insurance=("unknown", False),
            lists=(suspended,),
        ),
        "stale-lapsed": Case(
            "Lapsed on a stale list: perhaps no longer.",
            "status_stale",
            "aged",
            last_known="insurance_lapsed",
            shown=WORK,
            policy=INSPECTION,
            permit=("valid", False),
            insurance=("lapsed", False),
            lists=(lapsed,),
        ),
        "stale-revoked": Case(
            "Revoked on a stale list: that is for ever.",
            "revoked",
            also=("status_stale",),
            permit=("revoked", False),
            insurance=("unknown", False),
            lists=(stale(entry=1, iat=NOW - DAY - 1),),
        ),
        "clock-behind-code": Case(
            "The code's iat is 301 seconds ahead of the clock.",
            "clock_unreliable",
            now=ISSUED_AT - 301,
            lists=(stale(iat=ISSUED_AT - 400),),
        ),
        "clock-behind-list": Case(
            "The list's iat is 301 seconds ahead of the clock.",
            "clock_unreliable",
            **NOT_LIVE,
            lists=(stale(iat=NOW + 301),),
        ),
        "clock-below-floor": Case(
            "The clock is 301 seconds below the floor.",
            "clock_unreliable",
            **NOT_LIVE,
            knowledge=facts(clock_floor=NOW + 301),
        ),
        "over-at-the-floor": Case(
            "The clock is wrong, and at its floor the code is over.",
            "expired",
            "dated",
            also=("clock_unreliable",),
            permit=("expired", False),
            knowledge={"clock_floor": END},
            lists=(status_list(iat=END - 3600, exp=END + DAY),),
        ),
        "two-doubts": Case(
            "Ten days without an update.",
            "timestamp_stale",
            "ended",
            also=("status_stale",),
            **NOT_LIVE,
            now=later,
            lists=(stale(),),
            knowledge=facts(),
        ),
        "fresh-list-old-timestamp": Case(
            "A fresh list beside an ended timestamp.",
            "timestamp_stale",
            "ended",
            now=later,
            lists=old_list,
            knowledge=facts(),
        ),
    }


def cases() -> dict[str, Case]:
    """The cases by name."""
    return _entries() | _freshness()
