"""Rows that do not fit their MAC: noted when they are met, looked for on request.

Promises:

1. A row that was met is noted once a process, and stays noted until it is gone or fits again.
2. A search reads every bound table in short transactions, and names each row that does not fit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from .bound import AlteredRow, bound_tables, fits
from .engine import Database

__all__ = ["AlteredRows", "search"]

_PAGE: Final = 1000
#: Rows that one process notes; whoever alters more has been seen.
_MOST: Final = 1000


class AlteredRows:
    """The rows that this process has met. Thread-safe."""

    def __init__(self) -> None:
        self._met: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def note(self, fault: AlteredRow) -> bool:
        """Note a row; False: it was noted before."""
        with self._lock:
            key = (fault.table, fault.row)
            if key in self._met or len(self._met) >= _MOST:
                return False
            self._met.add(key)
            return True

    def remaining(self, database: Database) -> list[tuple[str, str]]:
        """Check the noted rows again; return those that still do not fit, by table and primary key."""
        with self._lock:
            met = sorted(self._met)
        left = [one for one in met if _is_altered(database, *one)]
        with self._lock:
            self._met -= set(met) - set(left)
        return left


def search(database: Database) -> Iterator[AlteredRow]:
    """Every row of the database that does not fit."""
    if database.binder is None:
        raise RuntimeError("rows are checked by a core's database only")
    for table, columns in bound_tables():
        key = list(table.primary_key.columns)
        last: tuple[Any, ...] | None = None
        while True:
            query = select(table).order_by(*key).limit(_PAGE)
            if last is not None:
                query = query.where(tuple_(*key) > last)
            rows = database.read(partial(_mappings, query))
            for row in rows:
                if not fits(database.binder, table, columns, row):
                    yield AlteredRow(table.name, ":".join(str(row[column.name]) for column in key))
            if len(rows) < _PAGE:
                break
            last = tuple(rows[-1][column.name] for column in key)


def _is_altered(database: Database, name: str, row: str) -> bool:
    for table, columns in bound_tables():
        if table.name == name and database.binder is not None:
            keys = zip(table.primary_key.columns, row.split(":"), strict=True)
            query = select(table).where(*(column == value for column, value in keys))
            found = database.read(partial(_mappings, query))
            return any(not fits(database.binder, table, columns, one) for one in found)
    return False


def _mappings(query: Any, session: Session) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(query).mappings()]
