"""The status entry of a code, as a pure function of its card's record and its profile.

Promises:

1. The values are those of the format: 0 valid, 1 revoked, 2 suspended, 3 replaced, 12 permit suspended, 13 insurance
   lapsed, 14 both; where several hold, the precedence is 1, 3, 2, 14, 12, 13.
2. A public code never shows a lapse: whoever once saw it could otherwise watch a person's insurance for years.
3. A burnt code reads revoked: its payload may have been signed by a key that was stolen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from icard_crypto.card.card import Profile
from icard_crypto.lists.entry_values import BOTH, GOOD, INSURANCE_LAPSED, PERMIT_SUSPENDED, REPLACED, REVOKED, SUSPENDED

__all__ = ["Record", "status_entry"]


@dataclass(frozen=True, slots=True)
class Record:
    """What an entry is made of: the card's states, and whether this code was replaced or burnt."""

    status: Literal["active", "suspended", "revoked"] | str = "active"
    permit: Literal["good", "suspended"] | str = "good"
    insurance: Literal["good", "lapsed"] | str = "good"
    replaced: bool = False
    burnt: bool = False


def status_entry(record: Record, profile: int) -> int:
    """The entry, 0 to 15. ``profile`` is 1 public, 2 work, 3 authority."""
    if record.burnt or record.status == "revoked":
        return REVOKED
    if record.replaced:
        return REPLACED
    if record.status == "suspended":
        return SUSPENDED
    permit = record.permit == "suspended"
    lapsed = record.insurance == "lapsed" and profile != Profile.PUBLIC
    if permit and lapsed:
        return BOTH
    if permit:
        return PERMIT_SUSPENDED
    return INSURANCE_LAPSED if lapsed else GOOD
