"""The mark outside the database: how far it was, so that one put back from a backup is found before it signs.

Promises:

1. After every commit that wrote to the audit the mark holds the epoch, the audit's end and how far the open status list
   was used: before a code is handed out, the mark knows about it. A kill loses nothing of it, a loss of power the last
   second at most.
2. A service does not start where the database is behind its mark (its epoch is lower, or the audit does not hold the
   mark's row) or behind what was published. Only ``icard-issuer restore`` opens it then.
3. The mark never goes back: of two writers the higher (epoch, row of the audit) stays. It never goes on past rows that
   are missing: nothing is committed while the database does not hold the mark's row.
4. A database whose epoch is above the mark's was restored by another server; the mark follows it.

The mark must not lie in what a backup puts back: ``epoch_file`` may name another place. Every server has its
own; a new server begins with a copy of another's.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.errors import IcardError, StateError
from icard_crypto.lists.tree import TIMESTAMP
from icard_crypto.signing.tokens import peek_unverified
from issuer.audit.models import AuditRow
from issuer.db.bound import bound_tables
from issuer.db.engine import Database
from issuer.db.meta import Meta, PublishedAt, Publisher
from issuer.status.models import StatusListRow
from verifier.runtime.files import FileFault, read_start
from verifier.runtime.locks import lock

__all__ = [
    "Mark",
    "mark_after_commit",
    "read_mark",
    "require_current",
    "require_writable",
    "write_mark",
]

_BYTES: Final = 4096
#: Seconds between two calls that force the mark to the disk.
_SYNC: Final = 1.0
#: The claim that holds iat: of a status token (RFC 8392), of a timestamp.
_STATUS_IAT: Final = 6
_TIMESTAMP_IAT: Final = 3

_synced: dict[Path, float] = {}


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a database was: its epoch, the end of its audit, its open status list and the indexes given from it."""

    database_id: str
    epoch: int
    seq: int
    hash: str
    list_name: str | None
    used: int
    #: How many tables' records are bound to the master key (:mod:`issuer.db.bound`); true: those of version 0011.
    bound: int = 0

    def _encode(self) -> bytes:
        values = json.dumps(astuple(self))
        return json.dumps([values, hashlib.sha256(values.encode()).hexdigest()]).encode() + b"\n"


def read_mark(path: Path) -> Mark | None:
    """The mark; None: there is none.

    Raises:
        StateError: ``epoch.damaged``.
    """
    if not path.exists():
        return None
    return _decoded(read_start(path, _BYTES), path)


def write_mark(path: Path, mark: Mark) -> None:
    """Raise the mark (promise 3).

    Raises:
        StateError: ``epoch.unwritable``, ``epoch.damaged``.
    """
    with _locked(path) as descriptor:
        data = os.pread(descriptor, _BYTES, 0)
        before = _decoded(data, path) if data else None
        same = before is not None and before.database_id == mark.database_id
        if before is not None and same and (before.epoch, before.seq) >= (mark.epoch, mark.seq):
            return
        # One write within one sector: a reader, and a disk without power, have the one before or this one.
        encoded = mark._encode()
        os.pwrite(descriptor, encoded, 0)
        os.ftruncate(descriptor, len(encoded))
        if time.monotonic() - _synced.get(path, -_SYNC) >= _SYNC:
            os.fsync(descriptor)
            _synced[path] = time.monotonic()


def mark_after_commit(session: Session, path: Path, seq: int, head: str) -> None:
    """Write the mark when this session's transaction is committed. To be called when all else was written.

    Raises:
        StateError: ``epoch.behind``: the database does not hold the mark's row any more; nothing may be committed, or
            the mark would go on past what is missing.
    """
    try:
        before = read_mark(path)
    except FileFault:
        # Writing it after the commit fails too, and says so.
        before = None
    # One question for both: no audit has a row 0.
    row = select(AuditRow.hash).where(AuditRow.seq == (0 if before is None else before.seq)).scalar_subquery()
    query = select(Meta.database_id, Meta.epoch, StatusListRow.name, StatusListRow.used, row).outerjoin_from(
        Meta, StatusListRow, StatusListRow.state == "open"
    )
    database_id, epoch, name, used, held = session.execute(query).one()
    mark = Mark(database_id, epoch, seq, head, name, used or 0, _bound())
    if before is not None and (before.database_id, before.epoch) == (database_id, epoch) and held != before.hash:
        raise StateError("epoch.behind", path="audit", expected=f"row {before.seq}", found="another row or none")

    def committed(_session: Session) -> None:
        write_mark(path, mark)

    event.listen(session, "after_commit", committed, once=True)


