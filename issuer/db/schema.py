"""Run migrations from a program: up, down, and the current revision.

Promises:

1. Two processes that migrate at once do it one after the other (PostgreSQL: an advisory lock; SQLite: its write lock).
2. A migration is one transaction: a kill leaves the schema as it was.
3. What a way back deletes is known before: it is gone through in a transaction that is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, column, func, inspect, select, table, text
from sqlalchemy.exc import DBAPIError

from icard_crypto.errors import StateError

from .engine import PATIENT, Database
from .faults import final

__all__ = ["Loss", "current", "is_way_back", "losses", "migrate", "newest", "require_newest", "revisions"]

#: Any number, the same in every version of the program: the lock's name.
_ADVISORY_LOCK: Final = 4_951_160_169
#: Columns that say nothing of anybody: what binds a row is made again on the way up.
_NO_DATA: Final = {"mac"}


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("issuer.db") / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision that this program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return head or ""


def revisions() -> list[str]:
    """Every revision of the tables that this program knows, the first one first."""
    return [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def current(database: Database) -> str | None:
    """The revision that the database has; None: no tables yet.

    Raises:
        Unavailable: ``database.unreachable``, ``database.busy``.
        StateError: ``database.fault``.
    """
    try:
        with database.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as fault:
        raise final(fault) from fault


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the schema to ``revision``: ``head``, ``base`` (nothing is left) or one between.

    Raises:
        Unavailable: ``database.unreachable``, ``database.full``.
        StateError: ``database.revision``, ``database.fault``.
    """
    with _migrating(database, revision) as connection:
        _migrate(connection, revision, database.is_sqlite)


@dataclass(frozen=True, slots=True)
class Loss:
    """What a way back deletes of one table. ``column``: None where whole rows go; ``rows``: how many, or how many have
    a value in that column."""

    table: str
    column: str | None
    rows: int


def is_way_back(database: Database, revision: str) -> bool:
    """Whether ``revision`` comes before the one that the database has.

    Raises:
        StateError: as :func:`current`.
    """
    now = current(database)
    return now is not None and _is_behind(ScriptDirectory.from_config(_config()), revision, now)


def losses(database: Database, revision: str) -> list[Loss]:
    """What :func:`migrate` to an earlier ``revision`` would delete; nothing is changed.

    Raises:
        StateError: as :func:`migrate`.
    """
    with _migrating(database, revision) as connection:
        before = _content(connection)
        _migrate(connection, revision, database.is_sqlite)
        after = _content(connection)
        connection.rollback()
    found: list[Loss] = []
    for name, (rows, columns) in before.items():
        left_rows, left_columns = after.get(name, (0, {}))
        if left_rows < rows:
            found.append(Loss(name, None, rows - left_rows))
        if name in after:
            gone = columns.keys() - left_columns.keys() - _NO_DATA
            found += [Loss(name, each, columns[each]) for each in sorted(gone) if columns[each]]
    return found


def _content(connection: Connection) -> dict[str, tuple[int, dict[str, int]]]:
    """Of each table how many rows it has, and in how many each column has a value."""
    seen = inspect(connection)
    found = {}
    for name in sorted(set(seen.get_table_names()) - {"alembic_version"}):
        names = [each["name"] for each in seen.get_columns(name)]
        counts = (func.count(column(each)) for each in names)
        rows, *filled = connection.execute(select(func.count(), *counts).select_from(table(name))).one()
        found[name] = (rows, dict(zip(names, filled, strict=True)))
    return found


@contextmanager
def _migrating(database: Database, revision: str) -> Iterator[Connection]:
    """A connection with a transaction of its own, in which tables may be made again."""
    database.check()
    try:
        with database.engine.execution_options(**{PATIENT: True}).connect() as connection:
            if database.is_sqlite:
                # A table that is made again is dropped for a moment, and rows of others name its rows. Within a
                # transaction this pragma does nothing (sqlite.org/pragma.html).
                connection.connection.execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    yield connection
                    if database.is_sqlite and connection.in_transaction():
                        wrong = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                        if wrong is not None:
                            raise StateError("database.fault", path=wrong[0], found="a row that names none")
            finally:
                if database.is_sqlite:
                    connection.connection.execute("PRAGMA foreign_keys=ON")
    except DBAPIError as fault:
        raise final(fault) from fault
    except CommandError:
        raise StateError("database.revision", expected=f"head or {newest()}", found=revision[:40]) from None


def _migrate(connection: Connection, revision: str, is_sqlite: bool) -> None:
    if not is_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    now = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    if revision == "base" or (now is not None and _is_behind(script, revision, now)):
        command.downgrade(_config(connection), revision)
    else:
        command.upgrade(_config(connection), revision)


def _is_behind(script: ScriptDirectory, revision: str, now: str) -> bool:
    """Whether ``revision`` comes before ``now``."""
    return revision not in ("head", now) and any(
        step.revision == revision for step in script.iterate_revisions(now, "base")
    )


def require_newest(database: Database) -> None:
    """Raise unless the schema is the one that this program needs.

    Raises:
        Unavailable: ``database.unreachable``.
        StateError: ``database.not_migrated``.
    """
    database.check()
    found = current(database)
    if found != newest():
        raise StateError("database.not_migrated", expected=f"revision {newest()}", found=found or "no tables")
