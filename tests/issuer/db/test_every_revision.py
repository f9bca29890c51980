"""Databases of every revision of the tables, with data: brought up, brought back, and written by the version before.

The dumps are made by ``python -m tools.make_dumps``.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, func, inspect, select, text
from sqlalchemy.exc import DBAPIError, NoSuchTableError

import issuer.tables  # noqa: F401  (every table)
from issuer.acts import Actor
from issuer.audit.verify import verify
from issuer.core import Core
from issuer.db import schema
from issuer.db.bound import bound_models
from issuer.db.engine import Database, connect
from issuer.settings import Settings
from issuer.upgrade import bind, go_back
from tests.kit.issuing_service import PASSPHRASE
from tools.make_dumps import FILE

REVISIONS = schema.revisions()
BY = Actor("host:li.na", "a new version")
#: Steps with which the version before cannot go on while the tables are new already: every process is stopped for them.
NEED_A_STOP = {"0005", "0011"}


#: PostgreSQL beside make test: a revision's tables are made by the same statements.
BOTH = pytest.mark.parametrize(
    "empty_database_url",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.second_database)],
    indirect=True,
)


@functools.cache
def dumps() -> Any:
    return json.loads(lzma.decompress(FILE.read_bytes()))


DUMPED = sorted(dumps()["revisions"])


def value(plain: Any) -> Any:
    return base64.b64decode(plain["b64"]) if isinstance(plain, dict) else plain


def fill(database: Database, revision: str) -> dict[str, int]:
    """Put the dump of a revision into tables that are there; how many rows of each."""
    found = {}
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.connection.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if not database.is_sqlite:
                # As when a dump is put back by pg_restore: no trigger of a foreign key looks at single rows.
                connection.execute(text("SET session_replication_role = replica"))
            for name, digest in dumps()["revisions"][revision].items():
                content = dumps()["tables"][digest]
                table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
                columns = [table.c[column] for column in content["columns"]]
                rows = [{c.name: value(v) for c, v in zip(columns, row, strict=True)} for row in content["rows"]]
                connection.execute(table.delete())
                if rows:
                    connection.execute(table.insert(), rows)
                found[name] = len(rows)
            if not database.is_sqlite:
                connection.execute(text("SET session_replication_role = origin"))
        if database.is_sqlite:
            connection.connection.execute("PRAGMA foreign_keys=ON")
    return found


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(text(name))).scalar_one()
            for name in inspect(connection).get_table_names()
        }


def settings(folder: Path, url: str) -> Settings:
    for name, content in dumps()["files"].items():
        (folder / name).write_bytes(base64.b64decode(content))
        (folder / name).chmod(0o600)
    return Settings.model_validate(
        {
            "folder": folder,
            "database_url": url,
            "passphrase": PASSPHRASE,
            **{name: dumps()[name] for name in ("issuer", "regions", "status_prefix")},
        }
    )


def test_no_revision_lacks_its_dump() -> None:
    """From the first one on, but for those that came since the dumps were made: their data is this version's own."""
    assert REVISIONS[: len(DUMPED)] == DUMPED
    assert len(DUMPED) >= 26
    assert all(dumps()["tables"][dumps()["revisions"][revision]["cards"]]["rows"] for revision in DUMPED)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("revision", DUMPED)
def test_a_database_of_each_revision_is_brought_up_and_back(
    tmp_path: Path, empty_database_url: str, revision: str
) -> None:
    """Up: no row is lost, the audit is whole, and every bound row fits its MAC. Back: the rows that the revision has a
    place for are there, but for what the way back said; and up again."""
    found = settings(tmp_path, empty_database_url)
    database = connect(empty_database_url)
    schema.migrate(database, revision)
    before = fill(database, revision)
    schema.migrate(database)
    after = counts(database)
    assert {name: rows for name, rows in before.items() if after.get(name, 0) < rows} == {}
    core = Core.open(found, upgrading=True)
    bind(core, BY)
    core.close()
    core = Core.open(found, restoring=True)
    assert verify(core).whole
    for model in bound_models():
        core.database.read(lambda session, model=model: session.scalars(select(model)).all())  # type: ignore[misc]
    if revision != REVISIONS[-1]:
        losses = schema.losses(core.database, revision)
        wanted = counts(core.database)
        go_back(core, BY, revision, losses)
        gone = {each.table: each.rows for each in losses if each.column is None}
        left = counts(core.database)
        audit = ("audit", "audit_details")
        assert {name: left.get(name, 0) + gone.get(name, 0) for name in wanted if name not in audit} == {
            name: rows for name, rows in wanted.items() if name not in audit
        }
        schema.migrate(core.database)
        bind(core, BY)
        assert verify(core).whole
    core.close()
    database.close()


@pytest.mark.slow
@BOTH
def test_the_version_before_goes_on_writing_while_servers_are_replaced(empty_database_url: str) -> None:
    """Servers are replaced one after the other, tables first: what the version of a revision writes is taken by the
    tables of the next one, but for the steps for which every process is stopped."""
    database = connect(empty_database_url)
    refused = {}
    for older, newer in itertools.pairwise(REVISIONS[: len(DUMPED) + 1]):
        schema.migrate(database, newer)
        try:
            fill(database, older)
        except (DBAPIError, KeyError, NoSuchTableError) as fault:
            # A column or a table that is no more.
            refused[newer] = f"{type(fault).__name__}: {str(fault)[:200]}"
    database.close()
    assert set(refused) == NEED_A_STOP, refused
