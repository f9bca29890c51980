"""Rows of a service that has issued for long, put in without issuing: as the data of a benchmark.

Promises:

1. Rows have the sizes and the spread of real ones: random ids and digests, records and codes as long as sealed ones.
2. Lists are filled to 90 % and closed as the service does it; the open one is left as it was.
3. What is sealed cannot be opened: a look-up is for the cards that were really issued.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from icard_crypto.card.card import Profile
from issuer.cards.models import CardLookup, CardRow, CodeRow
from issuer.core import Core
from issuer.db.bound import with_mac
from issuer.keys.models import KeyRow
from issuer.status.indexes import limit
from issuer.status.models import StatusListRow

__all__ = ["fill", "fill_by_server", "fill_lists"]

#: Bytes of a sealed record and a sealed code of the reference card.
_RECORD: Final = 1000
_CODE: Final = 450
_CHUNK: Final = 5_000
#: Of a hundred entries, how many are not 0.
_SET: Final = 2
_YEAR: Final = 365 * 86_400


@dataclass
class _Places:
    """Indexes of new lists, one list after the other."""

    core: Core
    now: int
    used: int = 0
    name: str = ""

    def take(self, session: Session) -> tuple[str, int]:
        full = limit(self.core.lists.capacity)
        if not self.name or self.used == full:
            self.name, self.used = _full_list(self.core, session, self.now), 0
        self.used += 1
        return self.name, self.used - 1


def fill(core: Core, cards: int) -> None:
    """Add cards, each with its look-ups and three codes."""
    with _hasty(core):
        _fill(core, cards)


def fill_lists(core: Core, lists: int) -> int:
    """Add codes until this many more lists are full; how many codes."""
    with _hasty(core):
        return _fill_lists(core, lists)


def _fill(core: Core, cards: int) -> None:
    key, now = _active_key(core), int(core.clock.local())
    places = _Places(core, now)
    for start in range(0, cards, _CHUNK):
        count = min(_CHUNK, cards - start)

        def work(session: Session, count: int = count) -> None:
            ids = [secrets.token_hex(16) for _ in range(count)]
            session.execute(insert(CardRow), [_card(name, now) for name in ids])
            session.execute(insert(CardLookup), [row for name in ids for row in _lookups(name)])
            codes = [_code(name, profile, key, now, places.take(session)) for name in ids for profile in Profile]
            session.execute(insert(CodeRow), [with_mac(session, CodeRow, code) for code in codes])

        core.database.transact(work)


def _fill_lists(core: Core, lists: int) -> int:
    key, now = _active_key(core), int(core.clock.local())
    places = _Places(core, now)
    card = secrets.token_hex(16)
    core.database.transact(lambda session: session.execute(insert(CardRow), [_card(card, now)]))
    total = lists * limit(core.lists.capacity)
    for start in range(0, total, _CHUNK):
        count = min(_CHUNK, total - start)

        def work(session: Session, count: int = count) -> None:
            rows = [_code(card, Profile.PUBLIC, key, now, places.take(session)) for _ in range(count)]
            session.execute(insert(CodeRow), [with_mac(session, CodeRow, row) for row in rows])

        core.database.transact(work)
    return total


def fill_by_server(core: Core, codes: int, *, record: int = _RECORD, code: int = _CODE) -> None:
    """Add codes with their cards and look-ups on PostgreSQL, made by the server itself: millions in minutes.

    Indexes that only find rows are dropped and made again, as after the restore of a dump.

    Args:
        record, code: bytes of what is sealed; short ones make more rows fit on a disk.
    """
    key, now = _active_key(core), int(core.clock.local())
    full = limit(core.lists.capacity)
    names = core.database.transact(lambda session: [_full_list(core, session, now) for _ in range(-(-codes // full))])
    values = {"key": key, "then": now - _YEAR, "end": now + _YEAR, "names": names, "full": full}
    values |= {"record": bytes(record), "code": bytes(code), "set": _SET}
    with core.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        rebuilt = connection.execute(text(_FINDING_INDEXES)).all()
        for name, _ in rebuilt:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
        for start in range(0, codes, _SERVER_CHUNK):
            chunk = {"first": start, "last": min(start + _SERVER_CHUNK, codes) - 1}
            for statement in _MADE_ROWS:
                connection.execute(text(statement), values | chunk)
        connection.exec_driver_sql("SET maintenance_work_mem = '512MB'")
        for _, definition in rebuilt:
            connection.exec_driver_sql(definition)
        connection.exec_driver_sql("ANALYZE")


def _full_list(core: Core, session: Session, now: int) -> str:
    full = limit(core.lists.capacity)
    name = core.lists.create(session, "standby", now).name
    values = {"state": "full", "used": full, "published_at": now, "changes": 1}
    session.execute(update(StatusListRow).where(StatusListRow.name == name).values(**values))
    return name


#: A multiple of three: a card's codes are in one chunk.
_SERVER_CHUNK: Final = 600_000
_FINDING_INDEXES: Final = """
    SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
        AND tablename IN ('cards', 'card_lookups', 'codes')
        AND (indexname LIKE 'ix_%' OR indexname = 'uq_cards_live_permit')
