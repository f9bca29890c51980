"""Files of an application's papers: uploaded by the applicant, kept sealed outside the database, looked at by page.

Promises:

1. A file is PDF, PNG or JPEG by its content, of at most :data:`MOST_BYTES`; one that is not what it says it is, that
   can't be read, has too many pages or takes too long to draw is refused by name before anything is kept.
2. A photo is measured at once by the rules of kind ``photo``; every point that has to change is named, and what is kept
   is the photo as the server scaled it.
3. The file is written first, then its row; a file without a row is removed within hours.
4. A new file makes its paper UNCHECKED again; files come and go while the application is a draft or returned, of a
   promised paper until its day.
5. The files of one organisation's open applications, with those of the last 30 days, have a bound; a draft that is
   withdrawn takes its files along.
6. Whoever sees the application sees its files; an official's look leaves a row. What is shown was drawn again, and a
   page that was drawn lately comes from this process's memory (:mod:`issuer.documents.drawn_pages`).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound, StateError
from icard_crypto.limits import MIB
from icard_crypto.moments import DAY
from issuer.accounts.principals import Principal
from issuer.audit.reads import note_read
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.moments import later_moment
from issuer.db.unit_of_work import UnitOfWork
from issuer.documents import drawing, photos
from issuer.documents.drawn_pages import DrawnPages
from issuer.rules.days import day_of
from issuer.rules.rows import Rule
from issuer.rules.store import read_book
from issuer.vault.at_rest import Place
from issuer.vault.files import SealedFiles

from .machines import UNDECIDED
from .models import Filing, Paper, Upload
from .papers import require_material, require_open
from .parties import filed_by, load_filing, require_filer, require_own
from .refusals import FilingRefused, Refusal

__all__ = [
    "MOST_BYTES",
    "PHOTO",
    "FileView",
    "add_file",
    "draw_file_page",
    "file_views",
    "kept_file_page",
    "newest_photo",
    "photo_rules",
    "read_file",
    "remove_file",
    "show_file",
    "sweep_files",
]

#: Bytes of a file.
MOST_BYTES: Final = 20 * MIB
#: Files of one paper.
_MOST_FILES: Final = 10
#: The code of the material that is a photo.
PHOTO: Final = "M08"
#: Seconds after which a file without a row was left behind.
_LEFT_BEHIND: Final = 3600.0
_OPEN: Final = ("DRAFT", *UNDECIDED)
#: Seconds for which the files of an application that is over count.
_RECENT: Final = 30 * DAY
_CHUNK: Final = 500
_drawn: Final = DrawnPages()


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a paper. ``size``: bytes; ``created_at``: Unix time."""

    file_id: str
    filing_id: str
    code: str
    media_type: str
    size: int
    pages: int
    created_at: int


def add_file(
    core: Core,
    who: Principal,
    filing_id: str,
    code: str,
    data: bytes,
    said: str,
    request: Request | None = None,
) -> str:
    """Keep a file of a paper; its id.

    Args:
        code: of the material; said: the media type that the file is said to have.

    Raises:
        FilingRefused: ``filing.refused``, with every point of a photo that has to change.
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
        Conflict: ``process.move``.
        Invalid: ``filing.field``.
        StateError: ``upload.*``.
    """
    require_filer(who)
    # Before a process is started for a file that nobody may add.
    core.database.read(
        lambda session: _require_room(core, session, _own(core, session, who, filing_id), code, len(data))
    )
    media_type = _checked_type(data, said)
    kept, pages = _looked_at(core, data, media_type, filing_id, code)
    kept_type = "image/jpeg" if code == PHOTO else media_type
    file_id = secrets.token_hex(16)
    files = SealedFiles(core.settings.uploads_path)
    key = files.write(file_id, kept)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = _own(core, session, who, filing_id, lock=True)
        _require_room(core, session, row, code, len(kept))
        upload = Upload(
            id=file_id,
            filing_id=row.id,
            code=code,
            digest=core.at_rest.digest("upload", hashlib.sha256(kept).hexdigest()),
            media_type=kept_type,
            size=len(kept),
            pages=pages,
            account_id=who.account_id,
            created_at=later_moment(session, now, Upload.created_at, Upload.filing_id == row.id),
        )
        upload.key = core.at_rest.seal(Place("uploads", "key", file_id), key)
        session.add(upload)
        _touch(session, row, code, now)
        unit.audit("file.add", file_id, {"filing": row.id, "code": code})
        unit.made(file_id)

    try:
        core.transact(who.by(), work, request=request)
    except BaseException:
        files.remove(file_id)
        raise
    return file_id


