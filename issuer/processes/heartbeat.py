"""Heartbeats: every server and worker says every ten seconds that it lives, and which keys it holds.

Promises:

1. A heartbeat is one short transaction. One that fails is tried again with the next; none ends the process.
2. A process that has not been heard of for :data:`MISSING` seconds counts as gone; a day later its row is deleted. One
   that ends deletes its row itself.
3. Keys that are published or active are opened, so that a wrong passphrase shows; of retired ones the file is looked
   at. A key that cannot be opened is tried again every five minutes, for opening costs what a passphrase's check does.
4. Nothing here asks a person for the passphrase.
5. The file of master keys is read with each beat, so that a key that was added to it is held from then on; a file that
   cannot be read changes nothing.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError
from icard_crypto.moments import DAY
from icard_crypto.signing.keys import Thumbprint
from issuer.core import Core
from issuer.keys.models import KeyRow
from issuer.vault.at_rest import MasterKeys

from .models import ProcessRow

__all__ = ["HEARTBEAT", "MISSING", "Heartbeat", "Process", "living"]

#: Seconds.
HEARTBEAT: Final = 10.0
MISSING: Final = 60.0
_FORGOTTEN: Final = float(DAY)
_TRY_AGAIN: Final = 300.0

Kind = Literal["server", "worker"]


@dataclass(frozen=True, slots=True)
class Process:
    """A server or worker that lives. ``holds``: thumbprints of the keys that it can sign with. ``master_keys``: ids of
    the master keys that it holds, the one in force first; none where an older version does not say."""

    kind: str
    host: str
    version: str
    started_at: float
    seen_at: float
    holds: frozenset[str]
    certificate_ends_at: int | None
    master_keys: tuple[str, ...] = ()


def living(session: Session, now: float) -> list[Process]:
    """All processes that have been heard of within a minute of ``now``, Unix time of the database."""
    query = select(ProcessRow).where(ProcessRow.seen_at >= now - MISSING)
    return [
        Process(
            row.kind,
            row.host,
            row.version,
            row.started_at,
            row.seen_at,
            frozenset(row.holds.split()),
            row.certificate_ends_at,
            tuple((row.master_keys or "").split()),
        )
        for row in session.scalars(query.order_by(ProcessRow.kind, ProcessRow.host, ProcessRow.id))
    ]


@dataclass
class Heartbeat:
    """The heartbeat of one process.

    Args:
        certificate_ends_at: asked with each beat: the end of the certificate in use, Unix time, or None.
    """

    core: Core
    kind: Kind
    certificate_ends_at: Callable[[], int | None] = lambda: None
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    _started: float | None = None
    _refused: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Beat in the background until the block is left."""
        stop = threading.Event()
        thread = threading.Thread(target=self._repeat, args=(stop,), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            with contextlib.suppress(IcardError):
                self.forget()

    def beat(self) -> None:
        """Write the row once.

        Raises:
            StateError: ``database.*``.
        """
        holds = self._holds()
        masters = self._masters()
        ends = self.certificate_ends_at()

        def work(session: Session) -> None:
            now = self.core.clock.database(session)
            self._started = self._started or now
            session.execute(delete(ProcessRow).where(ProcessRow.seen_at < now - _FORGOTTEN))
            session.merge(
                ProcessRow(
                    id=self.name,
                    kind=self.kind,
                    host=socket.gethostname()[:80],
                    version=version("icard")[:40],
                    started_at=self._started,
                    seen_at=now,
                    holds=" ".join(holds),
                    certificate_ends_at=ends,
                    master_keys=" ".join(masters),
                )
            )

        self.core.database.transact(work, settled=lambda session: None, hurry=True)

    def forget(self) -> None:
        """Delete the row of a process that ends.

        Raises:
            StateError: ``database.*``.
        """
        gone = delete(ProcessRow).where(ProcessRow.id == self.name)
        self.core.database.transact(lambda session: session.execute(gone) and None, settled=lambda session: None)

    def _repeat(self, stop: threading.Event) -> None:
        while True:
            with contextlib.suppress(IcardError):
                self.beat()
            if stop.wait(HEARTBEAT):
                return

    def _masters(self) -> tuple[str, ...]:
        with contextlib.suppress(IcardError):
            self.core.at_rest.take(MasterKeys.read(self.core.master_key_path))
        # The database says which of them is in force.
        self.core.meta()
        return self.core.at_rest.names

    def _holds(self) -> list[str]:
        query = select(KeyRow).where(KeyRow.state.in_(("published", "active", "retired")))
        keys: Sequence[KeyRow] = self.core.database.read(lambda session: session.scalars(query).all())
        try:
            asked = self.core.settings.known_passphrase() is None
        except IcardError:
            asked = True
        return sorted(key.thumbprint for key in keys if self._held(key, only_look=asked or key.state == "retired"))

    def _held(self, key: KeyRow, *, only_look: bool) -> bool:
        name, thumbprint = key.thumbprint, Thumbprint(bytes.fromhex(key.thumbprint))
        try:
            # Where there is no file at all, one that is copied here shows with the next beat.
            self.core.keystore.envelope(thumbprint)
            if only_look:
                return True
            if time.monotonic() - self._refused.get(name, -_TRY_AGAIN) < _TRY_AGAIN:
                return False
            self.core.signer.sign(thumbprint, [])
        except OSError:
            return False
        except IcardError as fault:
            if fault.layer == "key":
                self._refused[name] = time.monotonic()
            return False
        self._refused.pop(name, None)
        return True
