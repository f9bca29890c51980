"""Lists of rows: kept sealed, looked at, then done, a part at a time by whoever sent them.

Promises:

1. A list is its account's alone, and asks for the right that its rows ask for; another's and one that is not there are
   one answer. Its rows are done once its account has said so: neither is for whoever has the database alone to change.
2. A row is looked at before anything is done, and done at most once: whoever does it is given a key of its own for each
   row. A row that is refused stops no other; why stands beside it, in English and Chinese.
3. How far a list is, is written with every part: after a closed page, a kill or a lost connection it goes on there.
4. An account has a bounded number of lists; a list goes :data:`KEPT` seconds after it last changed.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, cast

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, IcardError, Invalid, NotFound, StateError
from icard_crypto.moments import DAY
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.bound import with_mac
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.vault.at_rest import Place

from .models import Batch, BatchChunk

__all__ = [
    "KEPT",
    "MOST_ROWS",
    "BatchView",
    "Outcome",
    "RowOutcome",
    "advance",
    "begin",
    "list_batches",
    "outcome_of",
    "prune",
    "rows_of",
    "show",
    "start",
]

#: Rows of a list.
MOST_ROWS: Final = 5_000
#: Seconds for which a list is kept after its last change.
KEPT: Final = 30 * DAY
#: Lists of one account.
_MOST: Final = 50
#: Rows of a part.
_CHUNK: Final = 25

#: The right that a list of each kind asks for; a program has it by its scope.
_RIGHTS: Final = {
    "registration": "insurance.register",
    **dict.fromkeys(("extension", "cancellation", "submission"), "filing.file"),
}

State = Literal["checking", "ready", "running", "done"]


@dataclass(frozen=True, slots=True)
class BatchView:
    """A list.

    Args:
        looked: rows over in this state: looked at while it is ``checking``, done or refused while it is ``running``.
        ready: rows that may be done; done: rows that were; refused: rows that were refused, in either state.
    """

    batch_id: str
    kind: str
    state: State
    total: int
    looked: int
    ready: int
    done: int
    refused: int
    created_at: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: ``made``: the id of what it made; ``code``: why it was refused, with the words for it.

    ``also``: what else was found wrong with it.
    """

    made: str | None = None
    code: str | None = None
    path: str | None = None
    en: str = ""
    zh: str = ""
    also: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """A row, from 0, as it was given, and what became of it; None: nothing yet."""

    number: int
    row: Mapping[str, Any]
    outcome: Outcome | None


def outcome_of(fault: IcardError) -> Outcome:
    """The outcome of a row that was refused."""
    also = tuple(outcome_of(one) for one in fault.also)
    return Outcome(None, fault.code, fault.path, fault.message("en"), fault.message("zh"), also)


def begin(
    core: Core, who: Principal, kind: str, rows: Sequence[Mapping[str, Any]], request: Request | None = None
) -> str:
    """Keep a list, of which nothing has been looked at; its id.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``batch.too_many``.
        Invalid: ``batch.rows``.
    """
    who.require(_RIGHTS[kind])
    if not 1 <= len(rows) <= MOST_ROWS:
        raise Invalid("batch.rows", path="rows", expected=f"1 to {MOST_ROWS} rows", found=str(len(rows)))
    batch_id = secrets.token_hex(16)

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        count = session.scalar(select(func.count()).select_from(Batch).where(Batch.account_id == who.account_id))
        if (count or 0) >= _MOST:
            raise Conflict("batch.too_many", expected=f"at most {_MOST} lists")
        batch = Batch(id=batch_id, account_id=who.account_id, kind=kind, state="checking", total=len(rows), position=0,
                      ready=0, done=0, refused=0, created_at=now, changed_at=now)  # fmt: skip
        session.add(batch)
        session.flush()
        chunks = []
        for number, first in enumerate(range(0, len(rows), _CHUNK)):
            name = secrets.token_hex(16)
            content = _sealed(
                core, "batch_chunks", "content", name, [dict(row) for row in rows[first : first + _CHUNK]]
            )
            chunk = {"id": name, "batch_id": batch_id, "number": number, "content": content, "outcomes": None}
            chunks.append(with_mac(session, BatchChunk, chunk))
        session.execute(insert(BatchChunk), chunks)
        unit.audit("batch.begin", batch_id, {"kind": kind, "rows": len(rows)})
        unit.made(batch_id)
        return batch_id

    return core.transact(who.by(), work, request=request)


