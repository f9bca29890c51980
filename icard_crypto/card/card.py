"""What a card says: the holder, the permit, the insurance, the services.

Promises:

1. A card is a value: frozen, compared by content, without behaviour that reads a clock, a file or a network.
2. ``None`` means *not disclosed*: a code of another profile may say it.
3. ``Card.for_profile`` keeps only what the profile discloses; the table of who sees what is ``fields.json``.
4. ``Card.from_json`` accepts only what may be issued and names what is wrong (``card.*``); ``Card.to_json`` is its
   inverse. A card that was read from a code may hold values that nobody has defined yet: they are kept, shown as
   ``unknown-<value>`` and never issued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from . import card_json, card_json_write
from .fields import FIELDS
from .parts import ATTRIBUTES, Exemption, Holder, Insurance, Month, Permit, Profile, Scheme, Service

__all__ = ["Card", "Exemption", "Holder", "Insurance", "Month", "Permit", "Profile", "Scheme", "Service"]


_Part = TypeVar("_Part", Holder, Permit, Insurance)


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
    """A card. ``services`` rise by their numbers in ``services.json``."""

    holder: Holder
    permit: Permit
    insurance: Insurance | None = None
    services: tuple[Service, ...] = ()

    @classmethod
    def from_json(cls, obj: object) -> Card:
        """The card that a JSON value describes, fit for issuing.

        Raises:
            CardError: ``card.*``, with the path of the field, such as ``insurance.exemptions[0].schemes[1]``, and the
                card's other faults in ``also``.
        """
        return Card(*card_json.read(obj))

    def to_json(self) -> dict[str, Any]:
        """The JSON form; what is None or empty is left out."""
        return card_json_write.write(self.holder, self.permit, self.insurance, self.services)

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
