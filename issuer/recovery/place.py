"""Where the database lies: a copy of the whole folder, or of the whole server, is found before it signs.

Promises:

1. The database says, by a keyed hash, in which place it was made or adopted: on SQLite machine, file system, path and
   inode, on PostgreSQL the server's system identifier and the database's own. Elsewhere the service does not start.
2. ``icard-issuer adopt`` and ``icard-issuer restore`` say that it belongs to where it is now.

What this does not see is a whole machine that was put back in its own place, or runs twice with all its identifiers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.db.engine import Database
from issuer.db.meta import Meta
from issuer.vault.at_rest import AtRest

__all__ = ["place_of", "require_place"]

_MACHINE_ID: Final = Path("/etc/machine-id")


def place_of(database: Database, at_rest: AtRest) -> str:
    """The keyed hash of where the database lies now, 64 hexadecimal digits."""
    parts = _file(database) if database.is_sqlite else database.read(_server)
    return at_rest.digest("place", "\0".join(parts))


def require_place(database: Database, at_rest: AtRest, meta: Meta) -> None:
    """Raise unless the database is where it was made or adopted.

    Raises:
        StateError: ``epoch.moved``.
    """
    if meta.place != place_of(database, at_rest):
        raise StateError("epoch.moved", expected="the place where the database was made or adopted")


def _file(database: Database) -> list[str]:
    path = os.path.realpath(database.engine.url.database or "")
    try:
        machine = _MACHINE_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        # A container has none; its volume's file system and inode are distinguished all the same.
        machine = ""
    # Not the device's number, which may be another after each start of the machine.
    return [machine, path, str(os.statvfs(path).f_fsid), str(os.stat(path).st_ino)]


def _server(session: Session) -> list[str]:
    own = session.execute(text("SELECT oid, datname FROM pg_database WHERE datname = current_database()")).one()
    try:
        with session.begin_nested():
            server = session.scalar(text("SELECT system_identifier FROM pg_control_system()"))
    except DBAPIError:
        # Some who host databases do not tell it.
        server = ""
    return [str(server), str(own.oid), str(own.datname)]
