"""Verify a file of codes into a file of verdicts, on all cores; resumable after a kill.

Promises:

1. Each row of the input is one row of the output, in order, whatever was killed meanwhile and however often.
2. The output appears under its name only when the whole file is on disk. Until then the work is kept in a folder next
   to it, ``<output>.work``, which only its owner can read.
3. A job has one time and one knowledge: both are fixed when it begins and are kept in that folder, so that rows that
   were verified before and after a kill rest on the same lists.
4. A job is resumed only with the same options and the same input; anything else is refused.
5. Memory depends on neither the length of the input nor that of the output.

The folder::

    job.json   knowledge/   journal (a line for each part that counts)   part-000000, part-000001, ...

A part counts when its line is in the journal, which is written after the part is on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from verifier.decision.policy import Policy
from verifier.decision.verifier import Verifier
from verifier.knowledge.trust import TrustDomain
from verifier.runtime.files import FileFault, write_whole
from verifier.runtime.locks import lock
from verifier.store import Store

from .errors import DataError
from .inputs import Input, Piece, open_input
from .journal import Journal, Summary
from .outputs import ROW, Output, open_output, serialized
from .verdicts import VERDICT, verdict_type, verdicts
from .workers import Workers, cores

__all__ = ["Job", "Progress", "Summary", "run"]

#: A part ends with this many pieces, about 130,000 rows, or after this time: what a kill costs.
_PIECES: Final = 32
_SECONDS: Final = 20
_FORM: Final = 1
_EDGE: Final = 64 * 1024
_TRUSTED: Final = "trusted.json"
_STATE: Final = "state"

Progress = Callable[[int, float], object]
"""Called with the rows that are done, and how much of the input that is, from 0 to 1."""


@dataclass(frozen=True)
class Job:
    """What is asked for.

    Args:
        input, output: files whose names say their formats.
        policy: what is asked of a card.
        now: Unix time.
        column: the column of codes; ``keep``: the columns that go along; ``claims``: see :data:`verifier.data.CLAIMS`.
        state: the state folder, or None.
        trusted: a file of trusted keys as it is, or None.
        workers: processes; None: one for each core.
        now_given: the time was asked for; else a job that was begun keeps the time that it began with.
    """

    input: Path
    output: Path
    policy: Policy
    now: int
    column: str = "code"
    keep: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    state: Store | None = None
    trusted: bytes | None = None
    workers: int | None = None
    now_given: bool = False


def run(job: Job, progress: Progress = lambda rows, share: None) -> Summary:
    """Do a job, or what is left of it.

    Raises:
        DataError: ``data.*``: what is wrong with columns, formats, the input, or a job that was begun.
        FileFault: ``file.exists``: the output is there already; ``file.unwritable``.
        StateError: ``store.*``, ``trusted.*``.
    """
    source = open_input(job.input, job.column, job.keep)
    schema = _schema(job, source)
    work = job.output.with_name(job.output.name + ".work")
    if job.output.exists() and not (work / "job.json").exists():
        raise FileFault("file.exists", found=str(job.output))
    turn = _Run(job, source, schema, work, progress)
    try:
        with _alone(work) as held:
            return turn.go(held)
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{work}: {fault.strerror or type(fault).__name__}") from None


def _schema(job: Job, source: Input) -> pa.Schema:
    taken = {ROW, VERDICT}.intersection(job.keep)
    if taken:
        raise DataError("data.column_name", path=taken.pop(), expected=f"names other than {ROW} and {VERDICT}")
    if len(set(job.keep)) != len(job.keep):
        raise DataError("data.column_twice", path="keep")
    kept = [source.schema.field(place + 1) for place in range(len(job.keep))]
    return pa.schema([pa.field(ROW, pa.int64()), *kept, pa.field(VERDICT, verdict_type(job.claims))])


@contextlib.contextmanager
def _alone(work: Path) -> Iterator[int]:
    """The work's folder, for this process alone."""
    work.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            descriptor = stack.enter_context(lock(work, wait=False, folder=True))
        except BlockingIOError:
            raise DataError("data.busy", path=str(work)) from None
        yield descriptor


