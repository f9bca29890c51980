"""A dry run: what a bulk run would refuse, all of it, without writing anything.

Promises:

1. Nothing is written: no run, no index, no code, no request.
2. Every fault of a row is reported, and also what only the database or another row of the file shows: a live card with
   the same permit number. What a later run finds beside these is what changed meanwhile.
3. Memory grows with the permit numbers of the file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from icard_crypto.errors import Conflict, IcardError
from issuer import cards
from issuer.core import Core

from .refusals import all_of
from .rows import Source, read_rows
from .run import CARD_COLUMNS, WHICH_COLUMNS, Kind, Options, look_at

__all__ = ["DryRow", "dry_run"]


@dataclass(frozen=True, slots=True)
class DryRow:
    """A row by its number, and everything that is wrong with it."""

    number: int
    faults: tuple[IcardError, ...]


def dry_run(
    core: Core,
    kind: Kind,
    source: Source,
    options: Options,
    progress: Callable[[int, int, int], None] = lambda done, refused, read: None,
) -> Iterator[DryRow]:
    """Look at every row of a file.

    Args:
        progress: given rows that are good, rows that are refused, and bytes read.

    Raises:
        StateError: ``bulk.*``: the file as a whole; ``database.*``.
    """
    columns = CARD_COLUMNS if kind == "issue" else WHICH_COLUMNS
    seen: dict[str, int] = {}
    good = refused = 0
    for row in read_rows(source, columns, options.key):
        ready, fault = look_at(core, kind, source, row, options)
        faults = [] if fault is None else all_of(fault)
        number = None if ready is None or ready.card is None else ready.card.permit.number
        if number is not None:
            faults += _taken(core, number, seen.get(number))
            seen.setdefault(number, row.number)
        good, refused = good + (not faults), refused + bool(faults)
        progress(good, refused, row.end)
        yield DryRow(row.number, tuple(faults))


def _taken(core: Core, number: str, row: int | None) -> list[IcardError]:
    """Why no card can be issued for a permit number: it is used in the file already, or a live card has it."""
    if row is not None:
        return [Conflict("issue.card_exists", path="permit.number", found=f"as in row {row}")]
    live = [status for status in cards.statuses(core, "permit", number).values() if status != "revoked"]
    return [Conflict("issue.card_exists", path="permit.number")] if live else []
