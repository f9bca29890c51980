"""Checks 25 and 26 of :mod:`verifier.decision.verifier`: what the policy asks of a genuine card.

What the code says and does not suffice is INVALID (``policy_not_met``, with the rule as its variant); what the code
does not say is INDETERMINATE (``not_disclosed``): the holder has another code that says it.
"""

from __future__ import annotations

from icard_crypto.card.card import Profile
from icard_crypto.card.facts import Facts, months_of
from verifier.knowledge.trust import Environment

from .findings import Findings
from .moment import Moment
from .policy import Policy
from .reasons import Reason
from .states import insurance_state

__all__ = ["check_environment", "check_policy"]


def check_policy(found: Findings, facts: Facts, moment: Moment) -> None:
    """Checks 25 and 26."""
    policy = moment.policy
    # 25
    if policy.insurance != "not_needed":
        _check_insurance(found, facts, policy, moment.at)
    # 26
    if policy.service is not None and policy.service not in facts.services:
        found.reject(Reason("policy_not_met", "service"))
    if policy.employer_disclosed and not facts.names_employer:
        found.undecided(Reason("not_disclosed", "employer"))
    if policy.regions is not None:
        region = facts.region
        if region is None:
            found.undecided(Reason("not_disclosed", "region"))
        elif not {region, region[:4] + "00", region[:2] + "0000"} & policy.regions:
            found.reject(Reason("policy_not_met", "region"))
    if policy.issuers is not None and facts.issuer not in policy.issuers:
        found.reject(Reason("policy_not_met", "issuer"))


def check_environment(found: Findings, policy: Policy, environment: Environment) -> None:
    """Check 26: whether the policy takes cards of this environment."""
    if policy.environment is not None and policy.environment != environment:
        found.reject(Reason("policy_not_met", "test_card" if environment == "test" else "real_card"))


def _check_insurance(found: Findings, facts: Facts, policy: Policy, at: int) -> None:
    # What the code says. What the status list says about it is check 23's: insurance_lapsed, status_missing,
    # status_stale.
    state = insurance_state(facts, None, at).state
    silent = state == "not_disclosed" or (
        policy.insurance == "live" and facts.profile not in (Profile.WORK, Profile.AUTHORITY)
    )
    if state == "unknown":
        found.reject(Reason("policy_not_met", "insurance_unknown"))
    elif state == "not_enrolled":
        found.reject(Reason("policy_not_met", "insurance"))
    if policy.schemes:
        if facts.schemes is None:
            silent = True
        elif facts.schemes & policy.schemes != policy.schemes:
            found.reject(Reason("policy_not_met", "schemes"))
    if policy.paid_through is not None:
        if facts.paid_through is None:
            silent = True
        elif facts.paid_through < months_of(policy.paid_through):
            found.reject(Reason("policy_not_met", "paid_through"))
    if silent:
        found.undecided(Reason("not_disclosed", "insurance"))
