"""The worker: a list of jobs, each with its own schedule, back-off and failure (:mod:`issuer.jobs`).

Promises:

1. What changed is published within seconds, whatever becomes of recovery, export, pruning or delivery: a damaged
   intent, a full disk or a mail server that is away hold back their own job and no other.
2. A kill anywhere loses nothing: every job takes up what was left, its own or another worker's.
3. Several workers may run on one PostgreSQL database; on SQLite there is one.
4. How each job is is in the database, for readiness, metrics and ``icard-issuer worker --status``.
5. What is logged has codes, versions and counts: nothing of any person.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError, StateError
from issuer.accounts import retention as account_retention
from issuer.acts import Actor
from issuer.approvals import retention as approval_retention
from issuer.audit import retention as audit_retention
from issuer.batches import lists
from issuer.bulk import retention as bulk_retention
from issuer.cards import codes, deferrals
from issuer.core import Core
from issuer.db.meta import Publisher
from issuer.delivery.service import courier_of
from issuer.insurance.card_codes import make_due_codes
from issuer.insurance.certificate_reminders import remind_certificates
from issuer.insurance.claim_payments import order_month
from issuer.insurance.lapses import follow_due
from issuer.insurance.recomputation import begin_for_changes, recompute
from issuer.insurance.successors import follow_mergers
from issuer.jobs import Again, Job, Log, Runner
from issuer.keys.states import active_key
from issuer.permits import clockwork, reminders, uploads
from issuer.processes.heartbeat import Heartbeat
from issuer.publication import checkpoints
from issuer.publication.export import export
from issuer.publication.publish import check_signers, due, publish
from issuer.publication.retirement import end_lists
from issuer.restore import served
from issuer.rules.book import RuleBook
from issuer.rules.store import book_of
from verifier.runtime.notify import ALIVE, READY, STOPPING, notify, watchdog_seconds

from . import states

__all__ = ["Worker"]

#: Seconds between looks at the database.
INTERVAL: Final = 1.0
#: Seconds between looks for intents that were left behind.
RECOVERY: Final = 30.0
CHECKPOINTS: Final = 3600.0
#: Seconds between looks for what is over of accounts: sessions, failures, invitations.
PRUNING: Final = 600.0
#: Seconds between looks for status lists that are over.
ENDINGS: Final = 3600.0
#: Seconds between looks for applications and permits whose time is over.
PERMITS: Final = 60.0
#: Seconds between looks for what people are to be reminded of.
REMINDERS: Final = 3600.0
#: Seconds between looks for uploaded files that no row knows.
UPLOADS: Final = 3600.0
#: Seconds between looks for people whose insurance time alone may change.
LAPSES: Final = 60.0
#: Seconds between looks for changes of rules after which a region is computed again.
RECOMPUTATIONS: Final = 10.0
#: Seconds until a job looks again for what has to be there first.
_SOON: Final = 5.0
#: Seconds that a job may take: beyond it is reported as overdue.
_BRIEF: Final = 60.0
_LONG: Final = 600.0
_WORKER: Final = Actor("worker")


@dataclass
class Worker:
    """One worker of the service.

    Args:
        folder: where the tree of published files goes; None: they stay rows, for the servers.
        log: is given an event's name and its facts.
        interval: seconds between looks.
        outside: where checkpoints of the audit go; None: beside the settings.
    """

    core: Core
    folder: Path | None
    log: Log
    interval: float = INTERVAL
    outside: Path | None = None
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    _exported: int = -1
    _book: RuleBook | None = None

    def jobs(self) -> list[Job]:
        """What this worker does, delivery apart."""
        found = [
            Job("publish", self._publish, self.interval, _BRIEF),
            Job("recover", self._recover, RECOVERY, _LONG),
            Job("prune", self._prune, PRUNING, _LONG),
            Job("checkpoint", self._checkpoint, CHECKPOINTS, _BRIEF),
            Job("expire", self._expire, ENDINGS, _LONG),
            Job("permits", self._permits, PERMITS, _LONG),
            Job("uploads", self._uploads, UPLOADS, _LONG),
            Job("reminders", self._reminders, REMINDERS, _LONG),
            Job("lapses", self._lapses, LAPSES, _LONG),
            Job("recompute", self._recompute, RECOMPUTATIONS, _LONG),
        ]
        if self.core.settings.compare_published:
            found.append(Job("compare", self._compare, served.EVERY, _BRIEF))
        if self.folder is not None:
            found.insert(1, Job("export", self._export, self.interval, _BRIEF))
        return found

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set.

        Raises:
            KeyFault: a key cannot be opened: a wrong passphrase shows at start.
            StateError: ``settings.value``: so do settings by which no notice can be delivered.
        """
        check_signers(self.core)
        self.core.database.stopping = stop
        delivery: Sequence[Job] = courier_of(self.core, self.log).jobs()
        runner = Runner([*self.jobs(), *delivery], self.log)
        self.log("started", {})
        with Heartbeat(self.core, "worker").beating(), runner.running(stop):
            notify(READY)
            while not stop.is_set():
                notify(ALIVE)
                self._record(runner)
                runner.wait(min(states.HEARTBEAT, watchdog_seconds() or states.HEARTBEAT))
            notify(STOPPING)
        with contextlib.suppress(IcardError):
            states.forget(self.core, self.name)
        self.log("ended", {})

    def _record(self, runner: Runner) -> None:
        # With the database away the jobs that need it say so, and readiness says so of the database itself.
        with contextlib.suppress(IcardError):
            states.record(self.core, self.name, socket.gethostname(), runner.states(), time.time())

    def _publish(self, stop: threading.Event) -> None:
        if not self.core.database.read(lambda session: due(self.core, session)):
            return
        done = publish(self.core, stop=stop.is_set)
        if done.version:
            facts = {
                "version": done.version,
                "iat": done.iat,
                "lists": len(done.lists),
                "timestamp": done.timestamp,
            }
            self.log("published", facts)
        if done.held_back:
            raise done.held_back[0]

    def _export(self, _stop: threading.Event) -> None:
        version = self.core.database.read(_version)
        if self.folder is None or version == self._exported:
            return
        exported = export(self.core, self.folder)
        self._exported = exported.version
        if exported.written or exported.removed:
            facts = {"version": exported.version, "files": len(exported.written), "removed": len(exported.removed)}
            self.log("exported", facts)

    def _recover(self, _stop: threading.Event) -> None:
        found = codes.recover(self.core, codes.LEFT_BEHIND)
        if found:
            self.log("recovered", {"codes": found})

    def _prune(self, _stop: threading.Event) -> None:
        account_retention.prune(self.core)
        approval_retention.prune(self.core)
        audit_retention.prune(self.core)
        bulk_retention.prune(self.core)
        lists.prune(self.core)
        deferrals.reveal(self.core)

    def _checkpoint(self, _stop: threading.Event) -> None:
        """Not before something was published; an issuer of a larger domain has no timestamp key, and so none."""
        if not self.core.database.read(_version):
            raise Again(min(_SOON, 5 * self.interval))
        if self.core.database.read(lambda session: active_key(session, "timestamp")) is None:
            return
        made = checkpoints.make(self.core, self.outside or checkpoints.default_folder(self.core))
        if made is not None:
            self.log("checkpoint", {"row": made.seq})

    def _compare(self, _stop: threading.Event) -> None:
        found = served.compare(self.core)
        if found.differing:
            raise StateError("epoch.published_differs", path=found.differing[0])

    def _expire(self, _stop: threading.Event) -> None:
        ended = end_lists(self.core)
        if ended:
            self.log("lists_over", {"lists": len(ended)})

    def _permits(self, _stop: threading.Event) -> None:
        book = self.core.database.read(book_of)
        if book is not self._book:
            # Rules were added or ended, or this worker has just begun: another version may have brought a new calendar.
            moved = clockwork.recompute(self.core)
            self._book = book
            if moved:
                self.log("days_moved", {"applications": moved})
        turned = clockwork.turn(self.core)
        if turned.anything:
            self.log("permits_moved", asdict(turned))
        if turned.full:
            raise Again(self.interval)

    def _uploads(self, _stop: threading.Event) -> None:
        swept = uploads.sweep_files(self.core)
        if swept:
            self.log("files_removed", {"files": swept})

    def _reminders(self, _stop: threading.Event) -> None:
        remind_certificates(self.core)
        sent = reminders.remind(self.core)
        if sent.anything:
            self.log("reminded", asdict(sent))

    def _lapses(self, stop: threading.Event) -> None:
        followed = follow_mergers(self.core, _WORKER, stop=stop.is_set)
        if followed:
            self.log("insurance_mergers", {"people": followed})
        done = follow_due(self.core, _WORKER, stop=stop.is_set)
        order_month(self.core, _WORKER)
        made = make_due_codes(self.core, _WORKER, stop=stop.is_set)
        if made:
            self.log("insurance_codes", {"cards": made})
        if done.lapsed or done.restored:
            self.log("insurance", {"lapsed": done.lapsed, "restored": done.restored})

    def _recompute(self, stop: threading.Event) -> None:
        begin_for_changes(self.core, _WORKER)
        end = time.monotonic() + _BRIEF
        looked = recompute(self.core, _WORKER, lambda: stop.is_set() or time.monotonic() > end)
        if looked:
            self.log("recomputed", {"people": looked})
        if time.monotonic() > end:
            # A large region is no job that is overdue: it goes on where it is.
            raise Again(self.interval)


def _version(session: Session) -> int:
    return session.get_one(Publisher, 1).version
