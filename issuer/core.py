"""The issuing core: everything that a process of the service opens once and hands on.

Promises:

1. What does not fit together is found when it is opened, before anything is changed: tables of another version, a wrong
   master key, another issuer's database, a database that a backup put back (:mod:`issuer.recovery.epoch`).
2. The keystore's passphrase is asked for only when a key is to be opened or made.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError, StateError
from verifier.knowledge.trust import Issuer

from .acts import RECORD_ALTERED, SERVICE, Act, Actor
from .audit.chain import append_audit, genesis
from .audit.models import AuditHead
from .db import schema
from .db.altered import AlteredRows
from .db.bound import AlteredRow, newest_bound
from .db.engine import Database, connect
from .db.idempotency import Request
from .db.meta import Meta, Publisher
from .db.unit_of_work import UnitOfWork
from .keys.clock import Clock
from .keys.keystore import Keystore
from .keys.signer import KeystoreSigner, Signer
from .recovery.epoch import mark_after_commit, require_current
from .recovery.place import place_of, require_place
from .settings import Settings
from .status.indexes import StatusLists
from .vault.at_rest import AtRest, MasterKeys, Place
from .vault.passwords import Passwords

__all__ = ["BESIDE", "CANARY", "Core"]

T = TypeVar("T")

_CANARY: Final = b"icard"
#: Where an object stands that shows which master key is in force.
CANARY: Final = Place("meta", "canary", "1")
#: Connections beside those of requests: log-ins, the worker and its channels, watching.
BESIDE: Final = 26


@dataclass(frozen=True, slots=True)
class Core:
    """One process's view of the service. Thread-safe; make it after any fork."""

    settings: Settings
    database: Database
    at_rest: AtRest
    keystore: Keystore
    passphrase: Callable[[], bytes]
    signer: Signer
    clock: Clock
    issuer: Issuer
    lists: StatusLists
    passwords: Passwords
    altered: AlteredRows

    @classmethod
    def open(
        cls,
        settings: Settings,
        ask: Callable[[], bytes] | None = None,
        *,
        clock: Clock | None = None,
        signer: Signer | None = None,
        restoring: bool = False,
        upgrading: bool = False,
    ) -> Core:
        """Open what :meth:`create` made.

        Args:
            ask: how a person is asked for the keystore's passphrase, where the settings do not have it.
            clock, signer: others than the system's clock and the keystore.
            restoring: open a database that is behind, for :func:`issuer.restore.restore.restore` alone.
            upgrading: open a database that an older version wrote, for :func:`issuer.upgrade.bind` alone.

        Raises:
            StateError: ``database.*``, ``at_rest.*``, ``settings.*``, ``epoch.*``.
        """
        core = cls._assemble(settings, MasterKeys.read(settings.master_key_path), ask, clock, signer)
        schema.require_newest(core.database)
        meta = core.meta()
        if (meta.bound_at is None or meta.bound_to != newest_bound()) and not upgrading:
            raise StateError("database.not_bound")
        if meta.issuer != settings.issuer:
            raise StateError("settings.value", path="issuer", expected=meta.issuer, found=settings.issuer or "nothing")
        if not (restoring or upgrading):
            require_current(core.database, settings.epoch_path, settings.published)
            require_place(core.database, core.at_rest, meta)
        return core

    @classmethod
    def create(cls, settings: Settings, ask: Callable[[], bytes] | None = None, *, clock: Clock | None = None) -> Core:
        """Begin a service: master key file, tables, the first two status lists. Taken up again after a kill.

        Raises:
            StateError: ``database.initialised``, ``settings.value``.
        """
        for name in ("issuer", "regions", "status_prefix"):
            if not getattr(settings, name):
                raise StateError("settings.value", path=name, expected="a value, to begin a service")
        path = settings.master_key_path
        master = MasterKeys.read(path) if path.exists() else MasterKeys.create(path)
        core = cls._assemble(settings, master, ask, clock, None)
        core.database.create()
        schema.migrate(core.database)
        place = place_of(core.database, core.at_rest)

        def work(unit: UnitOfWork) -> None:
            session, now = unit.session, unit.now
            if session.get(Meta, 1) is not None:
                raise StateError("database.initialised")
            database_id = secrets.token_hex(16)
            session.add_all(
                (
                    Meta(
                        id=1,
                        database_id=database_id,
                        issuer=settings.issuer,
                        epoch=1,
                        newest_iat=now,
                        created_at=now,
                        canary=core.at_rest.seal(CANARY, _CANARY),
                        bound_at=now,
                        bound_to=newest_bound(),
                        place=place,
                    ),
                    Publisher(id=1, version=0, iat=0),
                    AuditHead(id=1, seq=0, hash=genesis(database_id)),
                )
            )
            core.lists.create(session, "open", now)
            core.lists.create(session, "standby", now)
            unit.audit("service.init", settings.issuer)

        core.transact(Actor("host"), work)
        return core

    @classmethod
    def _assemble(
        cls,
        settings: Settings,
        master: MasterKeys,
        ask: Callable[[], bytes] | None,
        clock: Clock | None,
        signer: Signer | None,
    ) -> Core:
        # One for each request in work, each log-in, the worker's own, and whoever watches.
        database = connect(settings.database, connections=settings.connections(BESIDE))
        at_rest = AtRest(master, partial(MasterKeys.read, settings.master_key_path))
        database.binder = at_rest.mac
        keystore = Keystore(settings.keystore_path)
        passphrase = _passphrase(settings, ask)
        names = {"en": settings.name_en or settings.issuer, "zh": settings.name_zh or settings.issuer}
        core = cls(
            settings,
            database,
            at_rest,
            keystore,
            passphrase,
            signer or KeystoreSigner(keystore, passphrase),
            clock or Clock.of(database),
            Issuer(
                settings.issuer,
                names,
                frozenset(settings.regions),
                (settings.status_prefix,),
                settings.list_capacity,
            ),
            StatusLists(at_rest, settings.status_prefix, settings.list_capacity),
            Passwords(
                memory_kib=settings.argon2_memory_kib,
                passes=settings.argon2_passes,
                lanes=settings.argon2_lanes,
                at_once=settings.argon2_at_once,
            ),
            AlteredRows(),
        )
        database.on_altered = core._altered
        return core

    def meta(self) -> Meta:
        """The row about the database, once the master key has opened what it sealed there.

        Raises:
            StateError: ``database.*``, ``at_rest.*``.
        """
        meta = self.database.read(lambda session: session.get(Meta, 1))
        if meta is None:
            raise StateError("database.not_initialised")
        self.at_rest.open(CANARY, meta.canary)
        # The master key in force is the canary's (issuer.processes.rewrap).
        self.at_rest.follow(meta.canary)
        return meta

    def transact(
        self,
        actor: Actor,
        work: Callable[[UnitOfWork], T],
        *,
        request: Request | None = None,
        settled: Callable[[Session], T | None] | None = None,
    ) -> T:
        """See :class:`issuer.db.unit_of_work.Units`."""

        def whole(session: Session) -> T:
            unit = UnitOfWork(session, self.clock.now(session), actor, request)
            result = work(unit)
            unit.require_noted()
            self._append(session, unit.now, unit.acts)
            return result

        return self.database.transact(whole, settled=settled)

    def _append(self, session: Session, at: int, acts: Sequence[Act]) -> None:
        head = append_audit(session, self.at_rest, at, acts)
        if head is not None:
            mark_after_commit(session, self.settings.epoch_path, head.seq, head.hash)

    def _altered(self, fault: AlteredRow) -> None:
        """Note a row that somebody changed outside the service, and write it into the audit, once a process."""
        if not self.altered.note(fault):
            return
        # Where even that fails, the row was refused all the same, and /readyz says so.
        with contextlib.suppress(IcardError):
            self.transact(SERVICE, lambda unit: unit.audit(RECORD_ALTERED, fault.row, {"table": fault.table}))

    @property
    def master_key_path(self) -> Path:
        """The file of master keys, outside the database."""
        return self.settings.master_key_path

    @property
    def scrypt_log2(self) -> int:
        """The cost of deriving a key from the keystore's passphrase, as a power of two."""
        return self.settings.scrypt_log2

    def close(self) -> None:
        """Give back the database's connections."""
        self.database.close()


def _passphrase(settings: Settings, ask: Callable[[], bytes] | None) -> Callable[[], bytes]:
    def get() -> bytes:
        known = settings.known_passphrase()
        if known is not None:
            return known
        if ask is None:
            raise StateError("settings.value", path="passphrase", expected="passphrase or passphrase_file")
        return ask()

    return get