def remove_file(core: Core, who: Principal, file_id: str) -> None:
    """Take a file back.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``upload.none``.
        Conflict: ``process.move``.
    """
    require_filer(who)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        upload = _load(core, session, who, file_id)
        row = _own(core, session, who, upload.filing_id, lock=True)
        require_open(session, row, upload.code)
        session.delete(upload)
        _touch(session, row, upload.code, now)
        unit.audit("file.remove", file_id, {"filing": row.id, "code": upload.code})

    core.transact(who.by(), work)
    _drawn.forget(file_id)
    SealedFiles(core.settings.uploads_path).remove(file_id)


def _own(core: Core, session: Session, who: Principal, filing_id: str, *, lock: bool = False) -> Filing:
    row = load_filing(core, session, who, filing_id, lock=lock)
    require_own(who, row)
    return row


def show_file(core: Core, who: Principal, file_id: str) -> FileView:
    """What is known about a file.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``upload.none``.
    """
    return core.database.read(lambda session: _view(_load(core, session, who, file_id)))


def read_file(core: Core, who: Principal, file_id: str) -> tuple[FileView, bytes]:
    """A file as it was uploaded; a photo as it was scaled.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``upload.none``.
        StateError: ``at_rest.*``.
    """

    def look(session: Session) -> tuple[FileView, bytes]:
        upload = _load(core, session, who, file_id)
        return _view(upload), core.at_rest.open(Place("uploads", "key", file_id), upload.key)

    found, key = core.database.read(look)
    _note_look(core, who, file_id)
    return found, SealedFiles(core.settings.uploads_path).read(file_id, key, MOST_BYTES)


def _note_look(core: Core, who: Principal, file_id: str) -> None:
    if who.role.official:
        note_read(core, f"account:{who.account_id}", who.role.name, "file.read", f"file:{file_id}")


def kept_file_page(core: Core, who: Principal, file_id: str, number: int) -> bytes | None:
    """A page of a file as JPEG, where this process has drawn it lately; None: :func:`draw_file_page` has to.

    Args:
        number: from 1.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``upload.none``.
    """
    show_file(core, who, file_id)
    page = _drawn.find(file_id, number)
    if page is not None:
        _note_look(core, who, file_id)
    return page


def draw_file_page(core: Core, who: Principal, file_id: str, number: int) -> bytes:
    """A page of a file as JPEG.

    Args:
        number: from 1.

    Raises:
        StateError: as :func:`read_file`; ``upload.*``.
    """
    found, data = read_file(core, who, file_id)
    page = drawing.draw_page(data, found.media_type, number)
    _drawn.keep(file_id, number, page)
    return page


def file_views(session: Session, filing_id: str) -> list[FileView]:
    """The files of an application, oldest first."""
    query = select(Upload).where(Upload.filing_id == filing_id).order_by(Upload.created_at, Upload.id)
    return [_view(row) for row in session.scalars(query)]


def newest_photo(session: Session, filing_id: str) -> Upload | None:
    """The photo of an application that was uploaded last; None: there is none."""
    query = select(Upload).where(Upload.filing_id == filing_id, Upload.code == PHOTO)
    return session.scalars(query.order_by(Upload.created_at.desc(), Upload.id.desc()).limit(1)).first()


def sweep_files(core: Core) -> int:
    """Remove files that have no row; how many."""
    files = SealedFiles(core.settings.uploads_path)
    names = list(files.older_than(_LEFT_BEHIND))
    gone = 0
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        query = select(Upload.id).where(Upload.id.in_(chunk))
        known = core.database.read(lambda session, query=query: set(session.scalars(query)))  # type: ignore[misc]
        for name in chunk:
            if name not in known:
                files.remove(name)
                gone += 1
    return gone


def _checked_type(data: bytes, said: str) -> str:
    if not data:
        raise Invalid("upload.empty", path="body")
    if len(data) > MOST_BYTES:
        raise Invalid("upload.too_large", path="body", expected=f"at most {MOST_BYTES} bytes", found=str(len(data)))
    found = drawing.media_type_of(data)
    if found is None or found != said:
        raise Invalid("upload.type", path="body", expected=said[:40], found=found or "something else")
    return found


