"""The interface between an agent and what fetches for it, and the limits of fetching; no network here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from icard_crypto.errors import StateError

from .addresses import Network

__all__ = ["Answer", "Deadline", "Fetch", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an agent allows itself and others.

    Args:
        total: seconds for one domain's round, everything included.
        each: seconds for one address, its retries included: a slow one must not take the time of all.
        retries: how often an address is asked again that failed for now.
        allowed: networks that may be connected to beside the open internet.
        ca_file: PEM certificates of a private authority, instead of the public ones.
    """

    total: float = 120.0
    each: float = 30.0
    retries: int = 2
    allowed: tuple[Network, ...] = ()
    ca_file: Path | None = None


class Deadline:
    """A moment by the monotonic clock, which nobody can set back."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            StateError: ``sync.deadline``: none.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise StateError("sync.deadline")
        return left

    def within(self, seconds: float) -> Deadline:
        """The earlier of this moment and one in so many seconds."""
        return Deadline(min(seconds, self._at - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came from an address. ``body`` None: what was there last time is still the newest (304)."""

    body: bytes | None
    etag: str | None = None


class Fetch(Protocol):
    """Fetches one address once."""

    def __call__(self, url: str, *, etag: str | None, most: int, deadline: Deadline) -> Answer | None:
        """The answer; None where there is nothing (404, 410).

        Args:
            etag: of what is there already, or None.
            most: bytes that the body may have.

        Raises:
            StateError: ``sync.*``.
        """

    def close(self) -> None:
        """Close all connections."""


Resolve = Callable[[str, int], list[str]]
"""Numeric addresses of a host and port, in order of preference; raises OSError."""
