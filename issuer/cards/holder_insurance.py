"""What is on record about the insurance of a card's holder: asked here, answered by the package that keeps it.

Promises:

1. A new card says and shows what is on record of its holder's insurance at that moment.
2. The insurance records are above the cards, so they give their answer when a process is put together
   (:mod:`issuer.tables`). A process without them fails; it issues no card that leaves the insurance out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy.orm import Session

from icard_crypto.card.card import Insurance
from issuer.core import Core

__all__ = ["HolderInsurance", "answer_from", "insurance_of", "with_payments"]


@dataclass(frozen=True, slots=True)
class HolderInsurance:
    """A person's insurance: what their cards say about it, and the state that status entries are made of."""

    said: Insurance
    state: Literal["good", "lapsed"]


#: Given the person's id and the time in Unix seconds; None: the person is not insured here.
Records = Callable[[Core, Session, str, int], HolderInsurance | None]

_records: list[Records] = []


def answer_from(records: Records) -> None:
    """Have these records answer from now on."""
    _records[:] = [records]


def insurance_of(core: Core, session: Session, person_id: str, now: int) -> HolderInsurance | None:
    """The insurance of a person; None: nothing is on record here."""
    if not _records:
        raise RuntimeError("issuer.tables was not imported: nobody answers for the insurance of a card's holder")
    return _records[0](core, session, person_id, now)


def with_payments(said: Insurance, before: Insurance | None) -> Insurance:
    """What is said from now on, with the month up to which an earlier record says that contributions were paid.

    New codes are never made for a payment alone: whether the insurance is in force is for the status list to say.
    """
    return said if before is None else replace(said, paid_through=before.paid_through)
