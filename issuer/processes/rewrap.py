"""A new master key, on one host or several, under load: prepare, copy, switch, finish.

Promises:

1. :func:`prepare` adds a key to this host's file; nothing is encrypted under it. The file is copied to the other hosts,
   where running processes read it within ten seconds (:mod:`issuer.processes.heartbeat`).
2. :func:`switch` is refused while one running process does not hold the new key. Which key is in force is in the
   database: it is the one that the canary is sealed under, so all processes change over without being restarted, and
   nobody with the database alone can name a key that is in no file. Then every sealed object is rewrapped. A kill loses
   nothing: the old key stays in the file, and the same call goes on.
3. :func:`finish` is refused while one process still encrypts under an old key. It rewraps what was written meanwhile
   and drops the old keys from this host's file, which is then copied to the other hosts again.
4. An object that changes while it is rewrapped is left as its writer wrote it, and met again.

An older backup needs the old key: keep the file as it was beside the backup. A long command, such as a bulk run, has no
heartbeat; it looks with each batch which key is in force, and needs the file of its host to have it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table, select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, StateError
from issuer.acts import Actor
from issuer.core import CANARY, Core
from issuer.db.base import sealed_columns
from issuer.db.meta import Meta
from issuer.db.unit_of_work import UnitOfWork
from issuer.vault.at_rest import MasterKeys, Place

from .heartbeat import Process, living

__all__ = ["Holder", "finish", "holders", "prepare", "switch"]

_CHUNK: Final = 500
_ROUNDS: Final = 3
#: Seconds to wait for the processes: each reads the file again and says so with its heartbeat.
PATIENCE: Final = 30.0
_PAUSE: Final = 0.5

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Holder:
    """A running process, the id of the master key that it encrypts under, and those of all that it holds.

    One of a version that does not say so has none.
    """

    kind: str
    host: str
    in_force: str | None
    held: tuple[str, ...]


def holders(core: Core) -> list[Holder]:
    """The running processes and their master keys."""
    found = core.database.read(lambda session: living(session, core.clock.now(session)))
    return [Holder(each.kind, each.host, next(iter(each.master_keys), None), each.master_keys) for each in found]


def prepare(core: Core, actor: str) -> str:
    """Add a master key to this host's file, and return its id. One that was prepared and is not used yet stays.

    Raises:
        Conflict: ``at_rest.unfinished``: an older key has still to be dropped.
        FileFault: ``file.unwritable``.
    """
    path = core.master_key_path
    master = MasterKeys.read(path)
    in_force = _in_force(core)
    if set(master.keys) - master.prepared - {in_force}:
        raise Conflict("at_rest.unfinished", found=f"{len(master.keys)} keys")
    if not _next(master, in_force):
        master = master.with_prepared(path)
        core.transact(Actor(actor), lambda unit: unit.audit("rewrap.prepare", "master key", {}))
    core.at_rest.take(master)
    (name,) = _next(master, in_force)
    return name.hex()


def switch(core: Core, actor: str, progress: Progress, *, patience: float = PATIENCE) -> int:
    """Encrypt under the prepared key from now on, and rewrap everything; how many objects were rewrapped.

    Args:
        patience: seconds to wait until every running process holds the key.

    Raises:
        Conflict: ``at_rest.not_prepared``.
        StateError: ``at_rest.not_everywhere`` with the hosts.
    """
    path = core.master_key_path
    master = MasterKeys.read(path)
    core.at_rest.take(master)
    in_force = _in_force(core)
    wanted = _next(master, in_force)
    if wanted:
        (name,) = wanted
        _wait(core, lambda each: name.hex() in each.master_keys, patience)
        in_force = _put_in_force(core, actor, name)
    elif len(master.keys) == 1:
        raise Conflict("at_rest.not_prepared")
    master.in_use(path, in_force)
    return _all(core, progress)


def finish(core: Core, actor: str, progress: Progress, *, patience: float = PATIENCE) -> int:
    """Rewrap the rest and drop all master keys but the one in force; how many objects were rewrapped.

    Args:
        patience: seconds to wait until every running process encrypts under the key in force.

    Raises:
        Conflict: ``at_rest.not_switched``: a key is prepared and not used yet.
        StateError: ``at_rest.not_everywhere`` with the hosts; ``at_rest.in_use``: objects keep being written under an
            old key.
    """
    path = core.master_key_path
    master = MasterKeys.read(path)
    core.at_rest.take(master)
    in_force = _in_force(core)
    if _next(master, in_force):
        raise Conflict("at_rest.not_switched")
    _wait(core, lambda each: each.master_keys[:1] == (in_force.hex(),), patience)
    count = 0
    for _ in range(_ROUNDS):
        found = _all(core, progress)
        count += found
        if not found:
            break
    else:
        raise StateError("at_rest.in_use", expected="no long command beside it", found=f"{found} objects")
    master.only(path, in_force)
    core.transact(Actor(actor), lambda unit: unit.audit("rewrap.finish", "master key", {"objects": count}))
    return count


def _in_force(core: Core) -> bytes:
    core.meta()
    return core.at_rest.in_force


def _next(master: MasterKeys, in_force: bytes) -> frozenset[bytes]:
    """The key that was prepared, if it is not in force yet."""
    return master.prepared - {in_force}


def _wait(core: Core, ready: Callable[[Process], bool], patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        running = core.database.read(lambda session: living(session, core.clock.now(session)))
        behind = sorted({each.host for each in running if not ready(each)})
        if not behind:
            return
        if time.monotonic() >= end:
            raise StateError("at_rest.not_everywhere", path="master key", found=", ".join(behind)[:200])
        time.sleep(_PAUSE)


def _put_in_force(core: Core, actor: str, name: bytes) -> bytes:
    """Seal the canary under the key; the id of the key that is in force then."""

    def work(unit: UnitOfWork) -> None:
        meta = unit.session.get_one(Meta, 1, with_for_update=True)
        meta.canary = core.at_rest.rewrap(CANARY, meta.canary, name) or meta.canary
        unit.audit("rewrap.switch", "master key", {})

    core.transact(Actor(actor), work)
    return _in_force(core)


def _all(core: Core, progress: Progress) -> int:
    return sum(_column(core, table, column, progress) for table, column in sealed_columns())


def _column(core: Core, table: Table, column: Column[Any], progress: Progress) -> int:
    (key,) = table.primary_key.columns
    last: Any = None
    changed = 0
    while True:
        query = select(key, column).where(column.is_not(None)).order_by(key).limit(_CHUNK)
        if last is not None:
            query = query.where(key > last)
        rows = core.database.read(lambda session, query=query: session.execute(query).all())  # type: ignore[misc]
        if not rows:
            return changed
        last = rows[-1][0]
        newer = []
        for name, sealed in rows:
            wrapped = core.at_rest.rewrap(Place(table.name, column.name, str(name)), sealed)
            if wrapped is not None:
                newer.append((name, sealed, wrapped))

        def work(session: Session, newer: list[tuple[Any, bytes, bytes]] = newer) -> None:
            for name, sealed, wrapped in newer:
                # Only what is still as it was read: a writer's newer object stands.
                session.execute(update(table).where(key == name, column == sealed).values({column.name: wrapped}))

        core.database.transact(work, settled=lambda session: None)
        changed += len(newer)
        progress(f"{table.name}.{column.name}", changed)
