"""How the jobs of all workers are, as the database says. On both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer.core import Core
from issuer.jobs import JobState
from issuer.worker.states import MISSING, forget, read_jobs, record, trouble
from tests.kit.issuing_service import new_core

NOW = 1_800_000_000.0


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url, keys=False)


def state(name: str, **facts: float | str | None) -> JobState:
    return JobState(name, 60.0, **facts)  # type: ignore[arg-type]


def test_no_worker_is_trouble_until_one_is_heard_of_and_after_it_ended(core: Core) -> None:
    """A heartbeat counts for a minute; a worker that ends takes its rows along."""
    assert trouble(read_jobs(core, NOW)) == "worker.missing"
    record(core, "a" * 32, "host", [state("publish", succeeded_at=NOW)], NOW)
    assert trouble(read_jobs(core, NOW + MISSING)) is None
    assert trouble(read_jobs(core, NOW + MISSING + 1)) == "worker.missing"
    forget(core, "a" * 32)
    assert trouble(read_jobs(core, NOW)) == "worker.missing"


def test_only_what_keeps_changes_from_going_out_is_trouble(core: Core) -> None:
    """A failing clean-up is reported and is no trouble; a failing publication or export is."""
    jobs = [state("export"), state("prune", fault="database.busy", failing_since=NOW - 5), state("publish")]
    record(core, "a" * 32, "host", jobs, NOW)
    found = read_jobs(core, NOW)
    assert {job.name: job.trouble for job in found} == {"export": None, "prune": "database.busy", "publish": None}
    assert trouble(found) is None
    record(core, "a" * 32, "host", [state("export", fault="file.unwritable", failing_since=NOW)], NOW)
    assert trouble(read_jobs(core, NOW)) == "file.unwritable"


def test_of_several_workers_the_best_counts(core: Core) -> None:
    """What one of two does is done; a run that hangs in both is overdue."""
    record(core, "a" * 32, "one", [state("publish", fault="keystore.passphrase", failing_since=NOW)], NOW)
    assert trouble(read_jobs(core, NOW)) == "keystore.passphrase"
    record(core, "b" * 32, "two", [state("publish", succeeded_at=NOW)], NOW)
    (job,) = read_jobs(core, NOW)
    assert (job.workers, job.trouble, job.succeeded_at) == (2, None, NOW)
    for worker in ("a" * 32, "b" * 32):
        record(core, worker, "one", [state("publish", running_since=NOW - 61)], NOW)
    assert trouble(read_jobs(core, NOW)) == "worker.overdue"


def test_workers_that_were_killed_are_forgotten_after_a_day(core: Core) -> None:
    """Their rows do not pile up."""
    record(core, "a" * 32, "host", [state("publish")], NOW)
    record(core, "b" * 32, "host", [state("publish")], NOW + 86_401)
    assert [job.workers for job in read_jobs(core, NOW + 1)] == [1]
