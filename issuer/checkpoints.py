"""Checkpoints: signed statements of how far the audit's chain is, kept where who changes the database does not reach.

Promises:

1. A checkpoint names the database, the number and the hash of the newest row, and the time; it is signed by a timestamp
   key, under a typ of its own.
2. It is written into the database, published (``audit/<number>.cbor``) and written to a folder outside the database; a
   kill between leaves a file that the next one writes.
3. Whoever holds a checkpoint can tell whether the rows up to it are those that were there then: nothing up to it can be
   changed, deleted, inserted, reordered or cut off without a difference.

What cannot be told: what was written after the newest checkpoint, by someone who can write the database and makes the
whole chain from there anew. So checkpoints belong on another machine, and often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto import cbor, cose, limits
from icard_crypto.errors import DecodeError, StateError
from icard_crypto.keys import Kid, Thumbprint, VerifyingKey
from verifier.cli.faults import CommandError
from verifier.cli.files import read_capped, write_whole

from . import artefacts
from .clock import signed_at
from .core import Core
from .db.models import AuditHead, KeyRow, Meta
from .db.models import Checkpoint as CheckpointRow
from .key_states import require_active, trusted_key
from .signer import CheckpointMessage
from .trust_lists import lock_publisher

__all__ = ["Checkpoint", "default_folder", "files", "make", "read_checkpoint", "read_file", "reader_keys"]

TYP: Final = CheckpointMessage.typ
_HASH: Final = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says. ``hash`` and ``database_id`` are hexadecimal, ``iat`` a Unix time."""

    database_id: str
    seq: int
    hash: str
    iat: int


def make(core: Core, folder: Path) -> Checkpoint | None:
    """Sign the chain's end, unless nothing was added since, and see that all checkpoints are in the folder.

    Returns:
        The newest checkpoint; None: there is no act yet.

    Raises:
        StateError: ``clock.*``, ``database.*``; KeyFault: ``keystore.none_active``; CommandError: the folder.
    """

    def work(session: Session) -> list[CheckpointRow]:
        publisher = lock_publisher(session)
        head, meta = session.get(AuditHead, 1, populate_existing=True), session.get(Meta, 1)
        if head is None or meta is None:
            raise StateError("database.not_initialised")
        rows = list(session.scalars(select(CheckpointRow).order_by(CheckpointRow.seq)))
        if head.seq == 0 or (rows and rows[-1].seq >= head.seq):
            return rows
        iat = core.clock.signing_time(session)
        said = Checkpoint(meta.database_id, head.seq, head.hash, iat)
        key = require_active(session, "timestamp")
        (token,) = core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [CheckpointMessage(_encode(said))])
        publisher.version += 1
        row = CheckpointRow(seq=said.seq, hash=said.hash, iat=iat, token=token)
        session.add(row)
        artefacts.put(session, publisher.version, f"audit/{said.seq}.cbor", "checkpoint", token, iat=iat)
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


def read_checkpoint(token: bytes, find_key: Callable[[Kid], VerifyingKey | None]) -> Checkpoint:
    """Read a checkpoint: frame, headers, key, signature, then its fields.

    Raises:
        DecodeError: ``cose.*``, ``header.*``, ``cbor.*``, ``audit.checkpoint_form``.
    """
    message = cose.parse_sign1(token, max_bytes=limits.CARD_BYTES)
    headers = cose.token_headers(message, TYP)
    key = find_key(Kid(headers.kid))
    if key is None or key.algorithm is not headers.algorithm:
        raise DecodeError("audit.checkpoint_form", expected="a timestamp key of this service", found="another key")
    if not key.verify(message.signature, cose.signed_bytes(message)):
        raise DecodeError("audit.checkpoint_form", expected="a signature that holds")
    # The type that signs checks the fields' kinds; so may the reader.
    fields = cbor.decode(
        CheckpointMessage(message.payload).payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS
    )
    if not isinstance(fields, dict):
        raise DecodeError("audit.checkpoint_form", expected="a map")
    database_id, seq, digest, iat = (fields[number] for number in (1, 2, 3, 4))
    if not (isinstance(database_id, bytes) and isinstance(digest, bytes)):
        raise DecodeError("audit.checkpoint_form", expected="byte strings")
    if not (isinstance(seq, int) and isinstance(iat, int) and len(digest) == _HASH):
        raise DecodeError("audit.checkpoint_form", expected="numbers, and a hash of 32 bytes")
    return Checkpoint(database_id.hex(), seq, digest.hex(), iat)


def reader_keys(core: Core) -> Callable[[Kid], VerifyingKey | None]:
    """Finds the service's timestamp keys, retired ones too; those that were compromised say nothing."""
    query = select(KeyRow).where(KeyRow.usage == "timestamp")
    rows = core.database.read(lambda session: list(session.scalars(query)))
    keys = {
        Kid(key.kid): key
        for row, key in ((row, trusted_key(row, core.issuer).key) for row in rows)
        if row.revoked_kind != "compromised"
    }
    return keys.get


def default_folder(core: Core) -> Path:
    """Where checkpoints go when nobody says where: beside the database, until someone copies them away."""
    return core.settings.folder / "checkpoints"


def files(folder: Path) -> Sequence[Path]:
    """The checkpoint files of a folder, lowest number first; a folder that is not there has none."""
    return sorted(folder.glob("*.cbor"), key=lambda path: (len(path.name), path.name))


def read_file(path: Path) -> bytes:
    """A checkpoint file's content.

    Raises:
        CommandError: it cannot be read.
    """
    return read_capped(path, limits.CARD_BYTES)


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
        raise CommandError("cli.unwritable", found=f"{folder}: {fault.strerror}") from None
