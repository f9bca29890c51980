"""Rows that grant rights, bound under a key that is not in the database.

Promises:

1. A table that inherits :class:`Bound` names the columns that grant something. Every row carries a MAC over its table,
   its primary key and these columns; of a sealed column, whose content is bound to its place already, whether it is
   there.
2. A row is bound whenever the service writes it, and checked whenever the service loads it: one that was inserted,
   changed or copied by somebody who has only the database is never handed to the program (:class:`AlteredRow`).
3. Rows are written and read as objects. A statement that writes a bound column by itself would leave a row that does
   not fit, and one that reads single columns checks nothing: decisions are made on objects.

What no MAC of a row shows: that a row was removed, and that an earlier state of the same row was put back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final, cast

from sqlalchemy import Table, event, inspect
from sqlalchemy.orm import Mapped, Mapper, Session, mapped_column, object_session

from icard_crypto.errors import NotAllowed

from .base import SEALED, Base, Hex64

__all__ = ["BINDER", "AlteredRow", "Binder", "Bound", "bound_tables", "content_of", "fits", "newest_bound", "with_mac"]

#: The MAC over a bound row's content, 64 hexadecimal digits.
Binder = Callable[[bytes], str]
#: Where a session's ``info`` has its binder.
BINDER: Final = "binder"


class AlteredRow(NotAllowed):
    """A row that somebody changed outside the service. ``row``: its primary key."""

    def __init__(self, table: str, row: str) -> None:
        super().__init__("at_rest.altered", path=table)
        self.table = table
        self.row = row


class Bound:
    """A mixin for tables whose rows grant rights."""

    bound: ClassVar[tuple[str, ...]]
    #: The revision of the tables since which its rows are bound (:mod:`issuer.upgrade`).
    bound_since: ClassVar[str] = "0011"

    mac: Mapped[Hex64] = mapped_column(server_default="")


def bound_tables(after: str = "") -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Every bound table, with the columns that its rows' MACs cover.

    Args:
        after: only those whose rows are bound since a later revision of the tables than this one.
    """
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Bound) and mapper.class_.bound_since > after:
            yield cast("Table", mapper.local_table), mapper.class_.bound


def newest_bound() -> str:
    """The newest revision of the tables since which some table's rows are bound."""
    return max(mapper.class_.bound_since for mapper in Base.registry.mappers if issubclass(mapper.class_, Bound))


def content_of(table: Table, columns: tuple[str, ...], row: Mapping[str, Any]) -> bytes:
    """What the MAC of a row is made of: table, primary key, and each bound column by its name."""
    key = [_plain(table, column.name, row[column.name]) for column in table.primary_key.columns]
    values = [[name, _plain(table, name, row[name])] for name in columns]
    return json.dumps([table.name, key, values], ensure_ascii=True, separators=(",", ":")).encode()


def fits(binder: Binder, table: Table, columns: tuple[str, ...], row: Mapping[str, Any]) -> bool:
    """Whether a row carries its own MAC."""
    return bool(row["mac"] == binder(content_of(table, columns, row)))


def with_mac(session: Session, model: type[Bound], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row with its MAC, for a statement that inserts many."""
    table = cast("Table", inspect(model).local_table)
    return {**values, "mac": _binder(session)(content_of(table, model.bound, values))}


def _plain(table: Table, name: str, value: Any) -> Any:
    if table.c[name].info.get(SEALED):
        return value is not None
    return value.hex() if isinstance(value, bytes) else value


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
    table = cast("Table", inspect(type(target)).local_table)
    row = target.__dict__
    if not fits(_binder(session), table, target.bound, row):
        key = ":".join(str(row[column.name]) for column in table.primary_key.columns)
        raise AlteredRow(table.name, key)
