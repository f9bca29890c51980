"""Checks 15 to 24 of :mod:`verifier.decision.verifier`: signer, scope, times, knowledge, status, permit.

Each takes what it needs and adds to the findings. Times: ``clock`` is the time that the caller gave; ``moment`` is the
same, or the clock floor where the clock is below it, since what is over at the floor is over; ``behind``: the clock is
so far below the floor that it is wrong.
"""

from __future__ import annotations

from typing import Final

from icard_crypto.card.claims import CardClaims
from icard_crypto.card.issuing import day_end, day_start
from icard_crypto.lists.entry_values import BOTH, GOOD, INSURANCE_LAPSED, PERMIT_SUSPENDED, REPLACED, REVOKED, SUSPENDED
from verifier.knowledge.trust import Issuer, TrustDomain, TrustedKey

from .findings import CLOCK_TOLERANCE, Findings
from .policy import Policy
from .reasons import Reason
from .states import Knowledge, category_known

__all__ = ["check_knowledge", "check_permit", "check_scope", "check_signer", "check_status", "check_times"]

_ENTRY_REASONS: Final[dict[int, tuple[str, ...]]] = {
    GOOD: (),
    REVOKED: ("revoked",),
    SUSPENDED: ("suspended",),
    REPLACED: ("replaced",),
    PERMIT_SUSPENDED: ("permit_suspended",),
    INSURANCE_LAPSED: ("insurance_lapsed",),
    BOTH: ("permit_suspended", "insurance_lapsed"),
}


def check_signer(found: Findings, claims: CardClaims, key: TrustedKey, fresh: bool) -> bool:
    """Checks 15 and 16; whether both hold."""
    good = True
    # 15: a retirement is for ever, a window may be widened by a newer list.
    if key.revoked is not None and key.retired_before(claims.issued_at):
        found.fall(Reason("key_not_valid_then"))
        good = False
    elif not key.in_window(claims.issued_at):
        found.fall(Reason("key_not_valid_then"), fresh=fresh)
        good = False
    # 16
    if key.issuer is None or claims.issuer != key.issuer.iss:
        found.fall(Reason("issuer_mismatch"))
        good = False
    return good


def check_scope(found: Findings, claims: CardClaims, issuer: Issuer, fresh: bool) -> bool:
    """Checks 17 and 18; whether the status uri is the issuer's."""
    # 17
    insurance = claims.card.insurance
    region = claims.card.permit.region
    other = None if insurance is None else insurance.region
    if (region is not None and not issuer.covers_region(region)) or (
        other is not None and other != region and not issuer.covers_region(other)
    ):
        found.fall(Reason("region_not_allowed"), fresh=fresh)
    # 18
    if issuer.owns_status_uri(claims.status.uri):
        return True
    found.fall(Reason("status_uri_not_allowed"), fresh=fresh)
    return False


def check_times(found: Findings, claims: CardClaims, policy: Policy, clock: int, moment: int, behind: bool) -> bool:
    """Check 19 and the card's share of 20; whether the card has begun and not ended."""
    timely = True
    # 19: RFC 8392 3.1.4 and 3.1.5. The end is the first second that is over: a date ends at 24:00.
    begins = claims.not_before
    if begins is not None and moment + policy.leeway < begins:
        found.fall(Reason("not_yet_valid", "dated", date=begins), fresh=not behind)
        timely = False
    if claims.expires <= moment - policy.leeway:
        found.fall(Reason("expired", "dated", date=claims.expires - 1))
        timely = False
    # 20: a code from the future; the floor's own share is in check_knowledge.
    if claims.issued_at > clock + CLOCK_TOLERANCE:
        found.doubt(Reason("clock_unreliable"))
    return timely


