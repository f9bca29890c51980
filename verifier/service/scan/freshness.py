"""The freshness label of the scan page: the input that is nearest its limit decides.

Promises:

1. Of status list, timestamp and trust list the one with the largest share of its limit used up decides the label.
2. A hint comes at three quarters of a limit; what is over its limit is said to be over it.
3. A token's own end is a limit beside the policy's: whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from verifier.decision.policy import Policy
from verifier.decision.verdict import Verdict
from verifier.knowledge.trust import TrustDomain
from verifier.store import freshness

from .words import Words, duration

__all__ = ["Age", "age_of_knowledge", "age_of_verdict", "age_words"]

_SOON: Final = 0.75


class Age(NamedTuple):
    """The age of one input and its limit, in seconds; None: it has no limit that is known here."""

    age: int
    limit: int | None

    @property
    def share(self) -> float:
        """How much of the limit is used up."""
        return self.age / self.limit if self.limit else 0.0

    @property
    def level(self) -> Literal["good", "soon", "over"]:
        """Whether someone should update."""
        return "over" if self.share >= 1 else "soon" if self.share >= _SOON else "good"


def _nearest(ages: Iterable[Age]) -> Age | None:
    return max(ages, key=lambda age: (age.share, age.age), default=None)


def age_of_knowledge(domains: Iterable[TrustDomain], policy: Policy, now: int) -> Age | None:
    """Before a scan: over all domains. None where there is nothing to be old."""
    return _nearest(
        Age(max(max(now, domain.clock_floor) - row.iat, 0), max(row.until - row.iat, 1))
        for domain in domains
        for row in freshness(domain, policy, now)
        if row.iat is not None and row.until is not None
    )


def age_of_verdict(verdict: Verdict) -> Age | None:
    """After a scan: over what this verdict rests on."""
    evidence, policy = verdict.evidence, verdict.policy
    moment = max(verdict.now, evidence.clock_floor or 0)
    return _nearest(
        Age(age, _life(age, expires, longest, moment))
        for age, expires, longest in (
            (evidence.status_age, evidence.status_expires, policy.status_max_age),
            (evidence.timestamp_age, evidence.timestamp_expires, policy.timestamp_max_age),
            (evidence.trust_list_age, evidence.trust_list_expires, policy.trust_list_max_age),
        )
        if age is not None
    )


def _life(age: int, expires: int | None, longest: int | None, moment: int) -> int | None:
    # 3
    ends = [] if expires is None else [max(expires - moment + age, 1)]
    return min([*ends, *([] if longest is None else [longest])], default=None)


def age_words(age: Age, words: Words) -> str:
    """The label of an age."""
    told = duration(age.age, words)
    if age.level == "good" or age.limit is None:
        return words("lists_age", age=told)
    return words(f"lists_{age.level}", age=told, limit=duration(age.limit, words))
