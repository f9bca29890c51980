"""Static export: what is published, as a tree of files written by :mod:`issuer.publication.tree`.

Promise: of two exports at once one waits for the other; each writes what the database holds after the waiting, so that
no file is replaced by an older one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.lists.tree import status_path
from issuer.core import Core
from issuer.db.meta import PublishedAt, Publisher
from issuer.published import artefacts
from issuer.published.kinds import FileKind
from issuer.published.models import Artefact
from issuer.status.models import StatusListRow
from verifier.runtime.locks import locked

from .tree import TreeFile, make_folder, write_tree

__all__ = ["Exported", "export"]


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
    make_folder(folder)
    with locked(folder):
        # One statement for the files, and so files of one moment.
        found, over, known = core.database.read(_published)
        files = (TreeFile(row.path, cast("FileKind", row.kind), row.content, row.iat) for row in found)
        done = write_tree(folder, files, ended=over, known=known)
    return Exported(max((row.version for row in found), default=0), done.written, done.removed)


def _published(session: Session) -> tuple[Sequence[Artefact], set[str], set[int]]:
    """The newest files, the paths of lists that are over, and times of publications that are later than the newest."""
    over = session.scalars(select(StatusListRow.name).where(StatusListRow.retired_at.is_not(None)))
    newest = session.get_one(Publisher, 1).iat
    ahead = session.scalars(select(PublishedAt.iat).where(PublishedAt.iat > newest))
    return artefacts.newest(session), {status_path(name) for name in over}, set(ahead)
