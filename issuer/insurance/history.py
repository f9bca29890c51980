"""A person's insurance history as input to the rules: values, no database.

Promises:

1. Every entry carries the day on which it was recorded and, where another took its place, the day of that: what was
   known on a day can always be reported. Nothing is overwritten.
2. Days are Beijing dates, both ends included; None as an end means that no end is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, Protocol, TypeVar

from .ledger import Entry
from .schemes import NONE, Scheme
from .treaties import Certificate

__all__ = ["Agreement", "Basis", "Employment", "Enrolment", "Evidence", "Person", "Recorded", "known"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """When an entry came on record, and when another took its place."""

    on: date = date.min
    replaced_on: date | None = None

    def is_known(self, known_on: date) -> bool:
        """Whether the entry was what the record said on a day."""
        return self.on <= known_on and (self.replaced_on is None or known_on < self.replaced_on)


class Entered(Protocol):
    """What has a :class:`Recorded`."""

    @property
    def recorded(self) -> Recorded: ...


T = TypeVar("T", bound=Entered)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a person may be insured on: ``work_permit``, ``press_card`` or ``permanent_residence``.

    Args:
        obtained: the day on which it was obtained; the clock of registration runs from it.
        employer: whom a work permit binds; None: nobody.
    """

    kind: str
    obtained: date
    first: date
    last: date | None = None
    employer: str | None = None
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class Employment:
    """Work with an employer in a region.

    Args:
        wage: base wage of a month in fen: the average of the year before, or the first month's; None: not reported.
        injury_rate: the employer's own rate, as text, such as ``0.004``; None: not known.
        sent: whether a foreign employer sent the person: then ``employer`` is the domestic workplace.
        same_name: whether the employer's papers have the passport's name.
    """

    employer: str
    region: str
    began: date
    ended: date | None = None
    wage: int | None = None
    injury_rate: str | None = None
    sent: bool = False
    same_name: bool = True
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What employer and employee agreed on: to ``join`` some schemes, or ``not_to_pay``."""

    employer: str
    kind: Literal["join", "not_to_pay"]
    first: date
    last: date | None = None
    schemes: Scheme = NONE
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Registration of a person by an employer for some schemes, from a month on; ``registered``: when filed."""

    employer: str
    region: str
    schemes: Scheme
    registered: date
    first_month: int
    last_month: int | None = None
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A certificate of coverage that was taken, with its record."""

    certificate: Certificate
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class Person:
    """All that the rules need to know about one person."""

    born: date | None = None
    sex: Literal["male", "female"] | None = None
    died: date | None = None
    bases: tuple[Basis, ...] = ()
    employments: tuple[Employment, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The certificates that were taken."""
        return tuple(each.certificate for each in self.evidence)

    def as_known(self, known_on: date) -> Person:
        """The person as the record had them on a day."""
        return replace(
            self,
            bases=known(self.bases, known_on),
            employments=known(self.employments, known_on),
            agreements=known(self.agreements, known_on),
            evidence=known(self.evidence, known_on),
            enrolments=known(self.enrolments, known_on),
            entries=tuple(entry for entry in self.entries if entry.recorded_on <= known_on),
        )


def known(entries: Iterable[T], known_on: date) -> tuple[T, ...]:
    """The entries that were what the record said on a day."""
    return tuple(entry for entry in entries if entry.recorded.is_known(known_on))
