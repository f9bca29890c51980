"""The rows that a bulk run refused: what is kept of them, and how they are reported.

Promises:

1. A row's number and everything that was found wrong with it is kept, and nothing of what it holds: in a column too far
   left, or under a name that is none, there is a person's name.
2. A dry run reports the same of a row as the run keeps.
3. However many there are, a few are read at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from issuer.core import Core

from .models import BulkRefusal
from .rows import like_a_column

__all__ = ["RefusedFault", "all_of", "kept", "refusal", "refusals"]

_LONGEST: Final = 200
#: Errors whose path may end in a name that the row made up.
_OF_MEMBERS: Final = frozenset({"card.unknown_field", "filing.field"})
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class RefusedFault:
    """One thing that is wrong with a row: the row's number and the parts of the error, none of them personal."""

    row: int
    code: str
    path: str | None
    expected: str | None
    found: str | None


def refusals(core: Core, run_id: str) -> Iterator[RefusedFault]:
    """The faults of a run's refused rows, in the file's order, a few at a time."""
    last = 0
    while True:
        found = core.database.read(partial(_refused, run_id, last))
        if not found:
            return
        for one in found:
            yield RefusedFault(one.row, one.code, one.path, one.expected, one.found)
            yield from (RefusedFault(one.row, **more) for more in json.loads(one.also or "[]"))
        last = found[-1].row


def _refused(run_id: str, last: int, session: Session) -> Sequence[BulkRefusal]:
    query = select(BulkRefusal).where(BulkRefusal.run_id == run_id, BulkRefusal.row > last)
    return session.scalars(query.order_by(BulkRefusal.row).limit(_PAGE)).all()


def all_of(fault: IcardError) -> list[IcardError]:
    """A fault and the others that were found with it."""
    return [fault, *fault.also]


def kept(number: int, faults: Iterable[IcardError]) -> list[RefusedFault]:
    """What is kept of a row's faults (promise 1)."""
    return [
        RefusedFault(number, fault.code, _short(_place(fault)), _short(fault.expected), _short(_shape(fault.found)))
        for fault in faults
    ]


def refusal(run_id: str, number: int, fault: IcardError) -> BulkRefusal:
    """The record of a refused row."""
    first, *others = (asdict(one) for one in kept(number, all_of(fault)))
    for one in others:
        del one["row"]
    also = json.dumps(others, ensure_ascii=False, separators=(",", ":")) if others else None
    return BulkRefusal(run_id=run_id, also=also, **first)


def _place(fault: IcardError) -> str | None:
    """Where in the row; a member that nobody knows is named only where its name cannot be a person's."""
    if fault.code not in _OF_MEMBERS or fault.path is None:
        return fault.path
    parent, dot, name = fault.path.rpartition(".")
    return fault.path if like_a_column(name) else f"{parent}{dot}(a name of {len(name)} characters)"


def _shape(found: str | None) -> str | None:
    """What stood in the row, with 9 for digits and x for letters: in a column too far left it is somebody's name."""
    if found is None or found[:1] not in {"'", '"'}:
        return found
    return "".join("9" if one.isdigit() else "x" if one.isalpha() else one for one in found)


def _short(text: str | None) -> str | None:
    return None if text is None else text[:_LONGEST]
