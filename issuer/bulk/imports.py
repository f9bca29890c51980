"""A file whose rows are written by the batch, resumable, each refused row on record.

Promises:

1. Memory does not grow with the file, and the same file goes on where an earlier run stopped.
2. What ``write`` does to a batch, its refusals and the run's position are one transaction of its own; a batch that an
   earlier run finished is not written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from issuer.core import Core

from .rows import Columns, Row, Source, read_rows
from .run import begin_run, finish_run

__all__ = ["Batch", "Imported", "Progress", "import_rows"]

Batch: TypeAlias = tuple[Row, ...]
#: Called after every batch: rows taken, rows refused, bytes read.
Progress: TypeAlias = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: rows taken and refused. ``resumed``: an earlier run had begun it."""

    run_id: str
    done: int
    refused: int
    resumed: bool


def import_rows(
    core: Core,
    kind: str,
    source: Source,
    columns: Columns,
    size: int,
    write: Callable[[str, Batch], tuple[int, int]],
    progress: Progress,
) -> Imported:
    """Write a file's rows, or go on with it.

    Args:
        kind: of the run; with the content it is what a run is known by.
        size: rows of a batch.
        write: takes the run's id and a batch; gives all rows taken and refused by now.

    Raises:
        Unavailable: ``clock.*``.
        StateError: ``bulk.*``; ``database.*``. Run again to go on.
    """
    name = hashlib.sha256(f"{source.sha256}:{source.form}".encode()).hexdigest()
    run, resumed = begin_run(core, kind, name)
    done, refused = run.done, run.refused
    if run.state != "done":
        rows = (row for row in read_rows(source, columns) if row.number > run.position)
        while batch := tuple(islice(rows, size)):
            # As in issuer.bulk.run: the master key in force may have changed.
            core.meta()
            done, refused = write(run.id, batch)
            progress(done, refused, batch[-1].end)
        finish_run(core, run.id)
    return Imported(run.id, done, refused, resumed)
