"""Data upgrades that need the master key, run after the migrations of the tables.

Promises:

1. Records of an older version are bound to the master key (:mod:`issuer.db.bound`), secrets' hashes become keyed ones,
   the audit's rows get their MACs, and the hashes by which cards are found are made again: in one transaction, once.
2. Where a version binds more tables, or more columns of one, their rows alone are bound: the others are checked as
   always. A row that was bound before is bound again only where it fits: what was altered stays refused.
3. A database that was bound and says that it was not is not bound again without a name and a reason: somebody may have
   changed its records and ask to have that signed off. The mark outside the database remembers how many tables were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

from sqlalchemy import Column, Table, bindparam, select, tuple_, update
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError

from .accounts.models import ApiToken, Invitation, LoginSession
from .accounts.secret_text import SecretKind, keyed
from .acts import Actor
from .audit.chain import row_mac
from .audit.models import AuditRow
from .cards.models import CardLookup, CardRow
from .cards.records import read_record, search_keys
from .core import Core
from .db import schema
from .db.base import Base
from .db.bound import bound_models, columns_at, content_of, fits, newest_bound
from .db.meta import Meta
from .db.unit_of_work import UnitOfWork
from .recovery.epoch import read_mark
from .recovery.place import place_of

__all__ = ["bind", "go_back"]

_PAGE: Final = 1000
_SECRETS: Final[tuple[tuple[type[Base], str, SecretKind], ...]] = (
    (LoginSession, "token_hash", "session"),
    (Invitation, "token_hash", "invitation"),
    (ApiToken, "secret_hash", "token"),
)


def bind(core: Core, by: Actor) -> int:
    """Bind what an older version wrote; how many rows were bound, 0 where all were before.

    Args:
        core: opened with ``upgrading``.
        by: who acts; a reason is needed only where the database was bound before.

    Raises:
        StateError: ``database.bound_before``.
    """
    mark = read_mark(core.settings.epoch_path)
    place = place_of(core.database, core.at_rest)
    known = 0 if mark is None else int(mark.bound)

    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        meta = session.get_one(Meta, 1, with_for_update=True)
        if meta.bound_at is not None:
            return _bind_new(core, unit, meta, by, known)
        _search_anew(core, session)
        meta = session.get_one(Meta, 1)
        if mark is not None and mark.bound and mark.database_id == meta.database_id and not by.reason:
            raise StateError("database.bound_before")
        for model, column, kind in _SECRETS:
            _rewrite(session, model.__table__, column, lambda row, c=column, k=kind: keyed(core.at_rest, k, row[c]))
        count = _bind_tables(core, session, "", newest_bound())
        count += _rewrite(session, AuditRow.__table__, "mac", lambda row: row_mac(core.at_rest, row["hash"]))
        meta.bound_at, meta.bound_to, meta.place = now, newest_bound(), place
        unit.audit("service.bind", "database", {**by.details(), "rows": count})
        return count

    return core.transact(by, work, settled=lambda session: None)


def go_back(core: Core, by: Actor, revision: str, losses: Sequence[schema.Loss]) -> None:
    """Bring the tables back to an earlier revision of them, once the audit has who did it and what went.

    Args:
        losses: what goes, by :func:`issuer.db.schema.losses`.

    Raises:
        StateError: as :func:`issuer.db.schema.migrate`.
    """

    def work(unit: UnitOfWork) -> None:
        # What the version of that revision had bound: the rows of later tables are bound again on the way up.
        since = {model.bound_since for model in bound_models()}
        _bind_tables(core, unit.session, newest_bound(), revision)
        unit.session.get_one(Meta, 1).bound_to = max((one for one in since if one <= revision), default=None)
        gone = {each.table if each.column is None else f"{each.table}.{each.column}": each.rows for each in losses}
        steps = {"before": schema.newest(), "now": revision}
        unit.audit("database.back", "database", {**by.details(), **steps, "deleted": gone})

    core.transact(by, work)
    schema.migrate(core.database, revision)


def _bind_new(core: Core, unit: UnitOfWork, meta: Meta, by: Actor, known: int) -> int:
    """Bind the rows of tables that were not bound in the version before; how many."""
    before, newest = meta.bound_to or "", newest_bound()
    if before == newest:
        return 0
    bound_before = sum(columns_at(model, before) is not None for model in bound_models())
    if known > bound_before and not by.reason:
        raise StateError("database.bound_before")
    count = _bind_tables(core, unit.session, before, newest)
    meta.bound_to = newest
    unit.audit("service.bind", "database", {**by.details(), "rows": count, "after": before})
    return count


def _bind_tables(core: Core, session: Session, before: str, after: str) -> int:
    """Bind rows as a revision of the tables has them bound that were not, or not so, in another one; how many."""
    count = 0
    for model in bound_models():
        old, new = columns_at(model, before), columns_at(model, after)
        if new is not None and old != new:
            table = cast("Table", cast("Any", model).__table__)
            count += _rewrite(session, table, "mac", partial(_new_mac, core, table, old, new))
    return count


def _new_mac(
    core: Core, table: Table, old: tuple[str, ...] | None, new: tuple[str, ...], row: Mapping[str, Any]
) -> str:
    """The MAC that a row gets; its own where it was bound before and does not fit."""
    if old is not None and not fits(core.at_rest.mac, table, old, row):
        return str(row["mac"])
    return core.at_rest.mac(content_of(table, new, row))


def _search_anew(core: Core, session: Session) -> None:
    """Make the hashes by which cards are found again: names and numbers have another form than before."""
    last = ""
    while rows := session.scalars(select(CardRow).where(CardRow.id > last).order_by(CardRow.id).limit(_PAGE)).all():
        for row in rows:
            keys = search_keys(core, read_record(core, row))
            change = update(CardLookup).where(CardLookup.card_id == row.id)
            for kind, digest in keys.items():
                session.execute(change.where(CardLookup.kind == kind).values(digest=digest))
            row.permit_key = keys.get("permit")
        last = rows[-1].id
        session.flush()
        session.expunge_all()


def _rewrite(session: Session, table: Any, column: str, make: Any) -> int:
    """Set a column of every row to what ``make`` gives for the row; how many."""
    key: list[Column[Any]] = list(table.primary_key.columns)
    change = update(table).where(*(each == bindparam(f"key_{each.name}") for each in key))
    change = change.values({column: bindparam("new_value")})
    count = 0
    for rows in _pages(session, table, key):
        values = [{**{f"key_{each.name}": row[each.name] for each in key}, "new_value": make(row)} for row in rows]
        session.connection().execute(change, values)
        count += len(rows)
    return count


def _pages(session: Session, table: Table, key: list[Column[Any]]) -> Iterator[list[Any]]:
    last: tuple[Any, ...] | None = None
    while True:
        query = select(table).order_by(*key).limit(_PAGE)
        if last is not None:
            query = query.where(tuple_(*key) > last)
        rows = list(session.execute(query).mappings())
        if rows:
            yield rows
        if len(rows) < _PAGE:
            return
        last = tuple(rows[-1][each.name] for each in key)
