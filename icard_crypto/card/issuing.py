"""From a card to the claims of one code, and when that code ends.

Promises:

1. Only a card that passes :meth:`Card.check` becomes claims, and only with what its profile needs to be of use.
2. The claims hold what the profile discloses and nothing else.
3. ``iat`` is rounded down to the hour, so that it says little about the moment of the request.
4. ``exp`` is the earlier of the permit's end and ``iat`` + 400 days; a permit that begins later gives an ``nbf``. A
   code that would end before it begins is refused.
5. Dates end at 24:00 +08:00, a fixed offset: no table of time zones decides over a permit.
6. Nothing here reads a clock or makes a random number: time and cti are arguments.
"""

from __future__ import annotations

import datetime
from typing import Any

from icard_crypto.errors import CardError

from .card import Card, Profile
from .claims import CardClaims, StatusRef
from .facts import DAY, HOUR, LONGEST_LIFE, day_end, day_start

__all__ = ["HOUR", "LONGEST_LIFE", "expiry", "issue_claims"]


def expiry(valid_until: datetime.date, issued_at: int) -> int:
    """When a code ends: with the permit's last day or 400 days after issue, whichever is earlier, in seconds."""
    return min(day_end(valid_until), issued_at + LONGEST_LIFE)


def _require(card: Card, profile: Profile) -> datetime.date:
    """The permit's last day, once everything is there that the profile exists for."""
    permit = card.permit
    if profile >= Profile.WORK and permit.employer is None:
        raise CardError("card.missing_field", path="permit.employer", expected="the employer, for this profile")
    if profile >= Profile.AUTHORITY and permit.number is None:
        raise CardError("card.missing_field", path="permit.number", expected="the number, for this profile")
    if permit.valid_until is None:
        raise CardError("card.missing_field", path="permit.until", expected="a date as YYYY-MM-DD")
    return permit.valid_until


def issue_claims(
    card: Card,
    profile: Profile,
    *,
    issuer: str,
    issued_at: int,
    status: StatusRef,
    cti: bytes,
    photo: bool = True,
    confirmation: dict[Any, Any] | None = None,
) -> CardClaims:
    """The claims of a new code.

    Args:
        issuer: short id of the issuing authority.
        issued_at: seconds since 1970-01-01T00:00Z; rounded down to the hour.
        cti: 8 random bytes, never used before.
        photo: whether the card's photo, if it has one, goes into the code.
        confirmation: the holder's key as a COSE_Key map.

    Raises:
        CardError: ``card.*``, when the card may not be issued, lacks what the profile needs, is over, or begins only
            when its code would have ended.
    """
    card.check()
    valid_until = _require(card, profile)
    issued_at -= issued_at % HOUR
    expires = expiry(valid_until, issued_at)
    if expires <= issued_at:
        raise CardError(
            "card.out_of_range",
            path="permit.until",
            expected="a day not over when the code is issued",
            found=str(valid_until),
        )
    valid_from = card.permit.valid_from
    begins = None if valid_from is None else day_start(valid_from)
    if begins is not None and begins >= expires:
        raise CardError(
            "card.out_of_range",
            path="permit.from",
            expected=f"a day within {LONGEST_LIFE // DAY} days of the code's issue",
            found=str(valid_from),
        )
    return CardClaims(
        issuer=issuer,
        issued_at=issued_at,
        not_before=begins if begins is not None and begins > issued_at else None,
        expires=expires,
        cti=cti,
        status=status,
        profile=int(profile),
        card=card.for_profile(profile, photo=photo),
        confirmation=confirmation,
    )
