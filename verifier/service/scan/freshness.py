"""The freshness label of the scan page: the list that is nearest its limit decides.

Promises:

1. Of status lists and timestamp the one with the largest share of its limit used up decides the label. A trust list is
   signed about once a year: it decides only once a hint is due about it, or where nothing else is known; else a page
   whose lists are minutes old would call them months old.
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


def _nearest(renewed: Iterable[Age], trust: Iterable[Age]) -> Age | None:
    """The age that speaks (promise 1).

    Args:
        renewed: of what is signed again every day or oftener; trust: of trust lists.
    """
    often, seldom = (max(ages, key=lambda age: (age.share, age.age), default=None) for ages in (renewed, trust))
    if often is None or seldom is None:
        return often or seldom
    return seldom if seldom.level != "good" and seldom.share > often.share else often


def age_of_knowledge(domains: Iterable[TrustDomain], policy: Policy, now: int) -> Age | None:
    """Before a scan: over all domains. None where there is nothing to be old."""
    renewed, trust = list[Age](), list[Age]()
    for domain in domains:
        for row in freshness(domain, policy, now):
            if row.iat is not None and row.until is not None:
                age = Age(max(max(now, domain.clock_floor) - row.iat, 0), max(row.until - row.iat, 1))
                (trust if row.part == "trust_list" else renewed).append(age)
    return _nearest(renewed, trust)


def age_of_verdict(verdict: Verdict) -> Age | None:
    """After a scan: over what this verdict rests on."""
    evidence, policy = verdict.evidence, verdict.policy
    moment = max(verdict.now, evidence.clock_floor or 0)
    renewed = [
        Age(age, _life(age, expires, longest, moment))
        for age, expires, longest in (
            (evidence.status_age, evidence.status_expires, policy.status_max_age),
            (evidence.timestamp_age, evidence.timestamp_expires, policy.timestamp_max_age),
        )
        if age is not None
    ]
    trust = evidence.trust_list_age
    life = None if trust is None else _life(trust, evidence.trust_list_expires, policy.trust_list_max_age, moment)
    return _nearest(renewed, [] if trust is None else [Age(trust, life)])


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
