"""The parts of a card as values: holder, permit, insurance, and the words they are made of.

Promises:

1. The classes are frozen, compared by content, without behaviour that reads a clock, a file or a network.
2. ``None`` means *not disclosed*: a code of another profile may say it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

__all__ = ["ATTRIBUTES", "Exemption", "Holder", "Insurance", "Month", "Permit", "Profile", "Scheme", "Service"]

# Where the attribute is called otherwise than the field: from is a keyword, and both read better with "valid".
ATTRIBUTES = {"from": "valid_from", "until": "valid_until"}


class Profile(IntEnum):
    """What a code discloses; each holds all of the one before."""

    PUBLIC = 1
    WORK = 2
    AUTHORITY = 3


class Scheme(IntFlag):
    """The five schemes of the Social Insurance Law, as bits."""

    PENSION = 1
    MEDICAL = 2
    UNEMPLOYMENT = 4
    WORK_INJURY = 8
    MATERNITY = 16


class Service(IntEnum):
    """A service that a card may grant, by its number in the registry ``services.json``.

    A number that the registry does not have, read from a code, is kept: its name is ``UNKNOWN_<number>``.
    """

    TRANSIT = 1
    LIBRARY = 2
    HOSPITAL_REGISTRATION = 3
    MEDICAL_SETTLEMENT = 4
    PHARMACY = 5
    MUSEUM = 6
    TOURISM = 7
    SPORTS = 8
    SUBSIDY = 9
    GOVERNMENT_SERVICE = 10

    @classmethod
    def _missing_(cls, value: object) -> Service | None:
        if type(value) is not int:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_, unknown._value_ = f"UNKNOWN_{value}", value
        return unknown


class Month(NamedTuple):
    """A calendar month; compares in time's order."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class Holder:
    """The person.

    Args:
        name: full name as in the passport.
        name_native: the name in a second language, usually Chinese.
        native_language: the BCP 47 tag of that language.
        year_of_birth: four digits; agrees with ``date_of_birth`` where both are present.
        gender: 1 male, 2 female, 3 other (Claim 169).
        nationality: alpha-3 as in ICAO Doc 9303-3.
        photo: an encoded picture of the face.
        photo_format: 1 JPEG, 2 JPEG 2000, 3 AVIF, 4 WebP (Claim 169).
    """

    name: str | None = None
    name_native: str | None = None
    native_language: str | None = None
    year_of_birth: int | None = None
    date_of_birth: datetime.date | None = None
    gender: int | None = None
    nationality: str | None = None
    photo: bytes | None = None
    photo_format: int | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """The work permit. ``valid_until`` is its last day, which ends at 24:00 +08:00.

    Args:
        number_last4: the last four characters of ``number``.
        category: ``A``, ``B`` or ``C``; another value, read from a code, is unknown.
        employer_code: unified social credit code, GB 32100-2015.
        region: six digits of GB/T 2260.
    """

    number: str | None = None
    number_last4: str | None = None
    category: str | None = None
    employer: str | None = None
    employer_code: str | None = None
    position: str | None = None
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None
    region: str | None = None
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """Schemes (bits of :class:`Scheme`) that a treaty exempts from, with the certificate of coverage and its days."""

    schemes: Scheme
    certificate: str
    valid_from: datetime.date
    valid_until: datetime.date


@dataclass(frozen=True, slots=True)
class Insurance:
    """Social insurance. ``schemes`` are bits of :class:`Scheme`; bits beyond them, read from a code, are kept."""

    number_last4: str | None = None
    schemes: Scheme | None = None
    enrolled_from: datetime.date | None = None
    paid_through: Month | None = None
    region: str | None = None
    exemptions: tuple[Exemption, ...] = ()
