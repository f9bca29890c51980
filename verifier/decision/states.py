"""What is known about a card's permit and insurance, each as a state, and whether that is live or as of a moment.

Promises:

1. ``live`` is True only where the card's entry was read from a status list that the policy calls fresh.
2. A public code's insurance is never live: it says what stood when the code was issued.
3. A value that nobody has defined (category, scheme) gives ``unknown``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final, NamedTuple

from icard_crypto.card.card import Profile, Scheme
from icard_crypto.card.facts import Facts
from icard_crypto.card.fields import FIELDS
from icard_crypto.lists.entry_values import BOTH, GOOD, INSURANCE_LAPSED, PERMIT_SUSPENDED, REPLACED, REVOKED, SUSPENDED

__all__ = [
    "UNKNOWN",
    "Knowledge",
    "State",
    "category_known",
    "insurance_state",
    "insurance_word",
    "permit_state",
    "permit_word",
    "profile_known",
]

# The form in which categories are issued; a code may carry one of a later class.
_CATEGORY = FIELDS["permit"]["category"].pattern
_SCHEMES = int(~Scheme(0))
_PROFILES = frozenset(int(profile) for profile in Profile)


@functools.lru_cache(256)
def category_known(category: str | None) -> bool:
    """Whether a category, where the code states one, is one that exists."""
    return category is None or _CATEGORY is None or _CATEGORY.fullmatch(category) is not None


def profile_known(profile: int) -> bool:
    """Whether a profile is one that exists."""
    return profile in _PROFILES


@dataclass(frozen=True, slots=True)
class State:
    """A state and the moment it speaks of.

    Args:
        state: a stable word; ``reasons.json`` has its words for people.
        live: read from a fresh status list.
        as_of: Unix time of what says so (status list, or the code's own iat); None where nothing says anything.
    """

    state: str
    live: bool
    as_of: int | None


UNKNOWN: Final = State("unknown", False, None)


class Knowledge(NamedTuple):
    """What the status list said: the entry's value (None: nothing usable), the list's iat, whether it is fresh."""

    value: int | None
    iat: int
    fresh: bool


def permit_state(facts: Facts, status: Knowledge | None, moment: int, leeway: int = 0) -> State:
    """The permit at ``moment`` (Unix time), its begin and end stretched by ``leeway`` seconds as for the outcome."""
    read = status is not None and status.value is not None
    live = read and status is not None and status.fresh
    as_of = status.iat if read and status is not None else facts.issued_at
    return State(permit_word(facts, status.value if status else None, moment, leeway), live, as_of)


def permit_word(facts: Facts, value: int | None, moment: int, leeway: int) -> str:
    """The state's word alone, by the value of the status entry (None: nothing usable)."""
    if value == REVOKED:
        return "revoked"
    if value == REPLACED:
        return "replaced"
    ends = facts.expires if facts.permit_ends is None else min(facts.expires, facts.permit_ends)
    if ends <= moment - leeway:
        return "expired"
    if value in (SUSPENDED, PERMIT_SUSPENDED, BOTH):
        return "suspended"
    begins = facts.not_before if facts.permit_begins is None else facts.permit_begins
    if begins is not None and moment + leeway < begins:
        return "not_yet_valid"
    if not category_known(facts.category) or value not in (None, GOOD, INSURANCE_LAPSED):
        return "unknown"
    return "valid" if facts.permit_ends is not None else "not_disclosed"


def insurance_state(facts: Facts, status: Knowledge | None, moment: int) -> State:
    """The insurance at ``moment`` (Unix time)."""
    # Only these two profiles' entries cover insurance; a public code's never do, and of others nothing is known.
    tells = facts.profile in (Profile.WORK, Profile.AUTHORITY)
    value = status.value if status is not None else None
    word = insurance_word(facts, value, moment)
    if status is None or value is None or not (tells or word == "lapsed"):
        return State(word, False, facts.issued_at)
    if word == "not_disclosed":
        return State(word, False, facts.issued_at)
    return State(word, status.fresh and tells, status.iat)


def insurance_word(facts: Facts, value: int | None, moment: int) -> str:
    """The state's word alone, by the value of the status entry (None: nothing usable)."""
    if value in (INSURANCE_LAPSED, BOTH):
        return "lapsed"
    if value == REPLACED:
        return "replaced"
    if value not in (None, GOOD, PERMIT_SUSPENDED):
        return "unknown"
    if not facts.insured:
        return "not_disclosed"
    if facts.schemes is not None and facts.schemes & ~_SCHEMES:
        return "unknown"
    if facts.schemes:
        return "valid"
    if any(begins <= moment < ends for begins, ends in facts.exemptions):
        return "exempt"
    return "not_disclosed" if facts.schemes is None else "not_enrolled"
