"""Putting a backup's database in the place of the service's, before :func:`issuer.restore.restore.restore`.

Promises:

1. Nothing is touched until every file of the backup is as its manifest says.
2. A SQLite file that is there is kept beside, under a name with the time; a PostgreSQL database has to be empty, so
   that nobody's data is overwritten.
3. Keys that the keystore lacks come back; one that is there is left as it is. So do uploads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from sqlalchemy import inspect, make_url

from icard_crypto.errors import StateError
from icard_crypto.moments import moment_text
from issuer.db.engine import connect
from issuer.settings import Settings
from verifier.runtime.files import FileFault

from .backup import check, connection_of, postgres_program

__all__ = ["put_back"]


def put_back(settings: Settings, backup: Path) -> Path | None:
    """Bring the backup's database back; where the database before was put, None where there was none.

    Raises:
        FileFault: ``file.unwritable``.
        StateError: ``backup.*``, ``database.*``; FileFault: a file cannot be written.
    """
    facts = check(backup)
    kind = "issuer.db" if make_url(settings.database).get_backend_name() == "sqlite" else "issuer.dump"
    if kind not in facts["files"]:
        raise StateError("backup.other_database", expected=kind, found=", ".join(sorted(facts["files"]))[:200])
    try:
        kept = None
        if kind == "issuer.db":
            kept = _sqlite(settings, backup / kind)
        else:
            _postgres(settings, backup / kind)
        for name, target in (("keys", settings.keystore_path), ("uploads", settings.uploads_path)):
            _missing(backup / name, target)
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{fault.filename}: {fault.strerror}") from None
    return kept


def _sqlite(settings: Settings, source: Path) -> Path | None:
    path = Path(make_url(settings.database).database or "")
    kept = None
    if path.exists():
        stamp = (moment_text(int(time.time())) or "").replace(":", "")
        kept = path.with_name(f"{path.name}.before-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            if Path(f"{path}{suffix}").exists():
                Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
    partial = path.with_name(path.name + ".partial")
    shutil.copy(source, partial)
    partial.chmod(0o600)
    os.replace(partial, path)
    return kept


def _postgres(settings: Settings, source: Path) -> None:
    database = connect(settings.database)
    database.check()
    tables = inspect(database.engine).get_table_names()
    database.close()
    if tables:
        raise StateError("backup.not_empty", expected="an empty database", found=f"{len(tables)} tables")
    environment = connection_of(settings.database)
    command = [postgres_program("pg_restore"), "--no-owner", "--exit-on-error", "--single-transaction"]
    command += ["--dbname", environment["PGDATABASE"], str(source)]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StateError("backup.program", expected="pg_restore", found=(lines or ["no message"])[-1][:200])


def _missing(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        there = target / path.relative_to(source)
        if not there.exists():
            there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy(path, there)
            there.chmod(0o600)