@functools.cache
def _bound() -> int:
    return sum(1 for _ in bound_tables())


def require_writable(path: Path) -> None:
    """Raise unless the mark is there and can be written.

    Raises:
        StateError: ``epoch.missing``, ``epoch.unwritable``.
    """
    try:
        os.close(os.open(path, os.O_RDWR))
    except FileNotFoundError:
        raise StateError("epoch.missing", expected=path.name) from None
    except OSError as fault:
        raise StateError("epoch.unwritable", found=fault.strerror) from None


def require_current(database: Database, path: Path, published: Path | None) -> None:
    """Promise 2.

    Args:
        published: the folder of published files, where there is one.

    Raises:
        StateError: ``epoch.behind``, ``epoch.missing``, ``epoch.other_database``, ``epoch.damaged``.
    """
    # The files first: whatever is written meanwhile can then only make the database newer.
    mark = read_mark(path)
    if mark is None:
        raise StateError("epoch.missing", expected=str(path))
    times = set() if published is None else _published_times(published)

    def look(session: Session) -> tuple[Meta, str | None, int, list[int]]:
        row = session.scalar(select(AuditRow.hash).where(AuditRow.seq == mark.seq))
        iat = session.get_one(Publisher, 1).iat
        # While a clock was ahead it published with times that have not come yet.
        ahead = session.scalars(select(PublishedAt.iat).where(PublishedAt.iat > iat))
        return session.get_one(Meta, 1), row, iat, list(ahead)

    meta, row, iat, ahead = database.read(look)
    newest = max(times - set(ahead), default=0)
    if meta.database_id != mark.database_id:
        raise StateError("epoch.other_database", expected=mark.database_id[:8], found=meta.database_id[:8])
    if meta.epoch < mark.epoch:
        raise StateError("epoch.behind", path="epoch", expected=str(mark.epoch), found=str(meta.epoch))
    if meta.epoch == mark.epoch and row != mark.hash:
        raise StateError("epoch.behind", path="audit", expected=f"row {mark.seq}", found="another row or none")
    if iat < newest:
        raise StateError("epoch.behind", path="published", expected=f"iat {newest} or later", found=str(iat))


def _published_times(folder: Path) -> set[int]:
    """The iats of published files, which nobody believes: they only keep a service from starting."""
    found = {_iat_of(folder / TIMESTAMP, _TIMESTAMP_IAT)}
    if (folder / "status").is_dir():
        found |= {_iat_of(path, _STATUS_IAT) for path in (folder / "status").iterdir() if path.name[0] != "."}
    return found


def _iat_of(path: Path, claim: int) -> int:
    try:
        if not path.is_file():
            return 0
        iat = peek_unverified(read_start(path, limits.STATUS_TOKEN_BYTES), claim, max_bytes=limits.STATUS_TOKEN_BYTES)
    except IcardError:
        return 0
    return iat if isinstance(iat, int) else 0


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    try:
        with lock(path) as descriptor:
            yield descriptor
    except OSError as fault:
        raise StateError("epoch.unwritable", found=f"{path}: {fault.strerror}") from None


def _decoded(data: bytes, path: Path) -> Mark:
    try:
        values, digest = json.loads(data)
        if hashlib.sha256(values.encode()).hexdigest() != digest:
            raise ValueError
        parts: list[Any] = json.loads(values)
        names = [each.name for each in fields(Mark)]
        # Older versions wrote no word on binding, and bound nothing.
        parts += [0] * (len(parts) == len(names) - 1)
        return Mark(**dict(zip(names, parts, strict=True)))
    except (ValueError, TypeError, AttributeError):
        raise StateError("epoch.damaged", found=str(path)) from None
