"""A new master key, under load.

Promises:

1. :func:`begin` adds a key to the file and rewraps every sealed object; processes that run read the file again when
   they meet the new key. Nothing is lost by a kill: both keys stay in the file, and the next run goes on.
2. :func:`finish`, once every process was started anew, rewraps what was written meanwhile and drops the old keys; it
   refuses to drop while one object still needs them.
3. An object that changes while it is rewrapped is left as its writer wrote it, and met again.
4. The process that does either writes under the new key itself from then on, the audit of it included.

An older backup needs the old key: keep the file as it was beside the backup.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Column, Table, select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.acts import Actor
from issuer.db.base import sealed_columns
from issuer.db.unit_of_work import Units

from .at_rest import AtRest, MasterKeys, Place

__all__ = ["begin", "finish"]

_CHUNK: Final = 500
_ROUNDS: Final = 3

Progress = Callable[[str, int], None]


class RewrapCore(Units, Protocol):
    """What rewrapping needs of the core."""

    @property
    def at_rest(self) -> AtRest: ...

    @property
    def master_key_path(self) -> Path: ...


def begin(core: RewrapCore, actor: str, progress: Progress) -> int:
    """Add a master key and rewrap everything under it; how many objects were rewrapped."""
    path = core.master_key_path
    master = MasterKeys.read(path)
    if len(master.keys) == 1:
        master = master.with_new(path)
    core.at_rest.take(master)
    count = _all(core, progress)
    _audit(core, actor, "rewrap.begin", count)
    return count


def finish(core: RewrapCore, actor: str, progress: Progress) -> int:
    """Rewrap the rest and drop all master keys but the newest; how many objects were rewrapped.

    Raises:
        StateError: ``at_rest.in_use``: objects keep being written under an old key.
    """
    path = core.master_key_path
    master = MasterKeys.read(path)
    core.at_rest.take(master)
    count = 0
    for _ in range(_ROUNDS):
        found = _all(core, progress)
        count += found
        if not found:
            master.only_newest(path)
            _audit(core, actor, "rewrap.finish", count)
            return count
    raise StateError("at_rest.in_use", expected="every process started after rewrap", found=f"{found} objects")


def _audit(core: RewrapCore, actor: str, action: str, count: int) -> None:
    core.transact(Actor(actor), lambda unit: unit.audit(action, "master key", {"objects": count}))


def _all(core: RewrapCore, progress: Progress) -> int:
    return sum(_column(core, table, column, progress) for table, column in sealed_columns())


def _column(core: RewrapCore, table: Table, column: Column[Any], progress: Progress) -> int:
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
