"""The values of a card's entry in its status list, 4 bits, as docs/trust.md has them. All others are unknown."""

from __future__ import annotations

from typing import Final

__all__ = ["BOTH", "GOOD", "INSURANCE_LAPSED", "PERMIT_SUSPENDED", "REPLACED", "REVOKED", "SUSPENDED"]

GOOD: Final = 0
REVOKED: Final = 1
SUSPENDED: Final = 2
REPLACED: Final = 3
PERMIT_SUSPENDED: Final = 12
INSURANCE_LAPSED: Final = 13
BOTH: Final = 14
"""The permit suspended and the insurance lapsed."""
