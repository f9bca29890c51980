"""Rows that grant rights, bound under a key that is not in the database.

Promises:

1. A table that inherits :class:`Bound` names the columns that grant something. Every row carries a MAC over its table,
   its primary key and these columns; of a sealed column, whose content is bound to its place already, whether it is
   there.
2. A row is bound whenever the service writes it, and checked whenever the service loads it: one that was inserted,
   changed or copied by somebody who has only the database is never handed to the program (:class:`AlteredRow`).
3. Rows are written and read as objects; one that every request reads by :func:`checked_row`, many at once by
   :func:`checked_rows`, :func:`with_mac` and :func:`update_rows`. A statement that writes a bound column by itself
   would leave a row that does not fit, and one that reads single columns checks nothing: decisions are made on what was
   checked.

What no MAC of a row shows: that a row was removed, and that an earlier state of the same row was put back.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from json.encoder import encode_basestring_ascii as _quoted
from operator import itemgetter
from typing import Any, ClassVar, Final, cast

from sqlalchemy import ColumnElement, Row, Select, Table, bindparam, event, select, update
from sqlalchemy.orm import Mapped, Mapper, Session, mapped_column, object_session

from icard_crypto.errors import NotAllowed

from .base import SEALED, Base, Hex64

__all__ = [
    "BINDER",
    "AlteredRow",
    "Binder",
    "Bound",
    "bound_models",
    "bound_tables",
    "checked_row",
    "checked_rows",
    "columns_at",
    "content_of",
    "fits",
    "newest_bound",
    "update_rows",
    "with_mac",
]

#: The MAC over a bound row's content, 64 hexadecimal digits.
Binder = Callable[[bytes], str]
#: Where a session's ``info`` has its binder.
BINDER: Final = "binder"
#: Rows that are taken from the database's driver together.
_FETCHED: Final = 1000


class AlteredRow(NotAllowed):
    """A row that somebody changed outside the service. ``row``: its primary key."""

    def __init__(self, table: str, row: str) -> None:
        super().__init__("at_rest.altered", path=table)
        self.table = table
        self.row = row


class Bound:
    """A mixin for tables whose rows grant rights."""

    bound: ClassVar[tuple[str, ...]]
    #: The revision of the tables since which its rows are bound so (:mod:`issuer.upgrade`).
    bound_since: ClassVar[str] = "0011"
    #: What MACs of its rows covered before, by the revision since which they did.
    bound_earlier: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    mac: Mapped[Hex64] = mapped_column(server_default="")


def bound_models() -> Iterator[type[Bound]]:
    """Every bound table's class."""
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Bound):
            yield mapper.class_


def bound_tables() -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Every bound table, with the columns that its rows' MACs cover."""
    for model in bound_models():
        yield _table(model), model.bound


def columns_at(model: type[Bound], revision: str) -> tuple[str, ...] | None:
    """The columns that MACs of a model's rows covered in a revision of the tables; None: its rows were not bound."""
    if model.bound_since <= revision:
        return model.bound
    earlier = max((since for since in model.bound_earlier if since <= revision), default=None)
    return None if earlier is None else model.bound_earlier[earlier]


def newest_bound() -> str:
    """The newest revision of the tables since which some table's rows are bound."""
    return max(model.bound_since for model in bound_models())


def content_of(table: Table, columns: tuple[str, ...], row: Mapping[str, Any]) -> bytes:
    """What the MAC of a row is made of: JSON of table, primary key, and each bound column by its name."""
    template, values_of, is_sealed = _layout(table, columns)
    values = values_of(row)
    if True in is_sealed:
        values = tuple(value is not None if hidden else value for value, hidden in zip(values, is_sealed, strict=True))
    # This is made for every row that is read or written: texts, most of all values, without an encoder's overhead.
    return (template % tuple([_quoted(value) if type(value) is str else _encoded(value) for value in values])).encode()


def fits(binder: Binder, table: Table, columns: tuple[str, ...], row: Mapping[str, Any]) -> bool:
    """Whether a row carries its own MAC."""
    return bool(row["mac"] == binder(content_of(table, columns, row)))


