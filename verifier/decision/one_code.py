"""What verifies one code, as batches and pictures see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from icard_crypto.errors import IcardError
from verifier.knowledge.trust import TrustDomain

from .policy import Policy
from .precedents import Read
from .reading import NativeReading
from .verdict import Verdict

__all__ = ["VerifiesOne"]


class VerifiesOne(Protocol):
    """:class:`verifier.decision.verifier.Verifier` is one."""

    @property
    def domains(self) -> tuple[TrustDomain, ...]: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def reading(self) -> NativeReading | None: ...

    def verify(self, shown: str | bytes, *, now: int) -> Verdict: ...

    def read_many(
        self, codes: Sequence[str | bytes], *, now: int, threads: int, wanted: Sequence[int] = ()
    ) -> Read: ...

    def unreadable(self, error: IcardError, *, now: int) -> Verdict: ...
