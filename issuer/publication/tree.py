"""The one writer of a published tree: files in a folder that any web server or CDN can serve.

Promises:

1. Files are written in the order trust lists and checkpoints, ``trust/latest.cbor``, status lists, bundle, timestamp.
   Whoever has read a timestamp finds everything that it names, or something newer.
2. Files and folders are readable by everybody, whatever the umask. Each file is written whole or not at all; one whose
   content is there already is not touched. A kill leaves a tree that the next run completes, without the half files
   that it left.
3. A file that never changes and has another content, and a file that is newer than what would replace it, stop the run
   before anything is written: what is published is another authority's, or an older state. Only what the caller knows
   to have published itself, while its clock was ahead, is replaced by what is older.
4. Files of lists that are published no more are removed last, when no timestamp names them; what this program does not
   know it leaves alone.

The caller holds the folder's lock (:func:`verifier.runtime.locks.locked`) while it decides what to write.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from icard_crypto import limits
from icard_crypto.errors import IcardError, StateError
from icard_crypto.signing.tokens import peek_unverified
from issuer.published.kinds import IMMUTABLE, FileKind
from verifier.runtime.files import FileFault, read_start, write_whole

__all__ = ["TreeFile", "WrittenTree", "make_folder", "write_tree"]

_ORDER: Final[tuple[FileKind, ...]] = ("trust", "checkpoint", "latest", "status", "bundle", "timestamp")
#: The claim that holds iat, by kind; the others are as new as these.
_IAT: Final[dict[FileKind, int]] = {"status": 6, "timestamp": 3}
#: Public, whatever the umask: a web server of another user reads them.
_READABLE: Final = 0o644
_OPEN_FOLDER: Final = 0o755
_PATH: Final = re.compile(r"[a-z]+\.cbor|[a-z]+/[A-Za-z0-9_-]+(\.cbor)?")


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file to publish. ``iat``: Unix time of what it says; None: the caller has compared it with what is there."""

    path: str
    kind: FileKind
    content: bytes
    iat: int | None


@dataclass(frozen=True, slots=True)
class WrittenTree:
    """All paths in their order, those of them that were written, and those that were removed."""

    paths: tuple[str, ...]
    written: tuple[str, ...]
    removed: tuple[str, ...]


def write_tree(
    folder: Path, files: Iterable[TreeFile], *, ended: Iterable[str] = (), known: Container[int] = ()
) -> WrittenTree:
    """Bring the tree in ``folder`` to these files.

    Args:
        ended: paths that are published no more; they are removed if they are there and not among the files.
        known: times (iat) at which the caller published itself: a file of these may be replaced by an older one.

    Raises:
        StateError: ``export.differs``, ``export.behind``: nothing was written.
        FileFault: a file or folder cannot be written.
    """
    make_folder(folder)
    _sweep(folder)
    ordered = sorted(files, key=lambda file: (_ORDER.index(file.kind), *_natural(file.path)))
    changed = [file for file in ordered if _changes(folder, file, known)]
    for file in changed:
        path = folder / file.path
        make_folder(path.parent)
        write_whole(path, file.content)
        path.chmod(_READABLE)
    removed = [name for name in sorted(set(ended) - {file.path for file in ordered}) if (folder / name).exists()]
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    return WrittenTree(tuple(file.path for file in ordered), tuple(file.path for file in changed), tuple(removed))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        FileFault: ``file.unwritable``.
    """
    try:
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(_OPEN_FOLDER)
    except OSError as fault:
        raise FileFault("file.unwritable", found=f"{folder}: {fault.strerror}") from None


def _natural(path: str) -> tuple[int, str]:
    """Trust lists by version, everything else by name."""
    return len(path), path


def _sweep(folder: Path) -> None:
    """Delete what a killed run left: under the lock nobody else is writing."""
    for pattern in (".*.tmp", "*/.*.tmp"):
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)


def _changes(folder: Path, file: TreeFile, known: Container[int]) -> bool:
    """Whether the file has to be written; promise 3."""
    if not _PATH.fullmatch(file.path):
        raise StateError("export.differs", path=file.path, expected="a path of this program")
    path = folder / file.path
    if not path.exists():
        return True
    there = read_start(path, max(len(file.content), limits.STATUS_TOKEN_BYTES))
    if there == file.content:
        return False
    if file.kind in IMMUTABLE:
        raise StateError("export.differs", path=file.path, expected="the file that was exported before")
    newer = None if file.iat is None else _stated_iat(file.kind, there)
    if newer is not None and file.iat is not None and newer > file.iat and newer not in known:
        raise StateError("export.behind", path=file.path, expected=f"iat {newer} or later", found=str(file.iat))
    return True


def _stated_iat(kind: FileKind, token: bytes) -> int | None:
    """What a file of ours says, unverified: it only holds an export back. None: it says nothing."""
    if kind not in _IAT:
        return None
    try:
        found = peek_unverified(token, _IAT[kind], max_bytes=limits.STATUS_TOKEN_BYTES)
    except IcardError:
        return None
    return found if isinstance(found, int) else None
