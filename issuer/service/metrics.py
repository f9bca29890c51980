"""Metrics of the core for Prometheus, read from the database at each scrape.

Promises:

1. Sums and ages alone: no id, no name, nothing of a person. What is counted is counted by an index or a few rows, so
   that asking costs the same with a million cards.
2. A database that is away is a figure too (``icard_issuer_database_up`` 0), and the others are left out.
3. They are the same in every process, and so stand apart from the counters that several processes add up.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from issuer.audit.models import AuditHead
from issuer.core import Core
from issuer.db.meta import Publisher
from issuer.delivery import outbox_admin
from issuer.keys.models import KeyRow
from issuer.publication import views
from issuer.status.models import StatusListRow
from issuer.worker.states import read_jobs

__all__ = ["CoreMetrics"]


class CoreMetrics(Collector):
    """The metrics of one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All metrics of this module."""
        try:
            self._core.database.check()
            found = [*self._core.database.read(self._stored), *self._outbox(), *self._jobs()]
        except IcardError:
            found = []
        yield _gauge("database_up", "Whether the database answers", bool(found))
        yield from found

    def _stored(self, session: Session) -> list[GaugeMetricFamily]:
        keys = select(KeyRow.usage, KeyRow.state, func.count()).group_by(KeyRow.usage, KeyRow.state)
        by_key = GaugeMetricFamily("icard_issuer_keys", "Keys", labels=["usage", "state"])
        for usage, state, count in session.execute(keys):
            by_key.add_metric([usage, state], count)
        lists = select(StatusListRow.state, func.count(), func.sum(StatusListRow.used)).group_by(StatusListRow.state)
        by_list = GaugeMetricFamily("icard_issuer_status_lists", "Status lists", labels=["state"])
        indexes = 0
        for state, count, used in session.execute(lists):
            by_list.add_metric([state], count)
            indexes += int(used)
        age = views.age(session, self._core.clock.now(session))
        made = [
            by_key,
            by_list,
            _gauge("indexes_given", "Indexes of status lists that were given, one for each code", indexes),
            _gauge("publication_version", "Version of what is published", session.get_one(Publisher, 1).version),
            _gauge("audit_rows", "Acts in the audit", session.get_one(AuditHead, 1).seq),
        ]
        if age is not None:
            made.append(_gauge("publication_age_seconds", "Since the oldest part in force was signed", age))
        return made

    def _outbox(self) -> Iterator[GaugeMetricFamily]:
        letters = GaugeMetricFamily("icard_issuer_outbox", "Letters of notices", labels=["channel", "state"])
        oldest = GaugeMetricFamily(
            "icard_issuer_outbox_oldest_seconds", "Age of the oldest letter that waits", labels=["channel"]
        )
        for channel, found in outbox_admin.figures(self._core).items():
            letters.add_metric([channel, "waiting"], found.waiting)
            letters.add_metric([channel, "dead"], found.dead)
            oldest.add_metric([channel], found.oldest)
        yield letters
        yield oldest

    def _jobs(self) -> Iterator[GaugeMetricFamily]:
        ok = GaugeMetricFamily("icard_issuer_job_ok", "Whether a job of the worker does its work", labels=["job"])
        success = GaugeMetricFamily(
            "icard_issuer_job_success_timestamp_seconds", "When a job last succeeded, Unix time", labels=["job"]
        )
        workers = GaugeMetricFamily("icard_issuer_job_workers", "Workers that run a job", labels=["job"])
        for job in read_jobs(self._core):
            ok.add_metric([job.name], job.trouble is None)
            workers.add_metric([job.name], job.workers)
            if job.succeeded_at is not None:
                success.add_metric([job.name], job.succeeded_at)
        yield from (ok, success, workers)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"icard_issuer_{name}", words, value=value)
