"""How fresh each thing is that a domain knows, and until when a policy accepts it; for people who look after it.

It judges by the same limits as :mod:`verifier.decision.checks`; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from verifier.decision.moment import is_superseded
from verifier.decision.policy import Policy
from verifier.knowledge.trust import TrustDomain

__all__ = ["Freshness", "Health", "freshness"]

Health = Literal["fresh", "stale", "missing"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """One trust list, timestamp or status list.

    Args:
        domain: the domain's name.
        part: ``trust_list``, ``timestamp`` or ``status_list``.
        name: a status list's uri, a trust list's version; empty for a timestamp.
        health: ``stale``: the policy does not accept it any more.
        why: ``ended``, ``aged`` (older than the policy allows), ``superseded`` (the timestamp knows about a newer one),
            ``denied`` (there is one, under a key that the timestamp denies), ``unread`` (the state is damaged, or may
            not be read); empty while fresh.
        iat: Unix time of issue; None where it is missing.
        until: Unix time from which the policy does not accept it.
    """

    domain: str
    part: Literal["trust_list", "timestamp", "status_list"]
    name: str
    health: Health
    why: str = ""
    iat: int | None = None
    until: int | None = None

    def to_dict(self, now: int) -> dict[str, Any]:
        """The row for a program, with its age in seconds at ``now``."""
        age = None if self.iat is None else now - self.iat
        return {
            "domain": self.domain,
            "part": self.part,
            "name": self.name,
            "health": self.health,
            "why": self.why,
            "iat": self.iat,
            "age": age,
            "until": self.until,
        }


def freshness(domain: TrustDomain, policy: Policy, now: int) -> list[Freshness]:
    """Every part of a domain's knowledge: the trust list, the timestamp, then status lists by uri.

    Args:
        now: Unix time; where it is behind the clock floor, ages are taken at the floor.
    """
    return list(_rows(domain, policy, max(now, domain.clock_floor)))


def _rows(domain: TrustDomain, policy: Policy, now: int) -> Iterator[Freshness]:
    name, trust, stamp = domain.name, domain.trust_list, domain.timestamp
    if trust is None:
        yield Freshness(name, "trust_list", "", "missing", "" if domain.fault is None else "unread")
    else:
        newer = stamp is not None and (
            stamp.trust_version > trust.version
            or (stamp.trust_version == trust.version and stamp.trust_hash != trust.payload_hash)
        )
        until, why = _limit(trust.iat, trust.exp, policy.trust_list_max_age, now, newer)
        yield Freshness(name, "trust_list", str(trust.version), _health(why), why, trust.iat, until)
    if stamp is None:
        yield Freshness(name, "timestamp", "", "missing")
    else:
        until, why = _limit(stamp.iat, stamp.exp, policy.timestamp_max_age, now, False)
        yield Freshness(name, "timestamp", "", _health(why), why, stamp.iat, until)
    lowest = {} if stamp is None else stamp.lists
    usable = {uri: found for (_, uri), found in domain.usable_status_lists.items()}
    for uri in sorted({*domain.status_lists, *lowest}):
        found = usable.get(uri)
        if found is not None and stamp is not None and uri not in lowest and found.exp <= now:
            # Over: its publisher names it no more, for every code of it has ended.
            continue
        if found is None:
            yield Freshness(name, "status_list", uri, "missing", "denied" if uri in domain.status_lists else "")
            continue
        behind = is_superseded(domain, found, uri, now)
        until, why = _limit(found.iat, found.exp, policy.status_max_age, now, behind)
        yield Freshness(name, "status_list", uri, _health(why), why, found.iat, until)


def _health(why: str) -> Health:
    return "stale" if why else "fresh"


def _limit(iat: int, exp: int, longest: int | None, now: int, newer: bool) -> tuple[int, str]:
    """Until when it is accepted, and why it is not any more."""
    aged = exp if longest is None else iat + longest + 1
    why = "ended" if exp <= now else "aged" if aged <= now else "superseded" if newer else ""
    return min(exp, aged), why
