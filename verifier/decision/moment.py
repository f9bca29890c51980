"""What is the same for all codes that are shown to one trust domain, under one policy, in one second.

Promises:

1. A moment says nothing that the checks would not say for each code alone: it only says it once.
2. It is made of immutable values. What it remembers of issuers, regions and status lists is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar

from verifier.knowledge.trust import Issuer, StatusListView, TrustDomain

from .findings import CLOCK_TOLERANCE, Findings
from .policy import Policy
from .reasons import Reason
from .states import Knowledge

__all__ = ["ListNow", "Moment", "Scope", "is_superseded", "unread_fault"]

#: Answers about issuers that a moment keeps: regions and addresses of lists are in signed cards, by the thousand.
_REMEMBERED: Final = 4096


class ListNow(NamedTuple):
    """A status list at a moment.

    Attributes:
        view: the list.
        stale: why it may not be relied on, or None.
        from_future: it is dated after the clock.
        fresh: none of that, and the clock is right.
        entries: what each value that was met says now; an entry has at most 256.
    """

    view: StatusListView
    stale: Reason | None
    from_future: bool
    fresh: bool
    entries: dict[int | None, Knowledge]

    def knowledge(self, value: int | None) -> Knowledge:
        """What an entry's value says now."""
        known = self.entries.get(value)
        if known is None:
            known = self.entries[value] = Knowledge(value, self.view.iat, self.fresh)
        return known


class Scope(NamedTuple):
    """What an issuer may say at a moment, and where its word on a card stands.

    Attributes:
        covered: the issuer may issue for the regions.
        owned: the address of the status list is one of the issuer's.
        listed: the status list of that address under the issuer's own key; None where there is none.
    """

    covered: bool
    owned: bool
    listed: ListNow | None


class Moment:
    """One domain, one policy, one time.

    Attributes:
        clock: the time that the caller gave.
        at: the same, or the clock floor where the clock is below it: what is over at the floor is over.
        behind: the clock is so far below the floor that it is wrong.
        begun, over: ``at`` with the policy's leeway: what begins later has not begun, what ends by then has ended.
        latest: no honest code is dated later.
        fresh: whether the trust list may be relied on for what newer ones could undo.
        doubts: what makes every verdict of this moment INDETERMINATE at best (checks 20 by the floor, 21, 22).
        judging: the same where this domain judges; a test domain does not beside a production domain that cannot be
            read, which may list the same key and would come first.
    """

    __slots__ = (
        "_lists",
        "_scopes",
        "at",
        "begun",
        "behind",
        "clock",
        "domain",
        "doubts",
        "fresh",
        "judging",
        "latest",
        "over",
        "policy",
    )

    def __init__(self, domain: TrustDomain, policy: Policy, clock: int, *, beside_unread: bool = False) -> None:
        found = Findings()
        self.domain = domain
        self.policy = policy
        self.clock = clock
        self.at = max(clock, domain.clock_floor)
        self.behind = clock < domain.clock_floor - CLOCK_TOLERANCE
        self.begun = self.at + policy.leeway
        self.over = self.at - policy.leeway
        self.latest = clock + CLOCK_TOLERANCE
        self.fresh = _check_knowledge(found, domain, policy, self.at, self.behind)
        self.doubts = self.judging = tuple(found.doubts)
        if beside_unread and domain.environment == "test":
            self.judging = (Reason("trust_list_missing", "unread"), *self.doubts)
        self._scopes: dict[tuple[str, str, str | None, str | None], Scope] = {}
        self._lists: dict[tuple[str, str], ListNow | None] = {}

    def scope_of(self, issuer: Issuer, uri: str, region: str | None, other: str | None) -> Scope:
        """What the issuer may say about the two regions, each where it is not None, with a status list of that address.

        The four repeat from code to code, and are looked up together.
        """
        name = (issuer.iss, uri, region, other)
        known = self._scopes.get(name)
        if known is None:
            covered = all(issuer.covers_region(each) for each in (region, other) if each is not None)
            scope = Scope(covered, issuer.owns_status_uri(uri), self._list_of(issuer, uri))
            known = _kept(self._scopes, name, scope)
        return known

    def _list_of(self, issuer: Issuer, uri: str) -> ListNow | None:
        name = (issuer.iss, uri)
        try:
            return self._lists[name]
        except KeyError:
            view = self.domain.usable_status_lists.get(name)
            return _kept(self._lists, name, None if view is None else self._list_now(view, uri))

    def _list_now(self, view: StatusListView, uri: str) -> ListNow:
        policy, at = self.policy, self.at
        stale = None
        if view.exp <= at:
            stale = Reason("status_stale", "ended", age=at - view.exp)
        elif policy.status_max_age is not None and at - view.iat > policy.status_max_age:
            stale = Reason("status_stale", "aged", age=at - view.iat, limit=policy.status_max_age)
        elif is_superseded(self.domain, view, uri, at):
            stale = Reason("status_stale", "superseded")
        # This list alone is from the future: one bad issuer must not stop the verifier for all others.
        from_future = view.iat > self.latest
        return ListNow(view, stale, from_future, stale is None and not self.behind and not from_future, {})


