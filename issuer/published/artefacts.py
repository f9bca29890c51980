"""Published files as rows: written in the transaction that signed them, read by whatever serves or exports them.

Promises:

1. The highest version of a path is the one that is served; versions come from the publisher's row and only rise.
2. Trust lists and checkpoints are kept permanently. Of what is signed again again and again the newest and the one
   before are kept: a reader that has just looked up the version still finds it.
3. One reading sees files of one moment: what :func:`newest` gives belongs together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .kinds import IMMUTABLE, FileKind
from .models import Artefact

__all__ = ["Ends", "Outline", "newest", "newest_at", "outline_at", "outlines", "put"]


@dataclass(frozen=True, slots=True)
class Outline:
    """A file without its content. ``sha256`` is hexadecimal, ``size`` in bytes."""

    kind: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Ends:
    """A file's path and when what it says ends, Unix time; None: never."""

    path: str
    expires_at: int | None


def put(
    session: Session,
    version: int,
    path: str,
    kind: FileKind,
    content: bytes,
    *,
    iat: int,
    expires_at: int | None = None,
) -> None:
    """Add a version of a file, and drop what promise 2 does not keep. Times are Unix times."""
    if kind not in IMMUTABLE:
        before = select(func.max(Artefact.version)).where(Artefact.path == path).scalar_subquery()
        session.execute(
            delete(Artefact).where(Artefact.path == path, Artefact.version < before),
            execution_options={"synchronize_session": False},
        )
    session.add(
        Artefact(
            path=path,
            version=version,
            kind=kind,
            iat=iat,
            expires_at=expires_at,
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
        )
    )


def newest(session: Session, *kinds: FileKind) -> Sequence[Artefact]:
    """The newest version of every path of these kinds (none given: of all), by path."""
    query = select(Artefact.path, func.max(Artefact.version).label("version")).group_by(Artefact.path)
    if kinds:
        query = query.where(Artefact.kind.in_(kinds))
    top = query.subquery()
    joined = select(Artefact).join(top, (Artefact.path == top.c.path) & (Artefact.version == top.c.version))
    return session.scalars(joined.order_by(Artefact.path)).all()


def outlines(session: Session, kind: FileKind) -> list[Ends]:
    """The newest version of every path of a kind, without reading it."""
    top = select(Artefact.path, func.max(Artefact.version).label("version")).where(Artefact.kind == kind)
    top_of = top.group_by(Artefact.path).subquery()
    query = select(Artefact.path, Artefact.expires_at).join(
        top_of, (Artefact.path == top_of.c.path) & (Artefact.version == top_of.c.version)
    )
    return [Ends(path, ends) for path, ends in session.execute(query.order_by(Artefact.path))]


def newest_at(session: Session, path: str) -> Artefact | None:
    """The newest version of one path."""
    query = select(Artefact).where(Artefact.path == path).order_by(Artefact.version.desc()).limit(1)
    return session.scalars(query).one_or_none()


def outline_at(session: Session, path: str) -> Outline | None:
    """What the newest version of one path is, without reading it."""
    columns = select(Artefact.kind, Artefact.sha256, func.length(Artefact.content)).where(Artefact.path == path)
    found = session.execute(columns.order_by(Artefact.version.desc()).limit(1)).first()
    return None if found is None else Outline(*found)