def with_mac(session: Session, model: type[Bound], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row with its MAC, for a statement that inserts many."""
    table = _table(model)
    return {**values, "mac": _binder(session)(content_of(table, model.bound, values))}


def checked_rows(
    session: Session,
    model: type[Bound],
    *conditions: ColumnElement[bool],
    order: Iterable[Any] = (),
    lock: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """Rows of a table as values by column, each checked as an object would be: a tenth of what objects cost.

    Args:
        order: columns to sort by.
        lock: the rows, until the transaction's end.

    Raises:
        AlteredRow: a row does not carry its own MAC.
    """
    table, names, start = _query(model)
    binder = _binder(session)
    query = start.where(*conditions).order_by(*order)
    # The session writes what is waiting before it is asked; by its connection rows cost a third less than through it.
    session.flush()
    found = session.connection().execute(query.with_for_update() if lock else query)
    for values in itertools.chain.from_iterable(found.partitions(_FETCHED)):
        row = dict(zip(names, values, strict=True))
        if not fits(binder, table, model.bound, row):
            raise AlteredRow(table.name, _key(table, row))
        yield row


def checked_row(session: Session, model: type[Bound], **wanted: str) -> Row[Any] | None:
    """The one row in which these columns have these values, checked as an object would be; None: there is none. Its
    values have the columns' names. For what every request reads: it costs a third of an object.

    Raises:
        AlteredRow: the row does not carry its own MAC.
    """
    table, names, query = _row_query(model, tuple(wanted))
    session.flush()
    found = session.connection().execute(query, wanted).one_or_none()
    if found is None:
        return None
    row = dict(zip(names, found, strict=True))
    if not fits(_binder(session), table, model.bound, row):
        raise AlteredRow(table.name, _key(table, row))
    return found


def update_rows(
    session: Session, model: type[Bound], rows: Iterable[Mapping[str, Any]], changes: Mapping[str, Any]
) -> None:
    """Write the same changes to many rows that :func:`checked_rows` read, with their MACs."""
    table, binder = _table(model), _binder(session)
    keys = [column.name for column in table.primary_key.columns]
    values = []
    for row in rows:
        mac = binder(content_of(table, model.bound, {**row, **changes}))
        values.append({f"key_{name}": row[name] for name in keys} | {"new_mac": mac})
    if values:
        wanted = [table.c[name] == bindparam(f"key_{name}") for name in keys]
        session.connection().execute(update(table).where(*wanted).values(**changes, mac=bindparam("new_mac")), values)


def _query(model: type[Bound]) -> tuple[Table, tuple[str, ...], Select[Any]]:
    """A model's table, its columns' names, and what reads them all."""
    if model not in _QUERIES:
        table = _table(model)
        _QUERIES[model] = table, tuple(column.name for column in table.columns), select(*table.columns)
    return _QUERIES[model]


def _row_query(model: type[Bound], wanted: tuple[str, ...]) -> tuple[Table, tuple[str, ...], Select[Any]]:
    """As :func:`_query`, of the row in which these columns have the values that are given when it is asked."""
    if (model, wanted) not in _ROW_QUERIES:
        table, names, start = _query(model)
        query = start.where(*(table.c[name] == bindparam(name) for name in wanted))
        _ROW_QUERIES[model, wanted] = table, names, query
    return _ROW_QUERIES[model, wanted]


_ROW_QUERIES: Final[dict[tuple[type[Bound], tuple[str, ...]], tuple[Table, tuple[str, ...], Select[Any]]]] = {}


_QUERIES: Final[dict[type[Bound], tuple[Table, tuple[str, ...], Select[Any]]]] = {}


def _table(model: type[Bound]) -> Table:
    return cast("Table", cast("Any", model).__table__)


@functools.cache
def _layout(
    table: Table, columns: tuple[str, ...]
) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]], tuple[bool, ...]]:
    """The JSON of a table's rows with ``%s`` for each value; what takes the values from a row; which are sealed."""
    keys = [column.name for column in table.primary_key.columns]
    names = (*keys, *columns)
    bound = ",".join(f"[{_quoted(name)},%s]" for name in columns)
    template = f"[{_quoted(table.name)},[{','.join('%s' for _ in keys)}],[{bound}]]"
    take = itemgetter(*names)
    values_of = take if len(names) > 1 else lambda row: (take(row),)
    return template, values_of, tuple(bool(table.c[name].info.get(SEALED)) for name in names)


def _encoded(value: Any) -> str:
    if type(value) is int:
        return str(value)
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, bytes):
        return _quoted(value.hex())
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _key(table: Table, row: Mapping[str, Any]) -> str:
    return ":".join(str(row[column.name]) for column in table.primary_key.columns)


def _binder(session: Session | None) -> Binder:
    found = session.info.get(BINDER) if session is not None else None
    if found is None:
        raise RuntimeError("bound rows are read and written by a core's database only")
    return cast("Binder", found)


@event.listens_for(Bound, "before_insert", propagate=True)
@event.listens_for(Bound, "before_update", propagate=True)
def _bind(mapper: Mapper[Any], _connection: object, target: Bound) -> None:
    table = cast("Table", mapper.local_table)
    names = (*(column.name for column in table.primary_key.columns), *target.bound)
    row = {name: getattr(target, name) for name in names}
    target.mac = _binder(object_session(target))(content_of(table, target.bound, row))


@event.listens_for(Bound, "load", propagate=True)
def _check_loaded(target: Bound, context: Any) -> None:
    _check(target, context.session)


@event.listens_for(Bound, "refresh", propagate=True)
def _check_refreshed(target: Bound, context: Any, _attributes: object) -> None:
    _check(target, context.session)


def _check(target: Bound, session: Session) -> None:
    table = _table(type(target))
    row = target.__dict__
    if not fits(_binder(session), table, target.bound, row):
        raise AlteredRow(table.name, _key(table, row))
