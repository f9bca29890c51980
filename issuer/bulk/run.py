"""Bulk: issue cards from a file; renew, replace and revoke those that a file names.

Promises:

1. Memory does not grow with the file. A batch of rows is one transaction where that is possible.
2. After a kill the same file goes on where it was, and no card is made twice: each row is a request of its own, known
   by the file's content and the row's number, or by a key that the row brings along. With keys, that holds over files
   too: the same row in another file makes nothing, another row under the same key is refused.
3. A row that is refused stops nothing. Its number, and the error with path, expected and found, are in the database;
   nothing of its content does.
4. What makes no row good (a signer that is away, a list that is not published in time) stops the run where it is.
5. Codes that are handed out are written before the run counts them as done; after a kill the file of codes has each
   card once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card, Profile
from icard_crypto.errors import CardError, IcardError, NotFound, StateError
from issuer import cards
from issuer.acts import Actor
from issuer.cards import IssuedCard, NewCard, Reissue
from issuer.cards.views import statuses
from issuer.core import Core
from issuer.db.idempotency import Request

from .codes import CodesFile
from .models import BulkRefusal, BulkRun
from .refusals import refusal, refusals
from .rows import Columns, Row, Source, read_rows

__all__ = [
    "CARD_COLUMNS",
    "WHICH_COLUMNS",
    "Kind",
    "Options",
    "Outcome",
    "ReadyRow",
    "begin_run",
    "finish_run",
    "look_at",
    "refusals",
    "run",
]

Kind = Literal["issue", "renew", "replace", "revoke"]
T = TypeVar("T")
_Done = tuple[int, IssuedCard | None]

#: Cards a transaction: beyond fifty the commit's share of the time is small, and the lock on the open list is short.
BATCH: Final = 50
#: Seconds to wait for the publisher, when the open list is full and the next one is not published.
PATIENCE: Final = 120.0
_PAUSE: Final = 0.5
_ACCOUNT: Final = "bulk"
_LONGEST_KEY: Final = 200


def _card_columns() -> Columns:
    loaded = json.loads((resources.files(__package__) / "columns.json").read_text("utf-8"))
    return Columns(loaded["columns"], tuple(loaded["required"]))


CARD_COLUMNS: Final = _card_columns()
"""Of a file to issue from."""

WHICH_COLUMNS: Final = Columns({"card": "text", "permit.number": "text"})
"""Of a file of cards to renew, replace or revoke: one of the two names the card."""


#: What gives cards new codes.
_REISSUES: Final[dict[Kind, Callable[[Core, Sequence[Reissue], Actor], list[IssuedCard]]]] = {
    "renew": cards.renew_many,
    "replace": cards.replace_many,
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a run works.

    Args:
        key: name of a column, or of a member of each object, that identifies a row over all files.
        photo: whether pictures go into the codes.
        codes: where the codes go, one JSON object a line; None: nowhere, they stay on record.
        progress: called after every batch: rows done, rows refused, bytes read.
        batch: rows a transaction.
        patience: seconds to wait for the publisher.
    """

    key: str | None = None
    photo: bool = True
    codes: CodesFile | None = None
    progress: Callable[[int, int, int], None] = lambda done, refused, read: None
    batch: int = BATCH
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. ``resumed``: an earlier run had begun it; ``done`` and ``refused`` count all its rows."""

    run_id: str
    done: int
    refused: int
    resumed: bool


@dataclass
class ReadyRow:
    """A row that may be done."""

    row: Row
    request: Request
    card: Card | None = None
    card_id: str = ""


@dataclass
class _Batch:
    ready: list[ReadyRow] = field(default_factory=list)
    refused: list[tuple[int, IcardError]] = field(default_factory=list)
    rows: int = 0
    last: Row | None = None


def run(core: Core, kind: Kind, source: Source, by: Actor, options: Options | None = None) -> Outcome:
    """Do what a file asks for, or go on with it.

    Raises:
        NotAllowed: ``issue.file_needed``.
        Unavailable: ``list.not_published``, ``clock.*``.
        StateError: ``bulk.*``; ``database.*``; the signer's errors. Run again to go on.
    """
    options = options or Options()
    if kind == "issue":
        cards.require_direct(core, by)
    begun, resumed = begin_run(core, kind, _name(source, options))
    if begun.state == "done":
        return Outcome(begun.id, begun.done, begun.refused, True)
    if options.codes is not None:
        options.codes.cut_behind(begun.position)
    if kind == "issue" and not resumed:
        _lists_ahead(core, source)
    columns = CARD_COLUMNS if kind == "issue" else WHICH_COLUMNS
    rows = (row for row in read_rows(source, columns, options.key) if row.number > begun.position)
    done, refused = begun.done, begun.refused
    for batch in _batches(core, kind, source, rows, options):
        # The master key in force may have changed since the run began (issuer.processes.rewrap).
        core.meta()
        made = _do(core, kind, batch, by, options)
        if options.codes is not None:
            options.codes.write(made)
        done, refused = done + len(made), refused + len(batch.refused)
        _record(core, begun.id, batch, done, refused)
        options.progress(done, refused, batch.last.end if batch.last else 0)
    finish_run(core, begun.id)
    return Outcome(begun.id, done, refused, resumed)


def begin_run(core: Core, kind: str, name: str) -> tuple[BulkRun, bool]:
    """The run of that kind and name, and whether an earlier one began it."""

    def work(session: Session) -> tuple[BulkRun, bool]:
        query = select(BulkRun).where(BulkRun.kind == kind, BulkRun.source == name).with_for_update()
        found = session.scalars(query).one_or_none()
        if found is not None:
            # A kill between refusals and position leaves none: both are one transaction. Another order of versions may.
            session.execute(delete(BulkRefusal).where(BulkRefusal.run_id == found.id, BulkRefusal.row > found.position))
            return found, True
        now = core.clock.now(session)
        made = BulkRun(
            id=secrets.token_hex(16),
            kind=kind,
            source=name,
            state="running",
            position=0,
            done=0,
            refused=0,
            created_at=now,
            changed_at=now,
        )
        session.add(made)
        return made, False

    return core.database.transact(work, settled=lambda session: None)


def _name(source: Source, options: Options) -> str:
    """What a run is known by: the content and what its rows are known by."""
    return hashlib.sha256(f"{source.sha256}:{source.form}:{options.key or ''}".encode()).hexdigest()


def _lists_ahead(core: Core, source: Source) -> None:
    """Make the lists that the file will need, so that they can be published while the first ones fill."""

    def work(session: Session) -> int:
        return core.lists.ahead(session, source.lines * len(Profile), core.clock.now(session))

    core.database.transact(work, settled=lambda session: 0)


def _batches(core: Core, kind: Kind, source: Source, rows: Iterator[Row], options: Options) -> Iterator[_Batch]:
    batch = _Batch()
    for row in rows:
        ready, refused = look_at(core, kind, source, row, options)
        if ready is not None and kind in _REISSUES and any(one.card_id == ready.card_id for one in batch.ready):
            # A card gets new codes once a transaction: the second row for it waits for the first.
            yield batch
            batch = _Batch()
        batch.ready += [ready] if ready is not None else []
        batch.refused += [(row.number, refused)] if refused is not None else []
        batch.rows, batch.last = batch.rows + 1, row
        if batch.rows >= options.batch:
            yield batch
            batch = _Batch()
    if batch.rows:
        yield batch


def look_at(
    core: Core, kind: Kind, source: Source, row: Row, options: Options
) -> tuple[ReadyRow | None, IcardError | None]:
    """The row, ready to be done, or why it is refused."""
    try:
        if row.fault is not None:
            raise row.fault
        return _ready(core, kind, source, row, options), None
    except IcardError as fault:
        if not _is_rows(fault):
            raise
        return None, fault


def _ready(core: Core, kind: Kind, source: Source, row: Row, options: Options) -> ReadyRow:
    values = dict(row.values or {})
    body = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
    name = f"{source.sha256}:{row.number}"
    if options.key is not None:
        given = _keyed(values, options.key, CARD_COLUMNS if kind == "issue" else WHICH_COLUMNS)
        if not isinstance(given, str | int) or isinstance(given, bool) or not 0 < len(str(given)) <= _LONGEST_KEY:
            raise StateError("bulk.no_key", path=options.key, expected=f"a text of 1 to {_LONGEST_KEY} characters")
        name = f"key:{options.key}:{given}"
    request = Request(_ACCOUNT, f"bulk.{kind}", name, body)
    if kind == "issue":
        card = Card.from_json(values)
        cards.check_card(core, card)
        return ReadyRow(row, request, card=card)
    return ReadyRow(row, request, card_id=_which(core, kind, values))


def _keyed(values: dict[str, Any], key: str, columns: Columns) -> Any:
    """The row's key; a column of its own is taken out of what the row says."""
    if key not in columns.forms:
        return values.pop(key, None)
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _which(core: Core, kind: Kind, values: dict[str, Any]) -> str:
    permit = values.get("permit")
    number = permit.get("number") if isinstance(permit, dict) else None
    card = values.get("card")
    unknown = sorted(str(name) for name in values if name not in ("card", "permit"))
    if unknown or (card is None) == (number is None) or not isinstance(card if number is None else number, str):
        raise StateError("bulk.which_card", expected="card or permit.number")
    if isinstance(card, str):
        return card
    found = statuses(core, "permit", str(number))
    live = [one for one in sorted(found) if found[one] != "revoked"]
    # One that is revoked already was perhaps by this very row, before a kill: revoking it again changes nothing.
    chosen = live or (sorted(found) if kind == "revoke" else [])
    if not chosen:
        raise NotFound("issue.no_card", path="permit.number", expected="a live card", found="none")
    return chosen[0]


