"""Codes that were decided already, so that of the next one like them only its status entry is asked.

Promises:

1. A precedent is a code that the checks of this package decided, at this time and under this policy, with nothing
   against it: they added nothing to what the moment says of every code. Everything else is decided by itself.
2. A code is like the precedents of its group where it has the same facts but for numbers, and each of its numbers
   stands between those of two precedents. That is enough because each check asks of one number whether it is before
   or after one limit, or within two: what holds for two numbers holds for all between them. The same is so of the
   words for permit and insurance, which ask the same of the same numbers.
3. The status entry is looked up for every code, and counts only where it says what the precedents' said: good.
4. Nothing of a single card is kept: no payload, no text, no number but the least and the greatest of a group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from icard_crypto.card.facts import Facts
from icard_crypto.errors import DecodeError
from icard_crypto.lists.entry_values import GOOD
from verifier.knowledge.trust import TrustDomain, TrustedKey

from .moment import ListNow
from .verdict import Verdict, without_code

if TYPE_CHECKING:
    from icard_native import Precedents as Native

__all__ = ["Precedent", "Precedents", "Read"]


class Precedent:
    """What all codes of a group share, where nothing is against them.

    Attributes:
        verdict: the verdict without anything of one code.
        signed_by: whose key it was.
    """

    __slots__ = ("_entry", "_size", "signed_by", "verdict")

    def __init__(self, verdict: Verdict, signed_by: tuple[TrustDomain, TrustedKey], listed: ListNow | None) -> None:
        self.verdict: Final = verdict
        self.signed_by: Final = signed_by
        self._entry: Final[Callable[[int], int] | None] = None if listed is None else listed.view.get
        self._size: Final = 0 if listed is None else listed.view.size

    def holds_at(self, index: int) -> bool:
        """Whether the status entry of a code is as good as the precedents' were."""
        if self._entry is None:
            return True
        try:
            return index < self._size and self._entry(index) == GOOD
        except DecodeError:
            # Not what it was when it was taken in; the checks say what that means.
            return False


class Read(NamedTuple):
    """What the native core read of many codes.

    Attributes:
        answers: for each code its verdict, or the precedent that it is like: the same object for all codes of a group,
            whose verdicts differ in their payloads alone. None where the reference is to be asked.
        payloads: of all that were read.
        facts: for each fact that was wanted eight bytes a code, a number in the machine's order. They count only where
            the answer is a precedent.
    """

    answers: list[Verdict | Precedent | None]
    payloads: list[bytes | None]
    facts: Sequence[bytes]


class Precedents:
    """The precedents of one verifier at one time.

    Attributes:
        native: the same as the native core keeps them, for reading.
    """

    __slots__ = ("clock", "native")

    def __init__(self, clock: int, native: Native) -> None:
        self.clock: Final = clock
        self.native: Final = native

    def put(
        self,
        group: bytes,
        facts: Facts,
        verdict: Verdict,
        signed_by: tuple[TrustDomain, TrustedKey],
        listed: ListNow | None,
    ) -> None:
        """Keep a code as a precedent of its group, where its status entry is good; the caller answers for promise 1."""
        status = verdict._status
        if status is None or status.value == GOOD:
            self.native.put(group, facts, Precedent(without_code(verdict), signed_by, listed))
