"""What nobody can be, have or see: looked at before it is signed, beyond the forms of the format.

Promises:

1. A name shows: it has a letter, no filler that looks like nothing, no more marks on one letter than any script needs.
2. Nobody is born in the future, or longer ago than anybody has lived.
3. A nationality is one that a travel document may state (``nationalities.json``, with its sources).
4. A photo in JPEG or WebP is a picture that can be decoded, of a size that a portrait has.
"""

from __future__ import annotations

import datetime
import json
import unicodedata
from importlib import resources
from typing import Final

from icard_crypto.card.card import Card
from icard_crypto.errors import CardError, DecodeError
from icard_crypto.pictures.pictures import open_picture

__all__ = ["check_plausible"]

#: Characters that count as letters or symbols and look like nothing.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f")
#: Vietnamese needs two, Thai and Hebrew three.
_MOST_MARKS: Final = 4
_OLDEST: Final = 130
#: Pixels on a side.
_LARGEST_PHOTO: Final = 2000


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
    if holder.photo is not None and holder.photo.startswith((b"\xff\xd8\xff", b"RIFF")):
        try:
            width, height = open_picture(holder.photo, "RGB").size
        except DecodeError:
            raise _fault("holder.photo", "a picture that can be decoded") from None
        if max(width, height) > _LARGEST_PHOTO:
            raise _fault("holder.photo", f"at most {_LARGEST_PHOTO} pixels on a side")


def _shows(text: str) -> bool:
    marks = letters = 0
    for character in text:
        kind = unicodedata.category(character)
        variation = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
        if character in _FILLERS or variation:
            return False
        marks = marks + 1 if kind.startswith("M") else 0
        if marks > _MOST_MARKS:
            return False
        letters += kind[0] in "LN"
    return letters > 0


def _fault(path: str, expected: str) -> CardError:
    return CardError("card.implausible", path=path, expected=expected)


def _read() -> frozenset[str]:
    table = json.loads((resources.files("issuer.cards") / "nationalities.json").read_text("utf-8"))
    return frozenset(f"{table['iso_3166_1']} {table['icao_9303']}".split())


NATIONALITIES: Final = _read()
