"""Status tokens: which lists are due, read, signed, read back, and recorded.

Promises:

1. A list is due when an entry changed, when it was never published, when its token is old, and when another status key
   has become active; one that is over (:mod:`issuer.publication.retirement`) never is.
2. An entry that changes while the token is made, however long that takes, is in the token or makes the list due again:
   the count of changes is read before the entries.
3. Every token is read by the reader that verifiers use, under the trust list in force, before it may be published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, case, literal_column, or_, select, update
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.errors import DecodeError, StateError
from icard_crypto.lists import tree
from icard_crypto.lists.list_maps import DAY
from icard_crypto.lists.status_list import LONGEST_LIFE, TYP, StatusListBuilder, read_status_list
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.trust_list import TrustList
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Thumbprint
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.keys.models import KeyRow
from issuer.keys.signer import StatusMessage
from issuer.keys.states import trusted_key
from issuer.published import artefacts
from issuer.status.models import LostCode, StatusListRow

__all__ = [
    "AHEAD",
    "REFRESH",
    "TTL",
    "DueList",
    "any_due",
    "read_due",
    "record_tokens",
    "refuse_unread",
    "sign_lists",
    "signed_by",
]

#: Seconds after which a verifier should ask again: a tenth of the day that the strictest shipped policy allows.
TTL: Final = DAY // 10
#: Seconds after which an unchanged list is signed again, so that a fresh one is there before its ttl ends.
REFRESH: Final = TTL // 2
#: Seconds by which a token's iat may be ahead of the clock, see issuer.publication.publish.
AHEAD: Final = 2

_BITS: Final = 4


def any_due(session: Session, now: int) -> bool:
    """Whether a list is due; without locks."""
    active = session.scalars(select(KeyRow).where(KeyRow.usage == "status", KeyRow.state == "active")).one_or_none()
    return bool(_due_rows(session, now, active, force=False))


@dataclass(frozen=True, slots=True)
class DueList:
    """A list that is due, as it was read.

    Args:
        changes: how many there were before its entries were read (promise 2).
        published_at: Unix time of its first publication, None before it.
    """

    name: str
    uri: str
    capacity: int
    changes: int
    published_at: int | None
    message: StatusMessage


def read_due(session: Session, now: int, iat: int, key: KeyRow, *, force: bool = False) -> tuple[DueList, ...]:
    """The lists that are due, by name, with what is to be signed of each.

    Args:
        now: the database's time; ``iat``: that of the tokens, above all that were signed before. Unix times.
        key: the one that will sign them.
        force: all lists are due.
    """
    return tuple(
        DueList(
            row.name, row.uri, row.capacity, row.changes, row.published_at, StatusMessage(_payload(session, row, iat))
        )
        for row in _due_rows(session, now, key, force=force)
    )


def sign_lists(core: Core, trust_list: TrustList | None, key: KeyRow, due: Sequence[DueList]) -> tuple[bytes, ...]:
    """The tokens of these lists, in order, each read back (promise 3); outside any transaction.

    Raises:
        KeyFault, SignerBusy: the signer's.
        StateError: ``publication.not_trusted``: no verifier would take what this key signs.
    """
    if not due:
        return ()
    tokens = core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [one.message for one in due])
    for one, token in zip(due, tokens, strict=True):
        _read_back(core, trust_list, key, one, token)
    return tuple(tokens)


def record_tokens(
    session: Session, version: int, now: int, iat: int, due: Sequence[DueList], tokens: Sequence[bytes]
) -> None:
    """Write the tokens as artefacts, and mark their lists as published so far as they were read.

    Args:
        now: the database's time; ``iat``: that of the tokens. Unix times.
    """
    for one, token in zip(due, tokens, strict=True):
        path = tree.status_path(one.name)
        artefacts.put(session, version, path, "status", token, iat=iat, expires_at=iat + LONGEST_LIFE)
    session.flush()
    # Only now are the lists' rows locked, in the order of their names, as every other transaction does.
    for one in due:
        done = {
            "published_at": one.published_at or iat,
            "published_iat": iat,
            "published_changes": one.changes,
            # What changed while the token was made waits from now on.
            "waiting_since": case((StatusListRow.changes == one.changes, None), else_=now),
        }
        session.execute(
            update(StatusListRow).where(StatusListRow.name == one.name).values(**done),
            execution_options={"synchronize_session": False},
        )


def refuse_unread(fault: DecodeError, path: str) -> StateError:
    """What is said when verifiers would not take a token that was just signed."""
    return StateError("publication.not_trusted", path=path, expected="a key of the trust list", found=fault.code)


def _due_rows(session: Session, now: int, key: KeyRow | None, *, force: bool) -> list[StatusListRow]:
    """The lists that are due, by name."""
    query = select(StatusListRow).where(StatusListRow.retired_at.is_(None)).order_by(StatusListRow.name)
    query = query.execution_options(populate_existing=True)
    if force:
        return list(session.scalars(query))
    due: list[ColumnElement[bool]] = [
        StatusListRow.published_iat.is_(None),
        StatusListRow.published_changes != StatusListRow.changes,
        StatusListRow.published_iat <= now - REFRESH,
    ]
    if key is None or key.activated_at is None:
        return list(session.scalars(query.where(or_(*due))))
    due.append(StatusListRow.published_iat < key.activated_at)
    rows = list(session.scalars(query.where(or_(*due))))
    # Of these the key before may have signed some, for iat may be ahead of the clock: their tokens say.
    unsure = StatusListRow.published_iat.between(key.activated_at, key.activated_at + AHEAD)
    rows += [row for row in session.scalars(query.where(unsure, ~or_(*due))) if not _is_by(session, row, key)]
    return sorted(rows, key=lambda row: row.name)


def _is_by(session: Session, row: StatusListRow, key: KeyRow) -> bool:
    token = artefacts.newest_at(session, tree.status_path(row.name))
    return token is not None and signed_by(token.content, limits.STATUS_TOKEN_BYTES, TYP, key)


def signed_by(token: bytes, most_bytes: int, typ: str, key: KeyRow) -> bool:
    """Whether a token names this key; for tokens of one's own, which were verified when they were made."""
    headers = cose.token_headers(cose.parse_sign1(token, max_bytes=most_bytes), typ)
    return headers.kid == bytes.fromhex(key.thumbprint)[: len(headers.kid)]


def _payload(session: Session, row: StatusListRow, iat: int) -> bytes:
    # Entries fill whole bytes; one of an odd capacity's last byte is never given.
    builder = StatusListBuilder(_BITS, row.capacity + row.capacity % 2)
    for table in (CodeRow, LostCode):
        # A literal: only then the databases see that the partial index on entries other than 0 serves.
        entries = select(table.idx, table.value).where(table.list_name == row.name, table.value != literal_column("0"))
        # By the connection: the session would take twice the time for what are plain numbers.
        for page in session.connection().execute(entries, execution_options={"yield_per": 50_000}).partitions():
            for index, value in page:
                builder.set(index, value)
    return builder.payload(uri=row.uri, iat=iat, exp=iat + LONGEST_LIFE, ttl=TTL)


def _read_back(core: Core, trust_list: TrustList | None, key: KeyRow, one: DueList, token: bytes) -> None:
    try:
        if trust_list is not None:
            read_status(trust_list, token, uri=one.uri)
            return
        own = trusted_key(key, core.issuer).key
        read_status_list(
            token, uri=one.uri, find_key=lambda kid: own if kid == own.kid else None, capacity=one.capacity
        )
    except DecodeError as fault:
        raise refuse_unread(fault, tree.status_path(one.name)) from fault
