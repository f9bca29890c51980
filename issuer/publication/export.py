"""Static export: what is published as a tree of files, for any web server or CDN.

``trust/<version>.cbor``, ``audit/<number>.cbor``, ``trust/latest.cbor``, ``status/<name>``, ``bundle.cbor``,
``timestamp.cbor``.

Promises:

1. Files are written in the order above: those that never change first, the timestamp last. Whoever has read a timestamp
   finds everything that it names, or something newer.
2. Each file is written whole or not at all; one whose content stands already is not touched. A kill leaves a tree that
   the next export completes, without the half files that it left.
3. Of two exports at once one waits for the other; each writes what the database holds after the waiting, so that no
   file goes back.
4. The file of a list that is published no more goes last, when no timestamp names it; what this program does not know
   it leaves alone.
5. A file that never changes and has another content, and a file that is newer than the database, stop the export before
   anything is written: the database is an older one, or another's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import IcardError, StateError
from icard_crypto.signing import cose
from issuer.core import Core
from issuer.status.models import StatusListRow
from verifier.runtime.files import FileFault, read_start, write_whole
from verifier.runtime.locks import locked

from . import artefacts
from .models import Artefact

__all__ = ["Exported", "export"]

_ORDER: Final = ("trust", "checkpoint", "latest", "status", "bundle", "timestamp")
#: The claim that holds iat, by kind; the others are as new as these.
_IAT: Final = {"status": 6, "timestamp": 3}
_PATH: Final = re.compile(r"[a-z]+\.cbor|[a-z]+/[A-Za-z0-9_-]+(\.cbor)?")


@dataclass(frozen=True, slots=True)
class Exported:
    """The newest version among the files, the paths that were written, in their order, and those that went."""

    version: int
    written: tuple[str, ...]
    removed: tuple[str, ...] = ()


def export(core: Core, folder: Path) -> Exported:
    """Bring the tree in ``folder`` to what is published now.

    Raises:
        StateError: ``export.differs``, ``export.behind``; FileFault: a file cannot be written.
    """
    _make_folder(folder)
    with locked(folder):
        _sweep(folder)
        # One statement for the files, and so files of one moment (promise 3).
        found, over = core.database.read(_published)
        rows = sorted(found, key=lambda row: (_ORDER.index(row.kind), row.path))
        changed = [row for row in rows if _changed(folder, row)]
        for row in changed:
            path = folder / row.path
            _make_folder(path.parent)
            write_whole(path, row.content)
        removed = [path for path in sorted(over - {row.path for row in rows}) if (folder / path).exists()]
        for name in removed:
            (folder / name).unlink(missing_ok=True)
    version = max((row.version for row in rows), default=0)
    return Exported(version, tuple(row.path for row in changed), tuple(removed))


def _published(session: Session) -> tuple[Sequence[Artefact], set[str]]:
    """The newest files, and the paths of lists that are over."""
    over = session.scalars(select(StatusListRow.name).where(StatusListRow.over_at.is_not(None)))
    return artefacts.newest(session), {artefacts.status_path(name) for name in over}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{folder}: {fault.strerror}") from None


def _sweep(folder: Path) -> None:
    """Delete what a killed export left: under the lock nobody else is writing."""
    for pattern in (".*.tmp", "*/.*.tmp"):
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)


def _changed(folder: Path, row: Artefact) -> bool:
    """Whether the file has to be written; promise 5."""
    if not _PATH.fullmatch(row.path):
        raise StateError("export.differs", path=row.path, expected="a path of this program")
    path = folder / row.path
    if not path.exists():
        return True
    there = read_start(path, max(len(row.content), limits.STATUS_TOKEN_BYTES))
    if there == row.content:
        return False
    if row.kind in artefacts.IMMUTABLE:
        raise StateError("export.differs", path=row.path, expected="the file that was exported before")
    newer = _iat_of(row.kind, there)
    if newer is not None and newer > row.iat:
        raise StateError("export.behind", path=row.path, expected=f"iat {newer} or later", found=str(row.iat))
    return True


def _iat_of(kind: str, token: bytes) -> int | None:
    """What a file of ours says, which nobody believes: it only holds an export back. None: it says nothing."""
    if kind not in _IAT:
        return None
    try:
        payload = cose.parse_sign1(token, max_bytes=limits.STATUS_TOKEN_BYTES).payload
        claims = cbor.decode(payload, max_bytes=limits.STATUS_TOKEN_BYTES, max_items=limits.TIMESTAMP_ITEMS)
    except IcardError:
        return None
    found = claims.get(_IAT[kind]) if isinstance(claims, dict) else None
    return found if isinstance(found, int) else None
