"""What an authority may vouch for, and how its keys are revoked; shared by trust lists and by verifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .uris import is_below

__all__ = ["Authority", "Environment", "Revocation"]

Environment = Literal["test", "production"]


@dataclass(frozen=True, slots=True)
class Revocation:
    """Why a key is no longer good. ``compromised``: nothing it signed remains valid, whatever time it claims, because
    the thief writes the time. ``retired``: what it signed up to ``at`` (Unix time) stands."""

    at: int
    kind: Literal["compromised", "retired"]


class Authority:
    """What has regions (GB/T 2260) and status prefixes, and vouches for nothing beyond them."""

    __slots__ = ()

    regions: frozenset[str]
    status_prefixes: tuple[str, ...]

    def covers_region(self, region: str) -> bool:
        """Whether it may issue for a region: dd0000 covers ddxxxx, dddd00 covers ddddxx."""
        regions = self.regions
        return region in regions or region[:4] + "00" in regions or region[:2] + "0000" in regions

    def owns_status_uri(self, uri: str) -> bool:
        """Whether the uri is one of the prefixes and a list name (1 to 32 letters, digits, ``-``, ``_``), exactly."""
        return any(is_below(uri, prefix) for prefix in self.status_prefixes)
