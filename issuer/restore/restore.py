"""After a backup was put back: what was done since is unknown to the database, and must neither recur nor be undone.

Promises:

1. Every list that stood in the backup is closed: no index is given from it again, whatever the backup says about it.
2. Of each entry the stricter of database and last published token is from now on: as a state of its card where the
   code is known, as a lost code where it is not. Keys that the published timestamp denies are revoked.
3. What was given since the backup is named: each code by list and index as far as the mark and the tokens know it, else
   the whole list; and every card whose newest codes no longer serve.
4. Times of publications never fall behind what was published. The epoch rises, so that another server's process, or
   the same backup once more, is found. The audit says who, why and how much was lost.
5. It is one transaction, and may be done again.

The next list is made empty and has to be published before the first code is issued. Every process of the service has to
be stopped meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from icard_crypto.lists.entry_values import GOOD, REVOKED
from issuer.acts import CARD_RESTORED, RESTORED, Actor
from issuer.audit.models import AuditHead
from issuer.core import Core
from issuer.db.meta import Meta, PublishedAt
from issuer.db.unit_of_work import UnitOfWork
from issuer.keys.clock import signed_at
from issuer.keys.models import KeyRow
from issuer.published.trust_lists import lock_publisher
from issuer.recovery.epoch import Mark, read_mark
from issuer.recovery.place import place_of
from issuer.status.indexes import changed, limit
from issuer.status.models import LostCode, StatusListRow
from issuer.status.permutation import KEY_LENGTH, Permutation
from issuer.vault.at_rest import Place

from .published import Published, entries, read_published
from .restored_cards import apply_published, stricter

__all__ = ["LostPlace", "Restored", "restore", "restore_from", "withdraw_lost"]

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class LostPlace:
    """A code of which only its place is known: it was given by the database that is lost."""

    uri: str
    index: int
    value: int


@dataclass
class Restored:
    """What a restore did.

    Args:
        epoch: the new one.
        lost_acts: rows of the audit that are lost; None: there was no mark to tell.
        closed: uris of the lists that were closed.
        lost_codes: codes to be issued again, whose cards are not known.
        lost_lists: uris of lists that the database did not know, or of which nobody knows how far they were used: any
            code in them that is not on record is to be issued again.
        cards: ids of the cards whose newest codes no longer serve: to be issued again.
        changed: ids of the cards that got a stricter state.
        keys: thumbprints of the keys that were revoked.
    """

    epoch: int
    lost_acts: int | None
    closed: list[str] = field(default_factory=list)
    lost_codes: list[LostPlace] = field(default_factory=list)
    lost_lists: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def restore(core: Core, published: Path | None, by: Actor) -> Restored:
    """Make a database that was put back fit to sign again.

    Args:
        core: opened with ``restoring``.
        published: the exported folder or the bundle as it was published last; None: nothing ever was.

    Raises:
        StateError: ``restore.*``, ``database.*``; DecodeError: a published trust list is refused.
    """
    return restore_from(core, Published() if published is None else read_published(core, published, by.actor), by)


def restore_from(core: Core, said: Published, by: Actor, *, mark_too: bool = False) -> Restored:
    """As :func:`restore`, with what was published as it was read already.

    Args:
        mark_too: the mark was put back with the database and knows nothing of what was given since.

    Raises:
        StateError: ``restore.*``, ``database.*``.
    """
    mark = None if mark_too else _mark(core)
    place = place_of(core.database, core.at_rest)

    return core.transact(by, lambda unit: _work(core, unit, mark, said, place), settled=lambda session: None)


def withdraw_lost(core: Core, uri: str, index: int, by: Actor) -> None:
    """Revoke a lost code, once its holder has another.

    Raises:
        StateError: ``restore.no_code``.
    """

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        name = session.scalar(select(StatusListRow.name).where(StatusListRow.uri == uri))
        row = None if name is None else session.get(LostCode, (name, index), with_for_update=True)
        if row is None:
            raise StateError("restore.no_code", path=f"{uri[:80]}#{index}")
        if row.value != REVOKED:
            row.value = REVOKED
            session.flush()
            changed(session, {row.list_name}, unit.now)
            details = {"uri": uri, "index": index, **by.details()}
            unit.audit("code.withdraw", f"{uri}#{index}", details)

    core.transact(by, work, settled=lambda session: None)


def _mark(core: Core) -> Mark | None:
    path = core.settings.epoch_path
    try:
        return read_mark(path)
    except StateError as fault:
        if fault.code != "epoch.damaged":
            raise
        # A new one is written at the end; until then the service does not start without one either.
        path.unlink()
        return None


def _work(core: Core, unit: UnitOfWork, mark: Mark | None, said: Published, place: str) -> Restored:
    session, now, by = unit.session, unit.now, unit.actor
    publisher = lock_publisher(session)
    meta = session.get_one(Meta, 1, with_for_update=True, populate_existing=True)
    own = mark if mark is not None and mark.database_id == meta.database_id else None
    head = session.get_one(AuditHead, 1)
    outcome = Restored(
        epoch=max(meta.epoch, own.epoch if own else 0) + 1,
        lost_acts=None if own is None else max(0, own.seq - head.seq),
    )
    # 2
    outcome.keys = _deny(session, said, now)
    rows = {row.uri: row for row in session.scalars(select(StatusListRow).order_by(StatusListRow.name))}
    given = dict(_given(core, list(rows.values()), own, outcome))
    # 1
    for row in rows.values():
        if row.state != "closed":
            row.state = "closed"
            outcome.closed.append(row.uri)
    for uri, status in said.lists.items():
        if uri not in rows:
            rows[uri] = _unknown_list(core, session, uri, status.size, status.iat, now)
            outcome.lost_lists.append(uri)
    session.flush()
    for uri, row in rows.items():
        told = dict(entries(said.lists[uri])) if uri in said.lists else {}
        known = apply_published(session, row.name, told, now)
        outcome.cards += known.unserved
        outcome.changed += known.changed
        lost = {index: value for index, value in told.items() if index not in known.indexes}
        lost.update({index: told.get(index, GOOD) for index in given.get(row.name, ())})
        outcome.lost_codes += _keep(session, row, lost, now)
        # 4
        if uri in said.lists:
            row.published_iat = max(row.published_iat or 0, said.lists[uri].iat)
            row.published_at = row.published_at or row.published_iat
    session.flush()
    changed(session, {row.name for row in rows.values()}, now)
    publisher.iat = max(publisher.iat, said.iat)
    publisher.version += 1
    signed_at(session, said.iat)
    meta.epoch, meta.place, meta.differs_at = outcome.epoch, place, None
    # Of what the lost database published only the newest is known; what is older counts as neither own nor foreign.
    session.execute(delete(PublishedAt))
    session.add(PublishedAt(iat=publisher.iat))
    core.lists.create(session, "standby", now)
    outcome.cards, outcome.changed = sorted(set(outcome.cards)), sorted(set(outcome.changed))
    details = {
        "epoch": outcome.epoch,
        "lost_acts": outcome.lost_acts,
        "mark": None if own is None else {"seq": own.seq, "hash": own.hash},
        "lost_codes": len(outcome.lost_codes),
        **by.details(),
    }
    for card in outcome.changed:
        unit.audit(CARD_RESTORED, card, by.details())
    unit.audit(RESTORED, core.issuer.iss, details)
    return outcome


def _deny(session: Session, said: Published, now: int) -> list[str]:
    denied = {key.hex() for key in said.timestamp.denied} if said.timestamp else set()
    query = select(KeyRow).where(KeyRow.thumbprint.in_(denied), KeyRow.revoked_kind.is_distinct_from("compromised"))
    keys = session.scalars(query.order_by(KeyRow.thumbprint).with_for_update()).all()
    for key in keys:
        key.state, key.revoked_at, key.revoked_kind = "revoked", key.revoked_at or now, "compromised"
    return [key.thumbprint for key in keys]


def _given(
    core: Core, rows: list[StatusListRow], mark: Mark | None, outcome: Restored
) -> Iterator[tuple[str, list[int]]]:
    """The indexes that were given after the backup, by list, as far as the mark tells (promise 3)."""
    for row in rows:
        if row.state == "closed":
            continue
        if mark is None:
            if row.state != "full":
                outcome.lost_lists.append(row.uri)
            continue
        if row.name == mark.list_name:
            end = mark.used
        elif row.state == "open":
            # Another list was open at the end: this one was filled before.
            end = limit(row.capacity)
        else:
            continue
        permute = Permutation(core.at_rest.open(Place("lists", "permutation", row.name), row.permutation), row.capacity)
        yield row.name, [permute(number) for number in range(row.used, end)]


def _unknown_list(core: Core, session: Session, uri: str, size: int, iat: int, now: int) -> StatusListRow:
    name = uri.removeprefix(core.settings.status_prefix)
    row = StatusListRow(
        name=name,
        uri=uri,
        capacity=size,
        used=limit(size),
        state="closed",
        # Its own is lost; this one is never used.
        permutation=core.at_rest.seal(Place("lists", "permutation", name), os.urandom(KEY_LENGTH)),
        changes=1,
        created_at=now,
        published_at=iat,
        published_iat=iat,
        published_changes=0,
    )
    session.add(row)
    return row


def _keep(session: Session, row: StatusListRow, lost: Mapping[int, int], now: int) -> list[LostPlace]:
    """Put lost codes on record; those of a restore before get the stricter value."""
    named = []
    indexes = iter(sorted(lost))
    while chunk := list(islice(indexes, _CHUNK)):
        query = select(LostCode).where(LostCode.list_name == row.name, LostCode.idx.in_(chunk))
        before = {code.idx: code for code in session.scalars(query)}
        for index in chunk:
            if index in before:
                before[index].value = stricter(before[index].value, lost[index])
            else:
                session.add(LostCode(list_name=row.name, idx=index, value=lost[index], created_at=now))
            named.append(LostPlace(row.uri, index, lost[index]))
        session.flush()
    return named
