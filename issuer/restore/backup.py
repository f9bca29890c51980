"""Backups: the database as of one moment, settings, keys and uploads, in a folder of their own with their hashes.

Promises:

1. A backup may be made while the service runs. It has its name once it is whole and on the disk; what a kill leaves
   ends in ``.partial`` and is removed by the next one.
2. It holds no master key, no passphrase and no mark: whoever has a backup alone reads nothing of any person, and a
   database that is put back is noticed (:mod:`issuer.recovery.epoch`).
3. Its manifest names every file with its SHA-256; :func:`check` reads them all.
4. When the newest backup was made is in the database, for metrics and the doctor, and in the audit.
5. Only what this module made is ever removed, and only where a number to keep was given.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url, update
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from icard_crypto.moments import moment_text
from issuer.acts import Actor
from issuer.audit.models import AuditHead
from issuer.core import Core
from issuer.db import schema
from issuer.db.meta import Meta
from issuer.db.unit_of_work import UnitOfWork
from issuer.settings import FILE_NAME
from verifier.runtime.files import FileFault, write_new

__all__ = ["MANIFEST", "Backup", "back_up", "check", "postgres_program"]

MANIFEST: Final = "manifest.json"
_SQLITE: Final = "issuer.db"
_DUMP: Final = "issuer.dump"
_SECRET: Final = 0o600
_NAME: Final = re.compile(r"icard-[0-9]{8}T[0-9]{6}Z")
_PARTIAL: Final = ".partial"
_CHUNK: Final = 1 << 20
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup. ``seq``: number of the newest act of the audit in it; ``size`` in bytes."""

    folder: Path
    made_at: int
    seq: int
    size: int
    files: int


def back_up(core: Core, target: Path, by: Actor, *, keep: int | None = None) -> Backup:
    """Make a backup in a new folder below ``target``.

    Args:
        keep: remove all but so many of the newest afterwards.

    Raises:
        StateError: ``backup.program``; ``database.*``.
        FileFault: ``file.unwritable``.
    """
    now = core.database.read(core.clock.now)
    name = "icard-" + (moment_text(now) or "").replace("-", "").replace(":", "")
    whole = target / name
    partial = target / (name + _PARTIAL)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in target.glob(f"icard-*{_PARTIAL}"):
            shutil.rmtree(left)
        partial.mkdir(mode=0o700)
        meta, seq = _database(core, partial)
        _settings(core, partial)
        hashes = {path.relative_to(partial).as_posix(): _hash(path) for path in _files(partial)}
        facts = {
            "format": _FORMAT,
            "program": version("icard"),
            "revision": schema.newest(),
            "database_id": meta.database_id,
            "issuer": meta.issuer,
            "made": moment_text(now),
            "audit": seq,
            "files": hashes,
        }
        write_new(partial / MANIFEST, json.dumps(facts, indent=1).encode() + b"\n", mode=_SECRET)
        size = sum(path.stat().st_size for path in _files(partial))
        partial.rename(whole)
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{target}: {fault.strerror}") from None
    made = Backup(whole, now, seq, size, len(hashes))
    _note(core, made, by)
    if keep is not None:
        for old in sorted(path for path in target.iterdir() if _NAME.fullmatch(path.name))[:-keep]:
            shutil.rmtree(old)
    return made


def check(folder: Path) -> dict[str, Any]:
    """The manifest of a backup, once every file of it is as it says.

    Raises:
        StateError: ``backup.manifest``, ``backup.damaged``.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        wanted: dict[str, str] = facts["files"]
        if facts["format"] != _FORMAT:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise StateError("backup.manifest", found=str(folder)) from None
    for name, digest in wanted.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file() or _hash(path) != digest:
            raise StateError("backup.damaged", path=name, found=str(folder))
    return facts


def postgres_program(name: str) -> str:
    """``pg_dump`` or ``pg_restore``: on the path, else the newest of Debian's folders.

    Raises:
        StateError: ``backup.program``.
    """
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = shutil.which(name) or (str(places[-1]) if places else None)
    if found is None:
        raise StateError("backup.program", expected=name)
    return found


def _database(core: Core, folder: Path) -> tuple[Meta, int]:
    """Write the database as of one moment; what it says about itself, and its newest act."""

    def look(session: Session) -> tuple[Meta, int]:
        return session.get_one(Meta, 1), session.get_one(AuditHead, 1).seq

    # Before the copy: it holds this act, and perhaps later ones.
    meta, seq = core.database.read(look)
    if core.database.is_sqlite:
        path = folder / _SQLITE
        with core.database.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("ROLLBACK") if driver.in_transaction else None
            driver.execute("VACUUM INTO ?", (str(path),))
        path.chmod(_SECRET)
    else:
        _dump(core.settings.database, folder / _DUMP)
    return meta, seq


def _dump(url: str, path: Path) -> None:
    command = [postgres_program("pg_dump"), "--format=custom", "--no-owner", f"--file={path}"]
    done = subprocess.run(command, env=connection_of(url), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StateError("backup.program", expected="pg_dump", found=(lines or ["no message"])[-1][:200])
    path.chmod(_SECRET)


def connection_of(url: str) -> dict[str, str]:
    """libpq's variables for an address: a password on a command line would be in the list of processes."""
    parsed = make_url(url)
    query = {name: value if isinstance(value, str) else value[0] for name, value in parsed.query.items()}
    given = {
        "PGHOST": parsed.host or query.get("host"),
        "PGPORT": str(parsed.port) if parsed.port else query.get("port"),
        "PGUSER": parsed.username or query.get("user"),
        "PGPASSWORD": str(parsed.password) if parsed.password else None,
        "PGDATABASE": parsed.database,
        "PGSSLMODE": query.get("sslmode"),
        "PGSSLROOTCERT": query.get("sslrootcert"),
    }
    return {**os.environ, **{name: value for name, value in given.items() if value}}


def _settings(core: Core, folder: Path) -> None:
    settings = core.settings
    path = settings.folder / FILE_NAME
    if path.exists():
        shutil.copy(path, folder / FILE_NAME)
        (folder / FILE_NAME).chmod(_SECRET)
    for name, source in (("keys", settings.keystore_path), ("uploads", settings.uploads_path)):
        if source.is_dir():
            shutil.copytree(source, folder / name)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        # What is renamed into place is on the disk by then.
        os.fsync(file.fileno())
    return digest.hexdigest()


def _note(core: Core, made: Backup, by: Actor) -> None:
    def work(unit: UnitOfWork) -> None:
        unit.session.execute(update(Meta).where(Meta.id == 1).values(backup_at=made.made_at))
        details = {"audit": made.seq, "size": made.size, "files": made.files, **by.details()}
        unit.audit("service.backup", made.folder.name, details)

    core.transact(by, work, settled=lambda session: None)
