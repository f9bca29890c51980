"""The photo of an approved application, made small enough for a card's codes.

Promises:

1. It is the photo that an officer verified, as the server scaled it; nobody else's and no other file.
2. A photo that cannot be read or does not fit keeps nobody from their card: the card then has none.
3. How many bytes it takes is a setting; with 0 no card has a photo from an application.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import DecodeError, EncodeError
from icard_crypto.pictures.photo import Photo, fit
from issuer.core import Core
from issuer.vault.at_rest import Place
from issuer.vault.files import SealedFiles

from .models import Paper
from .uploads import MOST_BYTES, PHOTO, newest_photo

__all__ = ["photo_of"]


def photo_of(core: Core, filing_id: str) -> Photo | None:
    """The photo of an application for a code; None: it has none that was verified, or none that fits.

    Takes about 0.2 s: call it outside of a transaction.
    """
    most = core.settings.card_photo_bytes
    if most == 0:
        return None

    def look(session: Session) -> tuple[str, bytes] | None:
        verified = select(Paper.id).where(
            Paper.filing_id == filing_id,
            Paper.code == PHOTO,
            Paper.state == "VERIFIED",
            Paper.committed_until.is_(None),
        )
        if session.scalar(verified) is None:
            return None
        row = newest_photo(session, filing_id)
        return None if row is None else (row.id, core.at_rest.open(Place("uploads", "key", row.id), row.key))

    found = core.database.read(look)
    if found is None:
        return None
    try:
        return fit(SealedFiles(core.settings.uploads_path).read(*found, MOST_BYTES), most)
    except (DecodeError, EncodeError):
        return None
