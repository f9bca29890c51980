"""Dumps of a database at every revision of its tables: tests/issuer/db/dumps.json.xz.

Promises:

1. A town of people, cards, applications and insurance is made by this version's code, and taken back revision by
   revision; what each revision has no place for is gone, as in a database that never had it.
2. A dump is rows by table and column, neither SQLite's nor PostgreSQL's: whoever loads it makes the tables by the
   migrations up to that revision. What two revisions have alike is in the file once.

Run it before a release, so that its revisions are tried with data: ``python -m tools.make_dumps``. It changes every
dump, for keys and times are new.
"""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import tempfile
from pathlib import Path
from typing import Any, Final

from sqlalchemy import MetaData, Table, inspect, select, update

import issuer.tables  # noqa: F401  (every table)
from issuer.db import schema
from issuer.db.bound import bound_models
from issuer.db.engine import Database, connect
from tests.kit.portal import town

__all__ = ["FILE", "main"]

FILE: Final = Path(__file__).parent.parent / "tests" / "issuer" / "db" / "dumps.json.xz"
_FILES: Final = ("master.key", "epoch")


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        core = town(folder, office=True).issuing_service.core
        settings = core.settings
        core.close()
        found: dict[str, Any] = {
            "issuer": settings.issuer,
            "regions": list(settings.regions),
            "status_prefix": settings.status_prefix,
            "files": {name: _text((folder / name).read_bytes()) for name in _FILES},
            "tables": {},
            "revisions": {},
        }
        database = connect(settings.database)
        for revision in reversed(schema.revisions()):
            schema.migrate(database, revision)
            _note_bound(database, revision)
            _dump(database, revision, found)
        database.close()
    FILE.write_bytes(lzma.compress(json.dumps(found, separators=(",", ":"), sort_keys=True).encode(), preset=9))


def _note_bound(database: Database, revision: str) -> None:
    """Say about what was bound what the version of that revision said."""
    with database.engine.begin() as connection:
        if "bound_to" not in {each["name"] for each in inspect(connection).get_columns("meta")}:
            return
        meta = Table("meta", MetaData(), autoload_with=connection)
        newest = max(model.bound_since for model in bound_models() if model.bound_since <= revision)
        connection.execute(update(meta).values(bound_to=newest))


def _dump(database: Database, revision: str, found: dict[str, Any]) -> None:
    tables = {}
    with database.engine.connect() as connection:
        for name in sorted(set(inspect(connection).get_table_names()) - {"alembic_version"}):
            table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
            rows = [[_plain(value) for value in row] for row in connection.execute(select(table))]
            content = {"columns": [column.name for column in table.columns], "rows": rows}
            digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
            found["tables"][digest] = content
            tables[name] = digest
    found["revisions"][revision] = tables


def _plain(value: Any) -> Any:
    return {"b64": _text(value)} if isinstance(value, bytes) else value


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


if __name__ == "__main__":
    main()
