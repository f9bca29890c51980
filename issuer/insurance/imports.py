"""Contributions from a file, CSV or JSON Lines: streamed, resumable, each refused row on record.

Promises:

1. Memory does not grow with the file. A thousand rows are one transaction, with one act in the audit that has their
   hash; after a kill the same file goes on where it was, and no row is written twice.
2. A row that is refused stops nothing. Its number and the error are in the database; nothing of its content does.
3. People whose books changed are followed after the file, in chunks of their own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from icard_crypto.errors import IcardError
from issuer.acts import Actor
from issuer.bulk.imports import Batch, Progress, import_rows
from issuer.bulk.models import BulkRun
from issuer.bulk.refusals import refusal
from issuer.bulk.rows import Columns, Row, Source
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork

from .books import record_within
from .lapses import Followed, follow_due
from .new_entries import NewEntry, digest_of, entry_from

__all__ = ["COLUMNS", "Imported", "import_file"]

_KIND: Final = "contributions"
_BATCH: Final = 1000
#: Digits of a file's hash in what its rows are known by.
_FILE_ID: Final = 48
_NAMES: Final = ("number", "employer_code", "kind", "month", "scheme", "employer_part", "employee_part", "day")

COLUMNS: Final = Columns(dict.fromkeys(_NAMES, "text"), _NAMES)
"""Of a file of contributions."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: rows written and refused, and what that changed. ``resumed``: an earlier run began it."""

    run_id: str
    done: int
    refused: int
    resumed: bool
    followed: Followed


def import_file(
    core: Core,
    source: Source,
    by: Actor,
    progress: Progress = lambda done, refused, read: None,
) -> Imported:
    """Write a file's rows into the books, or go on with it.

    Args:
        progress: called after every batch: rows written, rows refused, bytes read.

    Raises:
        Unavailable: ``clock.*``.
        StateError: ``bulk.*``; ``database.*``. Run again to go on.
    """

    def write(run_id: str, batch: Batch) -> tuple[int, int]:
        return _write(core, source, run_id, batch, by)

    rows = import_rows(core, _KIND, source, COLUMNS, _BATCH, write, progress)
    return Imported(rows.run_id, rows.done, rows.refused, rows.resumed, follow_due(core, by))


def _write(core: Core, source: Source, run_id: str, batch: Batch, by: Actor) -> tuple[int, int]:
    """Write a batch with its refusals and the run's position; all that is written and refused by now."""
    ready, faults = [], []
    for row in batch:
        try:
            ready.append((row.number, _entry(source, row)))
        except IcardError as fault:
            faults.append((row.number, fault))

    def work(unit: UnitOfWork) -> tuple[int, int]:
        session, now = unit.session, unit.now
        run = session.get_one(BulkRun, run_id, with_for_update=True)
        if run.position >= batch[-1].number:
            return run.done, run.refused
        name = hashlib.sha256(f"{run_id}:{batch[0].number}".encode()).hexdigest()[:32]
        people, refused = record_within(core, session, now, [entry for _, entry in ready], name, later=True)
        all_refused = [*faults, *((ready[one.place][0], one.fault) for one in refused)]
        for number, fault in all_refused:
            session.merge(refusal(run_id, number, fault))
        run.position = batch[-1].number
        run.done += len(ready) - len(refused)
        run.refused += len(all_refused)
        run.changed_at = now
        digest = digest_of(entry for _, entry in ready)
        details = {**by.details(), "rows": len(ready) - len(refused), "people": len(people), "sha256": digest}
        unit.audit("insurance.book", name, details)
        return run.done, run.refused

    return core.transact(by, work, settled=lambda session: None)


def _entry(source: Source, row: Row) -> NewEntry:
    if row.fault is not None:
        raise row.fault
    return entry_from(row.values or {}, f"{source.sha256[:_FILE_ID]}{row.number:016x}")
