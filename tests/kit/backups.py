"""A backup of a test's database, and its return."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.kit import postgres

__all__ = ["back_up", "put_back"]


def back_up(url: str, place: Path) -> None:
    """Keep the database as it is; nobody may be connected to it."""
    _copy(url, place, back=False)


def put_back(url: str, place: Path) -> None:
    """Replace the database by what was kept."""
    _copy(url, place, back=True)


def _copy(url: str, place: Path, *, back: bool) -> None:
    name = make_url(url).database
    assert name is not None
    if url.startswith("sqlite"):
        # The last connection to a file takes its journal into it.
        assert not Path(f"{name}-wal").exists()
        shutil.copy(place if back else name, name if back else place)
        return
    kept = f"{name}_backup"
    source, target = (kept, name) if back else (name, kept)
    with psycopg.connect(postgres.server().dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {target} TEMPLATE {source} STRATEGY FILE_COPY".encode())
