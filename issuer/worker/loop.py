"""The worker: publishes what changed, finishes what others left, exports, delivers notices, until it is told to end.

Promises:

1. A change is published within a few seconds of its commit: the worker looks every second. Several workers on one
   database do each other no harm, and nothing is published twice.
2. Codes that another process intended and did not finish are finished.
3. A database or a signer that is away ends nothing: the worker waits, longer each time up to half a minute, and goes
   on when they are back. So does what is held back for another reason; each is told once, not every second.
4. Once an hour, where acts were added, it signs a checkpoint of the audit and writes it outside the database.
   So often, too, it looks for status lists that are over.
5. Told to end, it finishes the turn that it is in; where the database is away it waits for nothing. A kill leaves
   nothing half published.
6. Notices are delivered beside all that (:mod:`issuer.delivery.courier`): a mail server that hangs holds nothing up.
7. What it tells has paths, versions and codes of errors, and nothing of any person.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from issuer.accounts import retention as account_retention
from issuer.approvals import retention as approval_retention
from issuer.cards import codes
from issuer.core import Core
from issuer.db.meta import Publisher
from issuer.delivery.service import courier_of
from issuer.keys.states import active_key
from issuer.publication import checkpoints
from issuer.publication.export import export
from issuer.publication.publish import check_signers, due, publish
from issuer.publication.retirement import end_lists

__all__ = ["Worker"]

#: Seconds between looks at the database.
INTERVAL: Final = 1.0
LONGEST_PAUSE: Final = 30.0
#: Seconds between looks for intents that were left behind.
RECOVERY: Final = 30.0
CHECKPOINTS: Final = 3600.0
#: Seconds between looks for what is over of accounts: sessions, failures, invitations.
PRUNING: Final = 600.0
#: Seconds between looks for status lists that are over.
ENDINGS: Final = 3600.0

Tell = Callable[[str, dict[str, Any]], None]


@dataclass
class Worker:
    """One worker of the service.

    Args:
        folder: where the tree of published files goes; None: they stay rows, for the servers.
        tell: is given an event's name and its facts.
        interval: seconds between looks.
        outside: where checkpoints of the audit go; None: beside the settings.
    """

    core: Core
    folder: Path | None
    tell: Tell
    interval: float = INTERVAL
    outside: Path | None = None
    _exported: int = -1
    _recovered: float = field(default=-RECOVERY)
    _checked: float = field(default=-CHECKPOINTS)
    _ended: float = field(default=-ENDINGS)
    _pruned: float = field(default=-PRUNING)
    _told: tuple[tuple[str, str | None], ...] = ()
    _pause: float = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set.

        Raises:
            KeyFault: a key cannot be opened: a wrong passphrase shows at start.
            StateError: ``settings.value``: so do settings by which no notice can be delivered.
        """
        check_signers(self.core)
        self.core.database.stopping = stop
        courier = courier_of(self.core, self.tell)
        self.tell("started", {})
        with courier.running():
            while not stop.is_set():
                try:
                    held_back = self.turn(stop)
                    self._pause = 0.0
                    self._complain(held_back)
                except IcardError as fault:
                    self._pause = min(LONGEST_PAUSE, max(self.interval, 2 * self._pause))
                    self._complain((fault,))
                stop.wait(self._pause or self.interval)
        self.tell("ended", {})

    def turn(self, stop: threading.Event) -> tuple[IcardError, ...]:
        """Do what is to be done now; what was held back.

        Raises:
            StateError: ``database.*``, ``clock.*``, ``signer.*``, ``export.*``.
        """
        held_back: tuple[IcardError, ...] = ()
        if time.monotonic() - self._ended >= ENDINGS:
            over = end_lists(self.core)
            self._ended = time.monotonic()
            if over:
                self.tell("lists_over", {"lists": len(over)})
        wanted, version = self.core.database.read(self._look)
        if wanted:
            check_signers(self.core)
            done = publish(self.core, stop=stop.is_set)
            held_back, version = done.held_back, done.version or version
            if done.version:
                facts = {
                    "version": done.version,
                    "iat": done.iat,
                    "lists": len(done.lists),
                    "timestamp": done.timestamp,
                }
                self.tell("published", facts)
        if self.folder is not None and version != self._exported:
            exported = export(self.core, self.folder)
            self._exported = exported.version
            if exported.written or exported.removed:
                facts = {"version": exported.version, "files": len(exported.written), "removed": len(exported.removed)}
                self.tell("exported", facts)
        if time.monotonic() - self._recovered >= RECOVERY:
            found = codes.recover(self.core, codes.LEFT_BEHIND)
            self._recovered = time.monotonic()
            if found:
                self.tell("recovered", {"codes": found})
        if time.monotonic() - self._pruned >= PRUNING:
            account_retention.prune(self.core)
            approval_retention.prune(self.core)
            self._pruned = time.monotonic()
        if version and not held_back and time.monotonic() - self._checked >= CHECKPOINTS:
            self._checkpoint()
        return held_back

    def _checkpoint(self) -> None:
        if self.core.database.read(lambda session: active_key(session, "timestamp")) is None:
            # An issuer of a larger domain has none; its audit is then held by exports alone.
            return
        made = checkpoints.make(self.core, self.outside or checkpoints.default_folder(self.core))
        self._checked = time.monotonic()
        if made is not None:
            self.tell("checkpoint", {"row": made.seq})

    def _look(self, session: Session) -> tuple[bool, int]:
        return due(self.core, session), session.get_one(Publisher, 1).version

    def _complain(self, faults: tuple[IcardError, ...]) -> None:
        said = tuple((fault.code, fault.path) for fault in faults)
        if said != self._told:
            for fault in faults:
                facts = {"code": fault.code, "path": fault.path, "message": fault.message()}
                self.tell("held_back", {name: value for name, value in facts.items() if value is not None})
            if not faults:
                self.tell("well_again", {})
            self._told = said