class _Run:
    """One process's turn at a job."""

    def __init__(self, job: Job, source: Input, schema: pa.Schema, work: Path, progress: Progress) -> None:
        self._job, self._source, self._schema, self._work = job, source, schema, work
        self._output: Output = open_output(job.output, schema)
        self._progress = progress
        self._size = job.input.stat().st_size

    def go(self, held: int) -> Summary:
        """Do what is left; ``held`` is the descriptor that keeps others out, which no worker may hold."""
        now = self._begin()
        journal = Journal(self._work / "journal")
        summary, end = journal.summary(now)
        summary.resumed = summary.rows
        if not journal.whole:
            verifier = Verifier(_load(self._work / "knowledge"), self._job.policy)
            self._verify(verifier, journal, summary, end, held)
            journal.close_rows()
        parts = [self._work / _part(number) for number in range(journal.parts)]
        joined = self._work / "joined"
        if not journal.joined:
            self._output.join(joined, parts)
            journal.close_join()
        if joined.exists():
            if self._job.output.exists():
                raise FileFault("file.exists", found=str(self._job.output))
            joined.replace(self._job.output)
            _sync(self._job.output.parent)
        shutil.rmtree(self._work)
        return summary

    def _begin(self) -> int:
        """Begin the job, or check it against the one that was begun; its time."""
        written = self._work / "job.json"
        wanted = self._description()
        if written.exists():
            begun = json.loads(written.read_text("utf-8"))
            now: int = begun.pop("now")
            if begun != wanted or (self._job.now_given and now != self._job.now):
                differs = [name for name in wanted if begun.get(name) != wanted[name]] or ["now"]
                raise DataError("data.other_job", path=str(self._work), found=f"another {', '.join(differs)}")
            return now
        for left in self._work.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        _keep_knowledge(self._job, self._work / "knowledge")
        write_whole(written, json.dumps(wanted | {"now": self._job.now}, indent=1).encode(), mode=0o600)
        return self._job.now

    def _description(self) -> dict[str, Any]:
        job = self._job
        return {
            "form": _FORM,
            "input": _fingerprint(job.input),
            "output": job.output.name,
            "column": job.column,
            "keep": list(job.keep),
            "claims": list(job.claims),
            "policy": json.loads(json.dumps(job.policy.to_dict())),
            "state": None if job.state is None else str(job.state.folder.resolve()),
            "trusted": None if job.trusted is None else hashlib.sha256(job.trusted).hexdigest(),
        }

    def _verify(self, verifier: Verifier, journal: Journal, summary: Summary, end: int, held: int) -> None:
        count = self._job.workers or cores()
        for leftover in self._work.glob("part-*"):
            if int(leftover.name.partition("-")[2].partition(".")[0]) >= journal.parts:
                leftover.unlink()
        work = partial(_one, verifier, summary.now, self._job.claims, self._output, self._schema)
        tasks = _tasks(self._source.pieces(summary.rows, end), summary.rows)
        with Workers(work, count, close_in_worker=(held,)) as workers:
            part: list[_Done] = []
            begun, rows, total = time.monotonic(), summary.rows, self._source.rows
            for done in workers.map(tasks):
                part.append(done)
                rows += done.found.rows
                self._progress(rows, rows / total if total else done.end / max(self._size, 1))
                if len(part) == _PIECES or time.monotonic() - begun > _SECONDS:
                    self._write(part, journal, summary)
                    part, begun = [], time.monotonic()
            if part:
                self._write(part, journal, summary)

    def _write(self, part: Sequence[_Done], journal: Journal, summary: Summary) -> None:
        path = self._work / _part(journal.parts)
        temporary = path.with_name(path.name + ".tmp")
        temporary.unlink(missing_ok=True)
        self._output.write_part(temporary, [done.rendered for done in part])
        temporary.replace(path)
        _sync(self._work)
        for done in part:
            done.found.add_to(summary)
        journal.add(summary, part[-1].end)


class _Task(NamedTuple):
    """What is sent to a worker: the number of the first row, from 1, and the piece with its batch as bytes."""

    row: int
    batch: bytes
    end: int
    unreadable: tuple[int, ...]


class _Done(NamedTuple):
    """What a worker sends back."""

    rendered: bytes
    end: int
    found: Summary


def _tasks(pieces: Iterator[Piece], rows: int) -> Iterator[_Task]:
    for batch, end, unreadable in pieces:
        yield _Task(rows + 1, serialized(batch), end, unreadable)
        rows += batch.num_rows


def _one(verifier: Verifier, now: int, claims: Sequence[str], output: Output, schema: pa.Schema, task: _Task) -> _Done:
    """A piece's verdicts, as they are written, and what they came to."""
    (batch,) = pa.ipc.open_stream(task.batch)
    column = verdicts(batch.column(0), verifier, now, claims=claims)
    numbers = pa.array(range(task.row, task.row + batch.num_rows), pa.int64())
    found = pa.RecordBatch.from_arrays([numbers, *batch.columns[1:], column], schema=schema)
    first = task.row + task.unreadable[0] if task.unreadable else None
    summary = Summary(
        now,
        rows=batch.num_rows,
        nulls=column.null_count,
        unreadable=len(task.unreadable),
        first_unreadable=first,
        verdicts=_counted(column),
    )
    return _Done(output.render(found), task.end, summary)


def _counted(column: pa.StructArray) -> Counter[tuple[str, str]]:
    """How often each outcome comes with each reason."""
    present = column.filter(column.is_valid())
    names = ["outcome", "reason"]
    # Without Arrow's threads: this process is forked, and has none of them.
    grouped = pa.table([present.field(name) for name in names], names).group_by(names, use_threads=False)
    outcomes, reasons, counts = grouped.aggregate([([], "count_all")]).to_pydict().values()
    return Counter(dict(zip(zip(outcomes, reasons, strict=True), counts, strict=True)))


def _part(number: int) -> str:
    return f"part-{number:06d}"


def _fingerprint(path: Path) -> dict[str, Any]:
    """What tells one input from another without reading all of it."""
    found = path.stat()
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_EDGE))
        file.seek(max(found.st_size - _EDGE, 0))
        digest.update(file.read(_EDGE))
    return {
        "path": str(path.resolve()),
        "size": found.st_size,
        "changed": found.st_mtime_ns,
        "edges": digest.hexdigest(),
    }


def _keep_knowledge(job: Job, folder: Path) -> None:
    """Copy what is trusted and known into the work's folder (promise 3)."""
    folder.mkdir(mode=0o700)
    if job.state is not None:
        job.state.copy_to(folder / _STATE)
    if job.trusted is not None:
        write_whole(folder / _TRUSTED, job.trusted, mode=0o600)


def _load(folder: Path) -> tuple[TrustDomain, ...]:
    domains = Store(folder / _STATE).load()
    trusted = folder / _TRUSTED
    if trusted.exists():
        domains = (*domains, TrustDomain.from_trusted_file(trusted.read_bytes()))
    return domains


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
