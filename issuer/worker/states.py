"""The states of all workers' jobs: written by each worker's heartbeat, read by readiness, metrics and the command.

Promises:

1. A heartbeat is one short transaction, at once when a job begins to fail or recovers, else every :data:`HEARTBEAT`.
2. A worker that has not been heard of for :data:`MISSING` seconds counts as gone; a day later its rows are deleted.
3. Of several workers the best counts: a job that one of them does is done.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.moments import DAY
from issuer.core import Core
from issuer.jobs import JobState

from .models import JobRow

__all__ = ["ESSENTIAL", "HEARTBEAT", "MISSING", "JobReport", "forget", "read_jobs", "record", "trouble"]

#: Seconds.
HEARTBEAT: Final = 10.0
MISSING: Final = 60.0
_FORGOTTEN: Final = float(DAY)
#: Jobs without which a revocation does not go out.
ESSENTIAL: Final = ("publish", "export")


@dataclass(frozen=True, slots=True)
class JobReport:
    """A job over all workers. ``trouble``: the code of what is wrong, None: nothing. Times are Unix times."""

    name: str
    workers: int
    trouble: str | None
    succeeded_at: float | None
    failing_since: float | None


def record(core: Core, worker: str, host: str, states: Iterable[JobState], now: float) -> None:
    """Write a worker's heartbeat.

    Raises:
        StateError: ``database.*``.
    """

    def work(session: Session) -> None:
        session.execute(delete(JobRow).where(JobRow.seen_at < now - _FORGOTTEN))
        for state in states:
            session.merge(
                JobRow(
                    worker=worker,
                    name=state.name,
                    host=host[:80],
                    seen_at=now,
                    budget=state.budget,
                    running_since=state.running_since,
                    succeeded_at=state.succeeded_at,
                    failing_since=state.failing_since,
                    fault=state.fault,
                )
            )

    core.database.transact(work, settled=lambda session: None)


def forget(core: Core, worker: str) -> None:
    """Delete the rows of a worker that ends.

    Raises:
        StateError: ``database.*``.
    """
    gone = delete(JobRow).where(JobRow.worker == worker)
    core.database.transact(lambda session: session.execute(gone) and None, settled=lambda session: None)


def read_jobs(core: Core, now: float | None = None) -> list[JobReport]:
    """The jobs of all workers that live, by name; none where no worker does.

    Raises:
        StateError: ``database.*``.
    """
    moment = time.time() if now is None else now

    def look(session: Session) -> list[JobReport]:
        query = select(JobRow).where(JobRow.seen_at >= moment - MISSING).order_by(JobRow.name)
        found: dict[str, list[JobRow]] = {}
        for row in session.scalars(query):
            found.setdefault(row.name, []).append(row)
        return [_report(name, rows, moment) for name, rows in found.items()]

    return core.database.read(look)


def trouble(reports: Sequence[JobReport]) -> str | None:
    """What keeps changes from going out: ``worker.missing``, or the first essential job's code. None: nothing."""
    if not reports:
        return "worker.missing"
    return next((report.trouble for report in reports if report.name in ESSENTIAL and report.trouble), None)


def _report(name: str, rows: Sequence[JobRow], now: float) -> JobReport:
    troubles = [_state(row).trouble(now) for row in rows]
    return JobReport(
        name,
        len(rows),
        None if None in troubles else troubles[0],
        max((row.succeeded_at for row in rows if row.succeeded_at is not None), default=None),
        min((row.failing_since for row in rows if row.failing_since is not None), default=None),
    )


def _state(row: JobRow) -> JobState:
    return JobState(row.name, row.budget, row.running_since, row.succeeded_at, row.failing_since, row.fault)
