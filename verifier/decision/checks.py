"""Checks 15 to 24 of :mod:`verifier.decision.verifier`: signer, scope, times, status, permit.

Each takes the facts of the code and the moment (:mod:`verifier.decision.moment`), and adds to the findings. Check 20 by
the clock floor, 21 and 22 are the moment's own: they are the same for every code.
"""

from __future__ import annotations

from typing import Final

from icard_crypto.card.facts import Facts
from icard_crypto.errors import DecodeError
from icard_crypto.lists.entry_values import (
    BOTH,
    GOOD,
    INSURANCE_LAPSED,
    PERMIT_SUSPENDED,
    REPLACED,
    REVOKED,
    SUSPENDED,
)
from verifier.knowledge.trust import Issuer, TrustedKey

from .findings import Findings
from .moment import ListNow, Moment, Scope
from .reasons import Reason
from .states import Knowledge, category_known, profile_known

__all__ = ["check_permit", "check_scope", "check_signer", "check_status", "check_times"]

_ENTRY_REASONS: Final[dict[int, tuple[str, ...]]] = {
    GOOD: (),
    REVOKED: ("revoked",),
    SUSPENDED: ("suspended",),
    REPLACED: ("replaced",),
    PERMIT_SUSPENDED: ("permit_suspended",),
    INSURANCE_LAPSED: ("insurance_lapsed",),
    BOTH: ("permit_suspended", "insurance_lapsed"),
}


def check_signer(found: Findings, facts: Facts, key: TrustedKey, moment: Moment) -> bool:
    """Checks 15 and 16; whether both hold."""
    good = True
    # 15: a retirement is permanent, a window may be widened by a newer list.
    if key.revoked is not None and key.retired_before(facts.issued_at):
        found.reject(Reason("key_not_valid_then"))
        good = False
    elif not key.in_window(facts.issued_at):
        found.reject(Reason("key_not_valid_then"), fresh=moment.fresh)
        good = False
    # 16
    if key.issuer is None or facts.issuer != key.issuer.iss:
        found.reject(Reason("issuer_mismatch"))
        good = False
    return good


def check_scope(found: Findings, facts: Facts, issuer: Issuer, moment: Moment) -> Scope:
    """Checks 17 and 18; the scope tells whether the status uri is the issuer's."""
    scope = moment.scope_of(issuer, facts.status_uri, facts.region, facts.insurance_region)
    # 17
    if not scope.covered:
        found.reject(Reason("region_not_allowed"), fresh=moment.fresh)
    # 18
    if not scope.owned:
        found.reject(Reason("status_uri_not_allowed"), fresh=moment.fresh)
    return scope


def check_times(found: Findings, facts: Facts, moment: Moment) -> bool:
    """Check 19 and the card's share of 20; whether the card has begun and not ended."""
    timely = True
    # 19: RFC 8392 3.1.4 and 3.1.5. The end is the first second that is over: a date ends at 24:00.
    begins = facts.not_before
    if begins is not None and moment.begun < begins:
        found.reject(Reason("not_yet_valid", "dated", date=begins), fresh=not moment.behind)
        timely = False
    if facts.expires <= moment.over:
        found.reject(Reason("expired", "dated", date=facts.expires - 1))
        timely = False
    # 20: a code from the future; the floor's own share is the moment's.
    if facts.issued_at > moment.latest:
        found.undecided(Reason("clock_unreliable"))
    return timely


def check_status(found: Findings, facts: Facts, listed: ListNow | None, moment: Moment) -> Knowledge | None:
    """Check 23: the card's entry. A list that is not the issuer's own was left out when the domain was made."""
    policy, index = moment.policy, facts.status_index
    if listed is None:
        if policy.status_required:
            found.undecided(Reason("status_missing"))
        return None
    if listed.from_future:
        found.undecided(Reason("clock_unreliable"))
    try:
        value = listed.view.get(index) if index < listed.view.size else None
    except DecodeError:
        # Not what it was when it was taken in: somebody changed the state.
        value = None
    reasons = None if value is None else _ENTRY_REASONS.get(value)
    if listed.stale is not None and (policy.status_required or reasons):
        found.undecided(listed.stale)
    if reasons is None:
        found.undecided(Reason("status_unknown"))
    elif reasons:
        for code in reasons:
            if code == "insurance_lapsed" and policy.insurance == "not_needed":
                if not listed.fresh:
                    found.remember(code)
            else:
                found.reject(Reason(code), fresh=listed.fresh)
    return listed.knowledge(value)


def check_permit(found: Findings, facts: Facts, moment: Moment, timely: bool) -> None:
    """Check 24. ``timely``: the code's own times hold; they tell it already where they do not."""
    if not category_known(facts.category):
        found.reject(Reason("policy_not_met", "category"))
    if not profile_known(facts.profile):
        found.reject(Reason("policy_not_met", "profile"))
    if facts.permit_ends is None:
        # No permit is reported as in force of which the code names no end.
        found.undecided(Reason("not_disclosed", "permit"))
    if not timely:
        return
    begins, ends = facts.permit_begins, facts.permit_ends
    if begins is not None and moment.begun < begins:
        found.reject(Reason("not_yet_valid", "dated", date=begins), fresh=not moment.behind)
    if ends is not None and ends <= moment.over:
        found.reject(Reason("expired", "dated", date=ends - 1))