def is_superseded(domain: TrustDomain, view: StatusListView, uri: str, at: int) -> bool:
    """Whether it counts that the timestamp names a newer list than this one."""
    if domain.timestamp is None or view.iat >= domain.timestamp.lists.get(uri, 0):
        return False
    since, until = domain.status_due.get(uri, (0, 0))
    # Noted after now: by a clock that was ahead, so that nobody knows how long the newer list is missing.
    return at >= until or at < since - CLOCK_TOLERANCE


def unread_fault(domains: Iterable[TrustDomain]) -> str | None:
    """The fault of a production domain that cannot be read, if there is one."""
    lost = (each.fault for each in domains if each.trust_list is None and each.environment == "production")
    return next(filter(None, lost), None)


_Name = TypeVar("_Name")
_Value = TypeVar("_Value")


def _kept(kept: dict[_Name, _Value], key: _Name, value: _Value) -> _Value:
    if len(kept) >= _REMEMBERED:
        kept.clear()
    kept[key] = value
    return value


def _check_knowledge(found: Findings, domain: TrustDomain, policy: Policy, at: int, behind: bool) -> bool:
    """Check 20 by the floor, 21 and 22."""
    fresh = True
    # 20: below the floor the clock is wrong, and no age of anything is known but a lower bound.
    if behind:
        found.undecided(Reason("clock_unreliable"))
        fresh = False
    if domain.keys_given_directly:
        # No 21, 22: a person vouches for these keys; there is no list of theirs that could be old.
        return fresh
    # 21
    trust_list, timestamp = domain.trust_list, domain.timestamp
    doubt = None
    if trust_list is None:
        doubt = Reason("trust_list_missing", None if domain.fault is None else "unread")
    elif trust_list.exp <= at:
        doubt = Reason("trust_list_stale", "ended", age=at - trust_list.exp)
    elif policy.trust_list_max_age is not None and at - trust_list.iat > policy.trust_list_max_age:
        doubt = Reason("trust_list_stale", "aged", age=at - trust_list.iat, limit=policy.trust_list_max_age)
    elif timestamp is not None and (
        timestamp.trust_version > trust_list.version
        or (timestamp.trust_version == trust_list.version and timestamp.trust_hash != trust_list.payload_hash)
    ):
        doubt = Reason("trust_list_stale", "superseded")
    if doubt is not None:
        found.undecided(doubt)
        fresh = False
    # 22
    if timestamp is None:
        found.undecided(Reason("timestamp_missing"))
    elif timestamp.exp <= at:
        found.undecided(Reason("timestamp_stale", "ended", age=at - timestamp.exp))
    elif policy.timestamp_max_age is not None and at - timestamp.iat > policy.timestamp_max_age:
        found.undecided(Reason("timestamp_stale", "aged", age=at - timestamp.iat, limit=policy.timestamp_max_age))
    return fresh