def _require_room(core: Core, session: Session, row: Filing, code: str, size: int) -> None:
    require_material(core, session, row, code)
    require_open(session, row, code)
    count = select(func.count()).select_from(Upload).where(Upload.filing_id == row.id, Upload.code == code)
    if (session.scalar(count) or 0) >= _MOST_FILES:
        raise Invalid("upload.many", path="code", expected=f"at most {_MOST_FILES} files of a paper")
    counts = or_(Filing.state.in_(_OPEN), Filing.changed_at > core.clock.now(session) - _RECENT)
    held = select(func.sum(Upload.size)).join(Filing, Filing.id == Upload.filing_id).where(filed_by(row), counts)
    if (session.scalar(held) or 0) + size > core.settings.most_upload_mib * MIB:
        raise Conflict("upload.full", path="body", expected=f"at most {core.settings.most_upload_mib} MiB")


def _looked_at(core: Core, data: bytes, media_type: str, filing_id: str, code: str) -> tuple[bytes, int]:
    """The file as it is kept, and its pages."""
    if code != PHOTO:
        return data, drawing.look(data, media_type).pages
    rules = core.database.read(lambda session: _photo_rules(core, session, session.get_one(Filing, filing_id)))
    values: dict[str, Any] = {name: value for rule in rules.values() for name, value in rule.value.items()}
    photo = drawing.look_at_photo(data, media_type, values)
    refusals = _photo_refusals(rules, photo, values)
    if refusals:
        raise FilingRefused(refusals)
    return photo.jpeg, 1


def photo_rules(core: Core, who: Principal, filing_id: str) -> dict[str, Rule]:
    """What a photo of an application has to be, by the ids of the rules: size, background, frame.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """
    return core.database.read(lambda session: _photo_rules(core, session, load_filing(core, session, who, filing_id)))


def _photo_rules(core: Core, session: Session, row: Filing) -> dict[str, Rule]:
    day = day_of(core.clock.now(session)) if row.rules_on is None else date.fromisoformat(row.rules_on)
    return {rule.id: rule for rule in read_book(core).effective("photo", row.region, day)}


def _photo_refusals(rules: dict[str, Rule], photo: drawing.Photo, values: dict[str, Any]) -> list[Refusal]:
    size = f"{photo.width} x {photo.height}"
    found = []
    if photo.width < values["least"][0] or photo.height < values["least"][1]:
        least = "at least {} x {} pixels".format(*values["least"])
        found.append(Refusal("upload.photo_small", rules["size"], PHOTO, least, size))
    if not photos.has_shape(photo.width, photo.height, values):
        shape = "width to height as {} to {}".format(*values["shape"])
        found.append(Refusal("upload.photo_shape", rules["size"], PHOTO, shape, size))
    if photo.white < values["share"]:
        share = f"{values['share']:.0%} of the background white"
        found.append(Refusal("upload.photo_background", rules["background"], PHOTO, share, f"{photo.white:.0%}"))
    if photo.framed >= values["edges"]:
        found.append(Refusal("upload.photo_frame", rules["frame"], PHOTO, "no frame", f"{photo.framed} edges"))
    return found


def _touch(session: Session, row: Filing, code: str, now: int) -> None:
    """A paper whose files changed was checked by nobody."""
    paper = session.scalar(select(Paper).where(Paper.filing_id == row.id, Paper.code == code))
    if paper is not None:
        paper.state, paper.decided_by, paper.decided_at, paper.created_at = "UNCHECKED", None, None, now
    row.revision += 1
    row.changed_at = now


def _load(core: Core, session: Session, who: Principal, file_id: str) -> Upload:
    upload = session.get(Upload, file_id)
    if upload is None:
        raise NotFound("upload.none")
    try:
        load_filing(core, session, who, upload.filing_id)
    except StateError as fault:
        if fault.code != "filing.none":
            raise
        raise NotFound("upload.none") from None
    return upload


def _view(row: Upload) -> FileView:
    return FileView(row.id, row.filing_id, row.code, row.media_type, row.size, row.pages, row.created_at)
