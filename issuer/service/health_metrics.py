"""Metrics of expiry dates, backlogs and failures; each has an alert rule in ``deploy/prometheus``.

Promises:

1. Times are Unix times (``_timestamp_seconds``), so that a rule can say how long before; ages are seconds.
2. Names of parts, jobs, usages, places and hosts of the service are labels, and codes of the one catalogue: nothing
   of a person, an account or a card.
3. A database that is away leaves out what is in it; readiness and disks are reported all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.health.backlog import backlog
from issuer.health.disks import disks
from issuer.health.endings import counts, endings
from issuer.keys.states import active_key
from issuer.processes.heartbeat import living
from issuer.published.listing import listing_of

from . import readiness

__all__ = ["HealthMetrics"]

_PREFIX = "icard_issuer_"


class HealthMetrics(Collector):
    """The metrics of one core's health.

    Args:
        warnings: what requests have shown, by name (:class:`issuer.service.context.IssuingService`).
    """

    def __init__(self, core: Core, warnings: Callable[[], dict[str, str]]) -> None:
        self._core = core
        self._warnings = warnings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All metrics of this module."""
        known: dict[tuple[str, ...], float] = {(version("icard"),): 1}
        yield _labelled("build_info", "The program's version", ["version"], known)
        found = readiness.read(self._core)
        parts = found.parts
        codes = {(part, "" if state == "ok" else state): float(state == "ok") for part, state in parts.items()}
        yield _labelled("ready", "Whether a part is ready; code says what is wrong", ["part", "code"], codes)
        warned = {**found.warnings, **self._warnings()}
        yield _labelled(
            "warning", "What works and needs a person", ["name", "code"], dict.fromkeys(warned.items(), 1.0)
        )
        places = disks(self._core.settings)
        free: dict[tuple[str, ...], float] = {(each.place,): each.free for each in places}
        size: dict[tuple[str, ...], float] = {(each.place,): each.size for each in places}
        yield _labelled("disk_free_bytes", "Free space where it writes", ["place"], free)
        yield _labelled("disk_size_bytes", "Space where it writes", ["place"], size)
        held = {(job.name, job.trouble): 1.0 for job in found.jobs if job.trouble is not None}
        yield _labelled("job_held_back", "A job that does not do its work, and why", ["job", "code"], held)
        if parts["database"] == "ok":
            # Where it went away since, the next collection says so.
            with contextlib.suppress(IcardError):
                yield from self._core.database.read(self._stored)

    def _stored(self, session: Session) -> list[GaugeMetricFamily]:
        now = self._core.clock.now(session)
        ends: dict[tuple[str, ...], float] = {(each.name,): each.ends_at for each in endings(self._core, session, now)}
        listing = listing_of(self._core, session)
        listed: dict[tuple[str, ...], float] = {}
        if listing is not None:
            keys = [(usage, active_key(session, usage)) for usage in ("card", "status", "timestamp")]
            listed = {(usage,): float(listing.ends_at(key) > now) for usage, key in keys if key is not None}
        wait = backlog(session, now)
        processes = living(session, now)
        kinds: dict[tuple[str, ...], float] = {("server",): 0, ("worker",): 0}
        seen: dict[tuple[str, ...], float] = {}
        versions: dict[tuple[str, ...], float] = {}
        for each in processes:
            kinds[each.kind,] += 1
            seen[each.kind, each.host] = max(seen.get((each.kind, each.host), 0.0), now - each.seen_at)
            versions[each.version,] = versions.get((each.version,), 0) + 1
        people = counts(session, now)
        return [
            _gauge(
                "trust_list_version", "Version of the trust list in force; 0: none", listing.version if listing else 0
            ),
            _labelled("end_timestamp_seconds", "When it ends; 0: verifiers do not take it", ["name"], ends),
            _labelled("key_listed", "Whether verifiers take what the active key signs", ["usage"], listed),
            _gauge("changes_waiting", "Status lists and denied keys that wait to be published", wait.waiting),
            _gauge("changes_oldest_seconds", "Age of the oldest change that waits to be published", wait.oldest),
            _labelled("processes", "Servers and workers seen within a minute", ["kind"], kinds),
            _labelled("process_seen_seconds", "Since a process was last seen", ["kind", "host"], seen),
            _labelled("process_versions", "Processes by the program's version", ["version"], versions),
            *_backup(session),
            _gauge("invitations_open", "Invitations that can still be used", people.invitations),
            _gauge("invitations_ending", "Open invitations that end within a day", people.invitations_ending),
            _gauge("mandates_ending", "Mandates that end within 30 days", people.mandates_ending),
        ]


def _backup(session: Session) -> Iterator[GaugeMetricFamily]:
    made = session.get_one(Meta, 1).backup_at
    yield _gauge("backup_timestamp_seconds", "When the newest backup was made, Unix time; 0: none was", made or 0)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, words, value=value)


def _labelled(
    name: str, words: str, labels: list[str], values: Mapping[tuple[str, ...], float] | Mapping[tuple[str, str], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(_PREFIX + name, words, labels=labels)
    for names, value in values.items():
        family.add_metric(list(names), value)
    return family
