"""What is published and how old it is, what the trust list says about this service, and its keys: for people and
monitors.

Promises:

1. Nothing here is secret: of keys the public side and their states, of lists what verifiers see and how full they are.
2. The age of the publication is that of the oldest part in force, so that one list that stays behind is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from icard_crypto.lists import tree
from icard_crypto.lists.trust_list import KeyEntry
from icard_crypto.signing.keys import VerifyingKey
from issuer.core import Core
from issuer.db.meta import Publisher
from issuer.db.pages import page_of
from issuer.keys.models import KeyRow
from issuer.keys.states import WAITING_TIME, all_keys, trusted_key
from issuer.published.models import Artefact
from issuer.published.trust_lists import accepted
from issuer.status.models import StatusListRow

from .retirement import gone

__all__ = [
    "KeyView",
    "ListedKey",
    "PublicationView",
    "StatusListView",
    "TrustListView",
    "age",
    "keys",
    "publication",
    "status_lists",
    "trust_list",
]


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key of the service. Times are Unix times; ``due_at``: when a published key may become active."""

    thumbprint: str
    kid: str
    usage: str
    algorithm: str
    state: str
    emergency: bool
    created_at: int
    published_at: int | None
    due_at: int | None
    activated_at: int | None
    retired_at: int | None
    revoked_at: int | None
    revoked_kind: str | None


@dataclass(frozen=True, slots=True)
class StatusListView:
    """A status list. ``behind``: an entry changed since its token; ``over_at``: when all its codes had ended."""

    name: str
    uri: str
    state: str
    capacity: int
    used: int
    behind: bool
    created_at: int
    signed_at: int | None
    over_at: int | None


@dataclass(frozen=True, slots=True)
class PublicationView:
    """What is published. ``age``: seconds since the oldest part in force was signed; None: some part never was.

    ``lists`` counts status lists by state, ``behind`` those of which an entry changed since their token.
    """

    version: int
    age: int | None
    timestamp_at: int | None
    timestamp_ends_at: int | None
    lists: dict[str, int]
    behind: int


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key of this issuer on the trust list; ``known``: whether it is one of the service's keys."""

    thumbprint: str
    usage: str
    valid_from: int
    valid_until: int
    revoked_at: int | None
    revoked_kind: str | None
    known: bool


@dataclass(frozen=True, slots=True)
class TrustListView:
    """The trust list in force. ``regions`` and ``keys`` are this issuer's; keys are there by their thumbprints."""

    version: int
    environment: str
    iat: int
    exp: int
    threshold: int
    roots: tuple[str, ...]
    timestamp_keys: tuple[str, ...]
    issuers: int
    regions: tuple[str, ...]
    keys: tuple[ListedKey, ...]


def keys(core: Core) -> list[KeyView]:
    """All keys, oldest first."""
    return core.database.read(lambda session: [_key(core, row) for row in all_keys(session)])


def status_lists(core: Core, *, after: str = "", limit: int = 50) -> list[StatusListView]:
    """A page of the status lists in the order of their names.

    Args:
        after: the last name of the page before.
        limit: 1 to 201.
    """
    query = page_of(select(StatusListRow), StatusListRow.name, after, limit)
    return core.database.read(lambda session: [_list(row) for row in session.scalars(query)])


def publication(core: Core) -> PublicationView:
    """What is published now."""

    def look(session: Session) -> PublicationView:
        now = core.clock.now(session)
        lists: Counter[str] = Counter()
        behind = 0
        rows = select(StatusListRow.state, StatusListRow.changes, StatusListRow.published_changes).where(~gone(now))
        for state, changes, published in session.execute(rows):
            lists[state] += 1
            behind += changes != published
        stamp = session.execute(_timestamp()).first()
        return PublicationView(
            session.get_one(Publisher, 1).version,
            age(session, now),
            stamp and stamp.iat,
            stamp and stamp.expires_at,
            dict(sorted(lists.items())),
            behind,
        )

    return core.database.read(look)


def age(session: Session, now: int) -> int | None:
    """Seconds since the oldest part in force was signed; None: no status list was ever.

    Args:
        now: Unix time.
    """
    in_force = ~gone(now), StatusListRow.published_iat.is_not(None)
    oldest = session.scalar(select(func.min(StatusListRow.published_iat)).where(*in_force))
    stamp = session.execute(_timestamp()).first()
    if oldest is None:
        return None
    return max(0, now - (oldest if stamp is None else min(oldest, stamp.iat)))


def trust_list(core: Core) -> TrustListView | None:
    """The trust list in force; None: none was taken in.

    Raises:
        DecodeError: a row was changed.
    """

    def look(session: Session) -> TrustListView | None:
        chain = accepted(session)
        if chain is None:
            return None
        current = chain.current
        own = next((entry for entry in current.issuers if entry.iss == core.issuer.iss), None)
        known = set(session.scalars(select(KeyRow.thumbprint)))
        return TrustListView(
            current.version,
            current.environment,
            current.iat,
            current.exp,
            current.threshold,
            _thumbprints(current.roots),
            _thumbprints(current.timestamp_keys),
            len(current.issuers),
            tuple(sorted(own.regions)) if own else (),
            tuple(_listed(entry, known) for entry in own.keys) if own else (),
        )

    return core.database.read(look)


def _timestamp() -> Select[int, int | None]:
    newest = select(Artefact.iat, Artefact.expires_at).where(Artefact.path == tree.TIMESTAMP)
    return newest.order_by(Artefact.version.desc()).limit(1)


def _key(core: Core, row: KeyRow) -> KeyView:
    waits = row.state == "published" and row.published_at is not None
    return KeyView(
        row.thumbprint,
        trusted_key(row, core.issuer).key.kid.hex(),
        row.usage,
        row.algorithm,
        row.state,
        row.emergency,
        row.created_at,
        row.published_at,
        (row.published_at or 0) + WAITING_TIME if waits else None,
        row.activated_at,
        row.retired_at,
        row.revoked_at,
        row.revoked_kind,
    )


def _list(row: StatusListRow) -> StatusListView:
    return StatusListView(
        row.name,
        row.uri,
        row.state,
        row.capacity,
        row.used,
        row.changes != row.published_changes,
        row.created_at,
        row.published_iat,
        row.retired_at,
    )


def _listed(entry: KeyEntry, known: set[str]) -> ListedKey:
    name = "" if entry.key is None else entry.key.thumbprint.hex()
    at, kind = (entry.revoked.at, entry.revoked.kind) if entry.revoked else (None, None)
    return ListedKey(name, entry.usage, entry.valid_from, entry.valid_until, at, kind, name in known)


def _thumbprints(found: Sequence[VerifyingKey]) -> tuple[str, ...]:
    return tuple(key.thumbprint.hex() for key in found)
