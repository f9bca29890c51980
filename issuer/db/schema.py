"""Migrations from a program: up, down, and what stands now.

Promises:

1. Two processes that migrate at once do it one after the other (PostgreSQL: an advisory lock; SQLite: its write lock).
2. A migration is one transaction: a kill leaves the schema as it was.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from icard_crypto.errors import StateError

from .engine import PATIENT, Database, final

__all__ = ["current", "migrate", "newest", "require_newest"]

#: Any number, the same in every version of the program: the lock's name.
_ADVISORY_LOCK: Final = 4_951_160_169


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("issuer.db") / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision that this program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return head or ""


def current(database: Database) -> str | None:
    """The revision that the database has; None: no tables yet.

    Raises:
        StateError: ``database.unreachable``, ``database.busy``, ``database.fault``.
    """
    try:
        with database.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as fault:
        raise final(fault) from fault


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the schema to ``revision``: ``head``, ``base`` (nothing is left) or one between.

    Raises:
        StateError: ``database.revision``, ``database.unreachable``, ``database.full``, ``database.fault``.
    """
    database.check()
    try:
        with database.engine.execution_options(**{PATIENT: True}).begin() as connection:
            _migrate(connection, revision, database.is_sqlite)
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
        StateError: ``database.not_migrated``, ``database.unreachable``.
    """
    database.check()
    found = current(database)
    if found != newest():
        raise StateError("database.not_migrated", expected=f"revision {newest()}", found=found or "no tables")
