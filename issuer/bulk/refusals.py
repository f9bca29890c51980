"""The rows that a bulk run refused: what is kept of them, and how they are reported.

Promises:

1. A row's number and what was wrong with it is kept, and nothing of what it holds: in a column too far left, or under a
   name that is none, there is a person's name.
2. However many there are, a few are read at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from issuer.core import Core

from .models import BulkRefusal
from .rows import like_a_column

__all__ = ["refusal", "refusals"]

_LONGEST: Final = 200
_PAGE: Final = 500


def refusals(core: Core, run_id: str) -> Iterator[BulkRefusal]:
    """The refused rows of a run, in the file's order, a few at a time."""
    last = 0
    while True:
        found = core.database.read(partial(_refused, run_id, last))
        if not found:
            return
        yield from found
        last = found[-1].row


def _refused(run_id: str, last: int, session: Session) -> Sequence[BulkRefusal]:
    query = select(BulkRefusal).where(BulkRefusal.run_id == run_id, BulkRefusal.row > last)
    return session.scalars(query.order_by(BulkRefusal.row).limit(_PAGE)).all()


def refusal(run_id: str, number: int, fault: IcardError) -> BulkRefusal:
    """What is kept of a refused row (promise 1)."""
    return BulkRefusal(
        run_id=run_id,
        row=number,
        code=fault.code,
        path=_short(_place(fault)),
        expected=_short(fault.expected),
        found=_short(_shape(fault.found)),
    )


def _place(fault: IcardError) -> str | None:
    """Where in the row; a member that nobody knows is named only where its name cannot be a person's."""
    if fault.code != "card.unknown_field" or fault.path is None:
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
