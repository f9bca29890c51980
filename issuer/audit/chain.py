"""The audit: a chain of hashes over every act.

Promises:

1. An act is written in the transaction that it is about: there is no change without its row, and no row without it.
2. The head is locked last in every transaction, after all its other writes, so that the chain makes no deadlock.
3. A row holds pseudonyms and ``H(salt, details)``; salt and details stand apart, sealed, and can be purged while the
   chain stays whole.
4. Every row has a MAC over its hash, under a key outside the database.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from icard_crypto.encoding import cbor
from icard_crypto.errors import StateError
from issuer.acts import Act
from issuer.vault.at_rest import AtRest, Place

from .models import AuditDetail, AuditHead, AuditRow

__all__ = ["ChainEnd", "append_audit", "details_hash", "genesis", "row_hash", "row_mac"]

_LABEL: Final = "icard-audit-1"
_SALT: Final = 16
_HEAD: Final = cast("Table", AuditHead.__table__)
_ROWS: Final = cast("Table", AuditRow.__table__)
_DETAILS: Final = cast("Table", AuditDetail.__table__)
#: Of a row, beside its hash and MAC.
_FIELDS: Final = ("seq", "at", "actor", "action", "subject", "details_hash", "previous")


class ChainEnd(NamedTuple):
    """The last row of the chain: its number and its hash."""

    seq: int
    hash: str


def append_audit(session: Session, at_rest: AtRest, at: int, acts: Sequence[Act]) -> ChainEnd | None:
    """Append acts to the chain; nothing else may be written in this transaction afterwards.

    Args:
        at: Unix time.

    Returns:
        The chain's end; None where there was nothing to append.

    Raises:
        StateError: ``database.not_initialised``.
    """
    if not acts:
        return None
    session.flush()
    # By the tables, not as objects: every transaction that acts does this, with the database's locks in hand.
    query = select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == 1).with_for_update()
    head = session.execute(query).one_or_none()
    if head is None:
        raise StateError("database.not_initialised")
    rows, bodies = [], []
    seq, previous = head.seq, head.hash
    for act in acts:
        salt = os.urandom(_SALT)
        details = json.dumps(act.details, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        seq += 1
        row = AuditRow(
            seq=seq,
            at=at,
            actor=at_rest.pseudonym("actor", act.actor),
            action=act.action,
            subject=at_rest.pseudonym("subject", act.subject),
            details_hash=details_hash(salt, details),
            previous=previous,
        )
        previous = row_hash(row)
        rows.append(
            {**{name: getattr(row, name) for name in _FIELDS}, "hash": previous, "mac": row_mac(at_rest, previous)}
        )
        bodies.append({"seq": seq, "body": at_rest.seal(Place("audit_details", "body", str(seq)), salt + details)})
    session.execute(update(_HEAD).where(_HEAD.c.id == 1).values(seq=seq, hash=previous))
    session.execute(insert(_ROWS), rows)
    session.execute(insert(_DETAILS), bodies)
    return ChainEnd(seq, previous)


def genesis(database_id: str) -> str:
    """The hash before the first row: another database has another chain."""
    return hashlib.sha256(cbor.encode([_LABEL, database_id])).hexdigest()


def details_hash(salt: bytes, details: bytes) -> str:
    """SHA-256 over the 16 bytes of salt and the details."""
    return hashlib.sha256(salt + details).hexdigest()


def row_mac(at_rest: AtRest, digest: str) -> str:
    """The MAC over a row's hash, 64 hexadecimal digits: who has the database alone cannot make a chain again."""
    return at_rest.mac(b"audit row\0" + digest.encode())


def row_hash(row: AuditRow) -> str:
    """SHA-256 over the row's fields and the hash before it, in deterministic CBOR."""
    fields: list[cbor.Value] = [
        _LABEL,
        row.seq,
        row.at,
        row.actor,
        row.action,
        row.subject,
        bytes.fromhex(row.details_hash),
        bytes.fromhex(row.previous),
    ]
    return hashlib.sha256(cbor.encode(fields)).hexdigest()
