"""What the scan page needs of the service behind it.

Promises:

1. Every verdict on the page comes from a :class:`Desk`: the page decides nothing.
2. The page hands over what was shown and keeps nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from verifier.decision.policy import Policy
from verifier.decision.verdict import Verdict
from verifier.knowledge.trust import TrustDomain

__all__ = ["Desk", "Seen"]


class Seen(Protocol):
    """A code that was seen, as the page knows it."""

    @property
    def key(self) -> str:
        """A name of the content, from which the content cannot be had; equal for equal content."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on it."""


class Desk(Protocol):
    """The service as the page sees it. Its methods raise :class:`IcardError` where the
    service's own routes would answer with a problem."""

    @property
    def policies(self) -> Sequence[Policy]:
        """The policies to choose from, the default one first."""

    @property
    def contact(self) -> str | None:
        """Whom to call when only the operator can help; None where nobody is named."""

    @property
    def can_update(self) -> bool:
        """Whether :meth:`update` may be asked."""

    def domains(self) -> tuple[TrustDomain, ...]:
        """What is known at this moment."""

    def now(self) -> int:
        """The service's clock, Unix time."""

    async def check_text(self, code: str, policy: Policy) -> Seen:
        """The verdict on a code's text."""

    async def check_picture(self, data: bytes, policy: Policy, *, thorough: bool = True) -> Sequence[Seen]:
        """The verdicts on the codes in a picture; empty when there is none. Frames of a camera are not ``thorough``."""

    async def update(self) -> object:
        """Ask the published lists now; returns when what came is in use, or None while that is still under way."""
