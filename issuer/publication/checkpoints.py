"""Checkpoints: signed statements of how far the audit's chain is, kept where who changes the database does not reach.

Promises:

1. A checkpoint names the database, the number and the hash of the newest row, and the time; it is signed by a timestamp
   key, under a typ of its own.
2. The one before is checked against the chain first: over a chain that was made again nothing is signed.
3. It is written into the database, published (``audit/<number>.cbor``) and written to a folder outside the database; a
   kill between leaves a file that the next one writes.

What a checkpoint says and how it is read: :mod:`issuer.audit.checkpoints`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.encoding import cbor
from icard_crypto.errors import StateError
from icard_crypto.lists import tree
from icard_crypto.signing.keys import Thumbprint
from issuer.audit.checkpoints import Checkpoint, require_held
from issuer.audit.models import AuditHead
from issuer.audit.models import Checkpoint as CheckpointRow
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.keys.clock import signed_at
from issuer.keys.models import KeyRow
from issuer.keys.signer import CheckpointMessage
from issuer.keys.states import require_active, still_active
from issuer.published import artefacts
from issuer.published.trust_lists import lock_publisher
from verifier.runtime.files import FileFault, write_whole

__all__ = ["default_folder", "make"]


def make(core: Core, folder: Path) -> Checkpoint | None:
    """Sign the chain's end outside any transaction, unless nothing was added since, and see that all checkpoints are in
    the folder.

    Returns:
        The newest checkpoint; None: there is no act yet.

    Raises:
        Unavailable: ``clock.*``.
        StateError: ``database.*``.
        KeyFault: ``keystore.none_active``; FileFault: the folder.
    """
    while (end := core.database.read(partial(_unsigned_end, core))) is not None:
        said, key = end
        message = CheckpointMessage(_encode(said))
        (token,) = core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [message])
        if core.database.transact(partial(_record, said, key, token), settled=lambda session: None):
            break
    rows, meta = core.database.read(lambda session: (_all(session), session.get_one(Meta, 1)))
    for row in rows:
        path = folder / f"{row.seq}.cbor"
        if not path.exists():
            _make_folder(folder)
            write_whole(path, row.token)
    return Checkpoint(meta.database_id, rows[-1].seq, rows[-1].hash, rows[-1].iat) if rows else None


def _unsigned_end(core: Core, session: Session) -> tuple[Checkpoint, KeyRow] | None:
    """The chain's end and the key that signs it; None where it is signed, or there is no act yet (promise 2)."""
    head, meta = session.get(AuditHead, 1), session.get(Meta, 1)
    if head is None or meta is None:
        raise StateError("database.not_initialised")
    newest = _newest(session)
    if head.seq == 0 or (newest is not None and newest.seq >= head.seq):
        return None
    if newest is not None:
        require_held(session, newest)
    key = require_active(session, "timestamp", share=False)
    return Checkpoint(meta.database_id, head.seq, head.hash, core.clock.signing_time(session)), key


def _record(said: Checkpoint, key: KeyRow, token: bytes, session: Session) -> bool:
    """Record a checkpoint, unless one of this end or a later one stands, or its key signs no more; whether it was."""
    publisher = lock_publisher(session)
    newest = _newest(session)
    if (newest is not None and newest.seq >= said.seq) or not still_active(session, key):
        return False
    publisher.version += 1
    session.add(CheckpointRow(seq=said.seq, hash=said.hash, iat=said.iat, token=token))
    path = tree.checkpoint_path(said.seq)
    artefacts.put(session, publisher.version, path, "checkpoint", token, iat=said.iat)
    session.flush()
    signed_at(session, said.iat)
    return True


def _newest(session: Session) -> CheckpointRow | None:
    return session.scalars(select(CheckpointRow).order_by(CheckpointRow.seq.desc()).limit(1)).one_or_none()


def _all(session: Session) -> list[CheckpointRow]:
    return list(session.scalars(select(CheckpointRow).order_by(CheckpointRow.seq)))


def default_folder(core: Core) -> Path:
    """Where checkpoints go when nobody says where: by the settings, else beside the database."""
    return core.settings.checkpoints or core.settings.folder / "checkpoints"


def _encode(said: Checkpoint) -> bytes:
    fields: dict[int | str, cbor.Value] = {
        1: bytes.fromhex(said.database_id),
        2: said.seq,
        3: bytes.fromhex(said.hash),
        4: said.iat,
    }
    return cbor.encode(fields)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{folder}: {fault.strerror}") from None