def show(core: Core, who: Principal, batch_id: str) -> BatchView:
    """A list of one's own.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``batch.none``.
    """
    return core.database.read(lambda session: _view(_load(session, who, batch_id)))


def list_batches(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[BatchView]:
    """A page of one's own lists, in the order of their ids."""
    kinds = [kind for kind, right in _RIGHTS.items() if who.may(right)]
    mine = Batch.account_id == who.account_id, Batch.kind.in_(kinds)
    query = page_of(select(Batch).where(*mine), Batch.id, after, limit)
    return core.database.read(lambda session: [_view(row) for row in session.scalars(query)])


def rows_of(
    core: Core, who: Principal, batch_id: str, *, refused: bool = False, most: int = MOST_ROWS
) -> list[RowOutcome]:
    """The rows of a list, the first ones first.

    Args:
        refused: those alone that were refused.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``batch.none``.
    """

    def look(session: Session) -> list[RowOutcome]:
        _load(session, who, batch_id)
        found: list[RowOutcome] = []
        query = select(BatchChunk).where(BatchChunk.batch_id == batch_id).order_by(BatchChunk.number)
        for chunk in session.scalars(query):
            rows, outcomes = _opened(core, chunk)
            for place, row in enumerate(rows):
                one = RowOutcome(chunk.number * _CHUNK + place, row, outcomes[place])
                if not refused or (one.outcome is not None and one.outcome.code is not None):
                    found.append(one)
            if len(found) >= most:
                break
        return found[:most]

    return core.database.read(look)


def start(core: Core, who: Principal, batch_id: str) -> None:
    """Begin to do the rows of a list that was looked at; of one that has begun already, nothing.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``batch.none``.
        Conflict: ``batch.state``.
    """

    def work(unit: UnitOfWork) -> None:
        batch = _load(unit.session, who, batch_id, lock=True)
        if batch.state in ("running", "done"):
            return
        if batch.state != "ready":
            raise Conflict("batch.state", expected="a list whose rows were all looked at")
        batch.state, batch.position, batch.changed_at = "running", 0, unit.now
        batch.started = _sealed(core, "batches", "started", batch_id, [unit.now])
        unit.audit("batch.start", batch_id, {"kind": batch.kind, "rows": batch.ready})

    core.transact(who.by(), work)


def advance(
    core: Core,
    who: Principal,
    batch_id: str,
    look: Callable[[Mapping[str, Any]], Outcome],
    do: Callable[[str, Mapping[str, Any]], Outcome],
    seconds: float,
) -> BatchView:
    """Go on with a list for about so many seconds, at least by one part; as it is afterwards.

    Args:
        look: what doing a row would come to; nothing is written.
        do: does a row; the key is the row's own, the same whenever it is done.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``batch.none``; what ``look`` and ``do`` raise.
    """
    ends = time.monotonic() + seconds
    while True:
        view, chunk = core.database.read(lambda session: _next(core, session, who, batch_id))
        if chunk is None:
            return view
        outcomes = list(chunk.outcomes)
        for place, row in enumerate(chunk.rows):
            if view.state == "checking":
                outcomes[place] = look(row)
            elif (before := outcomes[place]) is None or before.code is None:
                outcomes[place] = do(f"{batch_id}:{chunk.number * _CHUNK + place}", row)
        _write(core, who, batch_id, view.state, chunk, outcomes)
        if time.monotonic() >= ends:
            return show(core, who, batch_id)


def prune(core: Core) -> int:
    """Delete lists that nobody has touched for long; how many."""

    def work(session: Session) -> int:
        old = session.scalars(select(Batch.id).where(Batch.changed_at < core.clock.now(session) - KEPT)).all()
        for name in old:
            session.execute(delete(BatchChunk).where(BatchChunk.batch_id == name))
            session.execute(delete(Batch).where(Batch.id == name))
        return len(old)

    return core.database.transact(work, settled=lambda session: None)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A part as it was read."""

    name: str
    number: int
    rows: list[dict[str, Any]]
    outcomes: list[Outcome | None]


def _next(core: Core, session: Session, who: Principal, batch_id: str) -> tuple[BatchView, _Chunk | None]:
    batch = _load(session, who, batch_id)
    if batch.state not in ("checking", "running"):
        return _view(batch), None
    if batch.state == "running":
        # Whoever has the database alone begins nothing in somebody's name.
        if batch.started is None:
            raise StateError("at_rest.damaged", path="batches.started")
        core.at_rest.open(Place("batches", "started", batch_id), batch.started)
    query = select(BatchChunk).where(BatchChunk.batch_id == batch_id, BatchChunk.number == batch.position)
    row = session.scalars(query).one()
    rows, outcomes = _opened(core, row)
    return _view(batch), _Chunk(row.id, row.number, rows, outcomes)


def _write(
    core: Core, who: Principal, batch_id: str, state: State, chunk: _Chunk, outcomes: Sequence[Outcome | None]
) -> None:
    """Write what became of a part, and how far the list is; nothing where another page was faster."""

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        batch = _load(session, who, batch_id, lock=True)
        if batch.state != state or batch.position != chunk.number:
            return
        row = session.get_one(BatchChunk, chunk.name)
        row.outcomes = _sealed(
            core, "batch_chunks", "outcomes", row.id, [None if one is None else asdict(one) for one in outcomes]
        )
        refused = sum(one is not None and one.code is not None for one in outcomes)
        before = sum(one is not None and one.code is not None for one in chunk.outcomes)
        if state == "checking":
            batch.ready += len(outcomes) - refused
        else:
            batch.done += len(outcomes) - refused
        batch.refused += refused - before
        batch.position += 1
        batch.changed_at = unit.now
        if batch.position * _CHUNK >= batch.total:
            batch.state, batch.position = ("ready" if state == "checking" else "done"), 0
            if batch.state == "done":
                unit.audit("batch.done", batch_id, {"kind": batch.kind, "done": batch.done, "refused": batch.refused})

    core.transact(who.by(), work)


def _load(session: Session, who: Principal, batch_id: str, *, lock: bool = False) -> Batch:
    row = session.get(Batch, batch_id, with_for_update=lock)
    if row is None or row.account_id != who.account_id:
        raise NotFound("batch.none")
    who.require(_RIGHTS[row.kind])
    return row


def _view(row: Batch) -> BatchView:
    looked = row.total if row.state in ("ready", "done") else min(row.position * _CHUNK, row.total)
    return BatchView(row.id, row.kind, cast("State", row.state), row.total, looked, row.ready, row.done, row.refused,
                     row.created_at, row.changed_at)  # fmt: skip


def _sealed(core: Core, table: str, column: str, name: str, content: Sequence[Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return core.at_rest.seal(Place(table, column, name), text)


def _opened(core: Core, chunk: BatchChunk) -> tuple[list[dict[str, Any]], list[Outcome | None]]:
    rows: list[dict[str, Any]] = json.loads(
        core.at_rest.open(Place("batch_chunks", "content", chunk.id), chunk.content)
    )
    if chunk.outcomes is None:
        return rows, [None] * len(rows)
    kept = json.loads(core.at_rest.open(Place("batch_chunks", "outcomes", chunk.id), chunk.outcomes))
    return rows, [None if one is None else _outcome(one) for one in kept]


def _outcome(content: Mapping[str, Any]) -> Outcome:
    return Outcome(**{**content, "also": tuple(_outcome(one) for one in content.get("also", ()))})
