"""Checkpoints: signed statements of how far the audit's chain is, kept where who changes the database does not reach.

Promises:

1. A checkpoint names the database, the number and the hash of the newest row, and the time; it is signed by a timestamp
   key, under a typ of its own.
2. The one before is held against the chain first: over a chain that was made anew nothing is signed.
3. It is written into the database, published (``audit/<number>.cbor``) and written to a folder outside the database; a
   kill between leaves a file that the next one writes.

What a checkpoint says and how it is read: :mod:`issuer.audit.checkpoints`.
"""

from __future__ import annotations

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
from issuer.keys.signer import CheckpointMessage
from issuer.keys.states import require_active
from issuer.published import artefacts
from issuer.published.trust_lists import lock_publisher
from verifier.runtime.files import FileFault, write_whole

__all__ = ["default_folder", "make"]


def make(core: Core, folder: Path) -> Checkpoint | None:
    """Sign the chain's end, unless nothing was added since, and see that all checkpoints are in the folder.

    Returns:
        The newest checkpoint; None: there is no act yet.

    Raises:
        StateError: ``clock.*``, ``database.*``; KeyFault: ``keystore.none_active``; FileFault: the folder.
    """

    def work(session: Session) -> list[CheckpointRow]:
        publisher = lock_publisher(session)
        head, meta = session.get(AuditHead, 1, populate_existing=True), session.get(Meta, 1)
        if head is None or meta is None:
            raise StateError("database.not_initialised")
        rows = list(session.scalars(select(CheckpointRow).order_by(CheckpointRow.seq)))
        if head.seq == 0 or (rows and rows[-1].seq >= head.seq):
            return rows
        if rows:
            require_held(session, rows[-1])
        iat = core.clock.signing_time(session)
        said = Checkpoint(meta.database_id, head.seq, head.hash, iat)
        key = require_active(session, "timestamp")
        (token,) = core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [CheckpointMessage(_encode(said))])
        publisher.version += 1
        row = CheckpointRow(seq=said.seq, hash=said.hash, iat=iat, token=token)
        session.add(row)
        artefacts.put(session, publisher.version, tree.checkpoint_path(said.seq), "checkpoint", token, iat=iat)
        session.flush()
        signed_at(session, iat)
        return [*rows, row]

    rows = core.database.transact(work, settled=lambda session: None)
    for row in rows:
        path = folder / f"{row.seq}.cbor"
        if not path.exists():
            _make_folder(folder)
            write_whole(path, row.token)
    if not rows:
        return None
    meta = core.database.read(lambda session: session.get_one(Meta, 1))
    return Checkpoint(meta.database_id, rows[-1].seq, rows[-1].hash, rows[-1].iat)


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
