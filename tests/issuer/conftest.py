"""A fixture that runs a test on both databases, each time on a new one; and keys that are derived once."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer.db import schema
from issuer.db.engine import Database, connect
from issuer.keys.keystore import Envelope
from tests.kit import postgres


@pytest.fixture(scope="session", autouse=True)
def _scrypt_once() -> Iterator[None]:
    """Compute scrypt once for a salt and a passphrase: a test makes, activates and opens several keys."""
    derive, known = Envelope._derived, dict[tuple[bytes, int, bytes], bytes]()

    def derived(envelope: Envelope, passphrase: bytes) -> bytes:
        of = (envelope.salt, envelope.cost, passphrase)
        if of not in known:
            known[of] = derive(envelope, passphrase)
        return known[of]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Envelope, "_derived", derived)
        yield


@functools.cache
def _sqlite_template() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="icard-template-")
    path = Path(folder.name) / "template.db"
    database = connect(f"sqlite:///{path}")
    schema.migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.close()
    _kept.append(folder)
    return path


_kept: list[tempfile.TemporaryDirectory[str]] = []


def postgres_server() -> postgres.Server:
    """The server of this process; without one a test is skipped, in CI it fails."""
    try:
        return postgres.server()
    except postgres.Unavailable as fault:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL: {fault}")


def new_database_url(kind: str, folder: Path, *, empty: bool = False) -> str:
    """The address of a new database of that kind; a SQLite file lies in ``folder``."""
    if kind == "postgresql":
        return postgres_server().new_database(empty=empty)
    path = folder / "issuer.db"
    if not empty:
        shutil.copy(_sqlite_template(), path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a new database with the newest tables."""
    url = new_database_url(request.param, tmp_path)
    yield url
    if request.param == "postgresql":
        postgres.server().drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a new database without tables."""
    url = new_database_url(request.param, tmp_path, empty=True)
    yield url
    if request.param == "postgresql":
        postgres.server().drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new database with the newest tables."""
    made = connect(database_url)
    yield made
    made.close()
