"""What a card says: the holder, the permit, the insurance, the services.

Promises:

1. The classes are values: frozen, compared by content, without behaviour that reads a clock, a file or a network.
2. ``None`` means *not disclosed*: a code of another profile may say it.
3. ``Card.for_profile`` keeps only what the profile discloses; the table of who sees what is ``fields.json``.
4. ``Card.from_json`` accepts only what may be issued and names what is wrong (``card.*``); ``Card.to_json`` is its
   inverse. A card that was read from a code may hold values that nobody has defined yet: they are kept, shown as
   ``unknown-<value>`` and never issued.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple, TypeVar

from icard_crypto.fields import FIELDS

__all__ = ["Card", "Exemption", "Holder", "Insurance", "Month", "Permit", "Profile", "Scheme"]


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
        year_of_birth: four digits; agrees with ``date_of_birth`` where both stand.
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

    schemes: int
    certificate: str
    valid_from: datetime.date
    valid_until: datetime.date


@dataclass(frozen=True, slots=True)
class Insurance:
    """Social insurance. ``schemes`` are bits of :class:`Scheme`; bits beyond them, read from a code, are kept."""

    number_last4: str | None = None
    schemes: int | None = None
    enrolled_from: datetime.date | None = None
    paid_through: Month | None = None
    region: str | None = None
    exemptions: tuple[Exemption, ...] = ()


_Part = TypeVar("_Part", Holder, Permit, Insurance)

# Where the attribute is called otherwise than the field: from is a keyword, and both read better with "valid".
ATTRIBUTES = {"from": "valid_from", "until": "valid_until"}


def _lowest_profiles(part: type[_Part], *map_names: str) -> tuple[int, ...]:
    lowest = {
        ATTRIBUTES.get(name, name): field.profile for map_name in map_names for name, field in FIELDS[map_name].items()
    }
    return tuple(lowest[attribute.name] for attribute in fields(part))


_HOLDER_PROFILES = _lowest_profiles(Holder, "card", "identity")
_PERMIT_PROFILES = _lowest_profiles(Permit, "permit")
_INSURANCE_PROFILES = _lowest_profiles(Insurance, "insurance")


def _reduced(part: _Part, lowest: tuple[int, ...], profile: Profile) -> _Part:
    return type(part)(
        **{
            attribute.name: getattr(part, attribute.name)
            for attribute, needed in zip(fields(part), lowest, strict=True)
            if needed <= profile
        }
    )


@dataclass(frozen=True, slots=True)
class Card:
    """A card. ``services`` are numbers of the registry in ``services.json``, rising."""

    holder: Holder
    permit: Permit
    insurance: Insurance | None = None
    services: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, obj: object) -> Card:
        """The card that a JSON value describes, fit for issuing.

        Raises:
            CardError: ``card.*``, with the path of the field, such as ``insurance.exemptions[0].schemes[1]``, and the
                card's other faults in ``also``.
        """
        from icard_crypto.card_json import read

        return read(obj)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; what is None or empty is left out."""
        from icard_crypto.card_json_write import write

        return write(self)

    def check(self) -> None:
        """Refuse what may not be issued: the rules of :meth:`from_json`.

        Raises:
            CardError: as :meth:`from_json`.
        """
        Card.from_json(self.to_json())

    def for_profile(self, profile: Profile, *, photo: bool = True) -> Card:
        """Only what the profile discloses; the photo, if there is one, only with ``photo``."""
        holder = _reduced(self.holder, _HOLDER_PROFILES, profile)
        if not photo:
            holder = _without_photo(holder)
        insurance = self.insurance
        return Card(
            holder,
            _reduced(self.permit, _PERMIT_PROFILES, profile),
            None if insurance is None else _reduced(insurance, _INSURANCE_PROFILES, profile),
            self.services,
        )


def _without_photo(holder: Holder) -> Holder:
    kept: Mapping[str, Any] = {
        attribute.name: getattr(holder, attribute.name)
        for attribute in fields(holder)
        if not attribute.name.startswith("photo")
    }
    return Holder(**kept)
