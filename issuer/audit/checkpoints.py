"""Checkpoints: signed statements of the audit chain's head, kept out of reach of anyone who can change the database.

Promises:

1. A checkpoint names the database, the number and the hash of the newest row, and the time.
2. With a checkpoint anyone can verify that the rows up to it are unchanged: nothing up to it can be changed, deleted,
   inserted, reordered or cut off undetected.

What can't be detected: a change of what was written after the newest checkpoint, by someone who can write the database
and computes the chain from there again. So checkpoints should be taken often and copied to another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, StateError
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Kid, VerifyingKey
from issuer.db.engine import Database
from issuer.keys.models import KeyRow
from issuer.keys.signer import CheckpointMessage
from issuer.keys.states import trusted_key
from verifier.knowledge.trust import Issuer
from verifier.runtime.files import read_capped

from .models import AuditRow
from .models import Checkpoint as CheckpointRow

__all__ = ["Checkpoint", "checkpoint_files", "read_checkpoint", "read_file", "reader_keys", "require_held"]

TYP: Final = CheckpointMessage.typ
_HASH: Final = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says. ``hash`` and ``database_id`` are hexadecimal, ``iat`` a Unix time."""

    database_id: str
    seq: int
    hash: str
    iat: int


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


def reader_keys(database: Database, issuer: Issuer) -> Callable[[Kid], VerifyingKey | None]:
    """Finds the service's timestamp keys, retired ones too; those that were compromised say nothing."""
    query = select(KeyRow).where(KeyRow.usage == "timestamp")
    rows = database.read(lambda session: list(session.scalars(query)))
    keys = {
        Kid(key.kid): key
        for row, key in ((row, trusted_key(row, issuer).key) for row in rows)
        if row.revoked_kind != "compromised"
    }
    return keys.get


def require_held(session: Session, row: CheckpointRow) -> None:
    """Raise unless the chain still holds the row that a checkpoint of this database was made of.

    Raises:
        StateError: ``audit.rewritten``.
    """
    held = session.scalar(select(AuditRow.hash).where(AuditRow.seq == row.seq))
    if held != row.hash:
        raise StateError("audit.rewritten", path=f"row {row.seq}", expected=row.hash, found=held or "no row")


def checkpoint_files(folder: Path) -> Sequence[Path]:
    """The checkpoint files of a folder, lowest number first; a folder that is not there has none."""
    return sorted(folder.glob("*.cbor"), key=lambda path: (len(path.name), path.name))


def read_file(path: Path) -> bytes:
    """A checkpoint file's content.

    Raises:
        FileFault: it cannot be read.
    """
    return read_capped(path, limits.CARD_BYTES)