def _is_rows(fault: IcardError) -> bool:
    """Whether an error is one row's own, so that the next row may be good (promises 3 and 4)."""
    return isinstance(fault, CardError) or fault.layer in {"issue", "bulk", "idempotency"}


def _do(core: Core, kind: Kind, batch: _Batch, by: Actor, options: Options) -> list[_Done]:
    """Do a batch: at once where that is possible, row by row where one of them is refused."""
    try:
        return _together(core, kind, batch.ready, by, options)
    except IcardError as fault:
        if not _is_rows(fault):
            raise
    done: list[_Done] = []
    for one in batch.ready:
        try:
            done += _together(core, kind, [one], by, options)
        except IcardError as fault:
            if not _is_rows(fault):
                raise
            batch.refused.append((one.row.number, fault))
    return done


def _together(core: Core, kind: Kind, ready: Sequence[ReadyRow], by: Actor, options: Options) -> list[_Done]:
    """Do rows in one transaction, all or none."""
    numbers = [one.row.number for one in ready]
    if not ready:
        return []
    if kind == "issue":
        new = [NewCard(_card(one), options.photo, one.request) for one in ready]
        return list(zip(numbers, _patiently(options, partial(cards.issue, core, new, by)), strict=True))
    if kind in _REISSUES:
        asked = [Reissue(one.card_id, None, one.request) for one in ready]
        return list(zip(numbers, _patiently(options, partial(_REISSUES[kind], core, asked, by)), strict=True))
    cards.revoke_many(core, [one.card_id for one in ready], by)
    return [(number, None) for number in numbers]


def _card(one: ReadyRow) -> Card:
    if one.card is None:
        raise TypeError("a row to issue from has a card")
    return one.card


def _patiently(options: Options, work: Callable[[], T]) -> T:
    """Do ``work``; where the next list is not published yet, give the publisher time."""
    end = time.monotonic() + options.patience
    while True:
        try:
            return work()
        except StateError as fault:
            if fault.code != "list.not_published" or time.monotonic() >= end:
                raise
        time.sleep(_PAUSE)


def _record(core: Core, run_id: str, batch: _Batch, done: int, refused: int) -> None:
    def work(session: Session) -> bool:
        row = session.get_one(BulkRun, run_id, with_for_update=True)
        for number, fault in batch.refused:
            session.merge(refusal(run_id, number, fault))
        row.position, row.done, row.refused = batch.last.number if batch.last else row.position, done, refused
        row.changed_at = core.clock.now(session)
        return True

    core.database.transact(work, settled=lambda session: None)


def finish_run(core: Core, run_id: str) -> None:
    """Note that all rows of a run are done or refused."""

    def work(session: Session) -> bool:
        session.get_one(BulkRun, run_id, with_for_update=True).state = "done"
        return True

    core.database.transact(work, settled=lambda session: None)