"""
#: Ids and digests are those of numbers, so that they are spread like random ones.
_MADE_ROWS: Final = (
    """
    INSERT INTO cards (id, permit_key, record, standing, permit, insurance, photo, version, revision, created_at,
        changed_at)
    SELECT md5('card' || n), md5('p' || n) || md5('q' || n), :record, 'active', 'good', 'good', true, 1, 1, :then, :then
    FROM generate_series(CAST(:first AS bigint) / 3, CAST(:last AS bigint) / 3) AS n
    """,
    """
    INSERT INTO card_lookups (card_id, kind, digest)
    SELECT md5('card' || n), kind, md5(kind || n) || md5(n || kind)
    FROM generate_series(CAST(:first AS bigint) / 3, CAST(:last AS bigint) / 3) AS n,
        unnest(ARRAY['permit', 'name']) AS kind
    """,
    """
    INSERT INTO codes (cti, card_id, generation, profile, list_name, idx, key, state, replaced, value, issued_at,
        expires_at, created_at, payload_hash, cose)
    SELECT left(md5('code' || n), 16), md5('card' || n / 3), 1, n % 3 + 1, (CAST(:names AS text[]))[n / :full + 1],
        n % :full, :key, 'issued', false, CASE WHEN n % 100 < :set THEN 1 ELSE 0 END, :then, :end, :then,
        md5('h' || n) || md5('i' || n), :code
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
    """,
)


def _active_key(core: Core) -> str:
    query = select(KeyRow.thumbprint).where(KeyRow.usage == "card", KeyRow.state == "active")
    return core.database.read(lambda session: session.scalars(query).one())


@contextmanager
def _hasty(core: Core) -> Iterator[None]:
    """Without waiting for the disk, on SQLite; afterwards all is on it, and the planner knows what there is."""
    _pragmas(core, "synchronous=OFF")
    yield
    with core.database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    _pragmas(core, "synchronous=FULL", "wal_checkpoint(TRUNCATE)")


def _pragmas(core: Core, *pragmas: str) -> None:
    if not core.database.is_sqlite:
        return
    # One thread has one connection, which goes back to the pool and is the next one taken.
    connection = core.database.engine.raw_connection()
    for pragma in pragmas:
        connection.cursor().execute(f"PRAGMA {pragma}")
    connection.close()


def _card(name: str, now: int) -> dict[str, Any]:
    return {
        "id": name,
        "permit_key": secrets.token_hex(32),
        "record": os.urandom(_RECORD),
        "status": "active",
        "permit": "good",
        "insurance": "good",
        "photo": True,
        "version": 1,
        "created_at": now - _YEAR,
        "changed_at": now - _YEAR,
    }


def _lookups(name: str) -> Iterator[dict[str, Any]]:
    for kind in ("permit", "name"):
        yield {"card_id": name, "kind": kind, "digest": secrets.token_hex(32)}


def _code(card: str, profile: Profile, key: str, now: int, place: tuple[str, int]) -> dict[str, Any]:
    name, index = place
    return {
        "cti": secrets.token_hex(8),
        "card_id": card,
        "generation": 1,
        "profile": int(profile),
        "list_name": name,
        "idx": index,
        "key": key,
        "state": "issued",
        "replaced": False,
        "value": 1 if secrets.randbelow(100) < _SET else 0,
        "issued_at": now - _YEAR,
        "expires_at": now + _YEAR,
        "created_at": now - _YEAR,
        "payload_hash": secrets.token_hex(32),
        "payload": None,
        "cose": os.urandom(_CODE),
    }
