"""Plausibility checks before a card is signed, beyond the rules of the format.

Promises:

1. A name is visible: it has a letter, and only what an issuer may write (:mod:`icard_crypto.card.characters`).
2. A date of birth is not in the future, and not longer ago than anybody has lived.
3. A nationality is one that a travel document may state (``nationalities.json``, with its sources).
4. A photo in JPEG or WebP is a picture that can be decoded; no photo states a size that pages would not show.
"""

from __future__ import annotations

import datetime
import json
import unicodedata
from importlib import resources
from typing import Final

from icard_crypto.card.card import Card
from icard_crypto.card.characters import fault_of
from icard_crypto.card.photo_size import MOST_SIDE, size_of
from icard_crypto.errors import CardError, DecodeError
from icard_crypto.pictures.pictures import open_picture

__all__ = ["NATIONALITIES", "check_plausible"]

_OLDEST: Final = 130


def check_plausible(card: Card, today: datetime.date) -> None:
    """Refuse a card that says what cannot be.

    Args:
        today: in the authority's time.

    Raises:
        CardError: ``card.implausible``, with the field's path.
    """
    holder = card.holder
    texts = (
        ("holder.name", holder.name),
        ("holder.name_native", holder.name_native),
        ("permit.employer", card.permit.employer),
    )
    for path, text in texts:
        if text is not None and not _shows(text):
            raise _fault(path, "visible letters, without fillers")
    born = holder.date_of_birth.year if holder.date_of_birth is not None else holder.year_of_birth
    future = holder.date_of_birth is not None and holder.date_of_birth > today
    if born is not None and (future or not today.year - _OLDEST <= born <= today.year):
        path = "holder.year_of_birth" if holder.date_of_birth is None else "holder.date_of_birth"
        raise _fault(path, f"a birth up to today, at most {_OLDEST} years ago")
    if holder.nationality is not None and holder.nationality not in NATIONALITIES:
        raise _fault("holder.nationality", "a nationality of ISO 3166-1 or ICAO Doc 9303-3")
    if holder.photo is not None:
        _check_photo(holder.photo)


def _check_photo(photo: bytes) -> None:
    size = size_of(photo)
    if size is not None and max(size) > MOST_SIDE:
        raise _fault("holder.photo", f"at most {MOST_SIDE} pixels on a side")
    if photo.startswith((b"\xff\xd8\xff", b"RIFF")):
        try:
            open_picture(photo, "RGB")
        except DecodeError:
            raise _fault("holder.photo", "a picture that can be decoded") from None


def _shows(text: str) -> bool:
    return fault_of(text) is None and any(unicodedata.category(character)[0] in "LN" for character in text)


def _fault(path: str, expected: str) -> CardError:
    return CardError("card.implausible", path=path, expected=expected)


def _read() -> frozenset[str]:
    table = json.loads((resources.files("issuer.cards") / "nationalities.json").read_text("utf-8"))
    return frozenset(f"{table['iso_3166_1']} {table['icao_9303']}".split())


NATIONALITIES: Final = _read()