def check_knowledge(found: Findings, domain: TrustDomain, policy: Policy, clock: int) -> bool:
    """Check 20 by the floor, 21 and 22; whether the trust list may be relied on for what newer ones could undo."""
    fresh = True
    moment = clock
    # 20: below the floor the clock is wrong, and no age of anything is known but a lower bound.
    if clock < domain.clock_floor:
        moment = domain.clock_floor
        if clock < moment - CLOCK_TOLERANCE:
            found.doubt(Reason("clock_unreliable"))
            fresh = False
    if domain.keys_given_directly:
        # No 21, 22: a person vouches for these keys; there is no list of theirs that could be old.
        return fresh
    # 21
    trust_list, timestamp = domain.trust_list, domain.timestamp
    doubt = None
    if trust_list is None:
        doubt = Reason("trust_list_missing")
    elif trust_list.exp <= moment:
        doubt = Reason("trust_list_stale", "ended", age=moment - trust_list.exp)
    elif policy.trust_list_max_age is not None and moment - trust_list.iat > policy.trust_list_max_age:
        age = moment - trust_list.iat
        doubt = Reason("trust_list_stale", "aged", age=age, limit=policy.trust_list_max_age)
    elif timestamp is not None and (
        timestamp.trust_version > trust_list.version
        or (timestamp.trust_version == trust_list.version and timestamp.trust_hash != trust_list.payload_hash)
    ):
        doubt = Reason("trust_list_stale", "superseded")
    if doubt is not None:
        found.doubt(doubt)
        fresh = False
    # 22
    if timestamp is None:
        found.doubt(Reason("timestamp_missing"))
    elif timestamp.exp <= moment:
        found.doubt(Reason("timestamp_stale", "ended", age=moment - timestamp.exp))
    elif policy.timestamp_max_age is not None and moment - timestamp.iat > policy.timestamp_max_age:
        age = moment - timestamp.iat
        found.doubt(Reason("timestamp_stale", "aged", age=age, limit=policy.timestamp_max_age))
    return fresh


def check_status(
    found: Findings,
    claims: CardClaims,
    issuer: Issuer,
    domain: TrustDomain,
    policy: Policy,
    clock: int,
    moment: int,
    behind: bool,
) -> Knowledge | None:
    """Check 23: the card's entry. A list that is not the issuer's own was left out when the domain was made."""
    uri, index = claims.status.uri, claims.status.index
    status_list = domain.usable_status_lists.get((issuer.iss, uri))
    if status_list is None:
        if policy.status_required:
            found.doubt(Reason("status_missing"))
        return None
    iat = status_list.iat
    lowest = 0 if domain.timestamp is None else domain.timestamp.lists.get(uri, 0)
    stale = None
    if status_list.exp <= moment:
        stale = Reason("status_stale", "ended", age=moment - status_list.exp)
    elif policy.status_max_age is not None and moment - iat > policy.status_max_age:
        stale = Reason("status_stale", "aged", age=moment - iat, limit=policy.status_max_age)
    elif iat < lowest:
        stale = Reason("status_stale", "superseded")
    fresh = stale is None and not behind
    if iat > clock + CLOCK_TOLERANCE:
        # This list alone is from the future: one bad issuer must not stop the verifier for all others.
        found.doubt(Reason("clock_unreliable"))
        fresh = False
    value = status_list.get(index) if index < status_list.size else None
    reasons = None if value is None else _ENTRY_REASONS.get(value)
    if stale is not None and (policy.status_required or reasons):
        found.doubt(stale)
    if reasons is None:
        found.doubt(Reason("status_unknown"))
    elif reasons:
        for code in reasons:
            if code == "insurance_lapsed" and policy.insurance == "not_needed":
                if not fresh:
                    found.knew(code)
            else:
                found.fall(Reason(code), fresh=fresh)
    return Knowledge(value, iat, fresh)


def check_permit(found: Findings, claims: CardClaims, policy: Policy, moment: int, behind: bool, timely: bool) -> None:
    """Check 24. ``timely``: the code's own times hold; they tell it already where they do not."""
    permit = claims.card.permit
    if not category_known(permit.category):
        found.fall(Reason("policy_not_met", "category"))
    if not timely:
        return
    if permit.valid_from is not None and moment + policy.leeway < day_start(permit.valid_from):
        found.fall(Reason("not_yet_valid", "dated", date=day_start(permit.valid_from)), fresh=not behind)
    if permit.valid_until is not None and day_end(permit.valid_until) <= moment - policy.leeway:
        found.fall(Reason("expired", "dated", date=day_end(permit.valid_until) - 1))
