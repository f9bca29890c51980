"""What a decision about a code needs of its claims, and nothing else: plain values, times in seconds.

Promises:

1. :func:`icard_crypto.card.claims.facts_of` gives the facts of any claims, and
   :func:`icard_crypto.card.claims.decode_facts` the same ones from a payload, as a rule without making the card.
2. Days are seconds here: a day begins at 00:00 +08:00, and what lasts until a day ends at 24:00 +08:00.
"""

from __future__ import annotations

import datetime
from typing import Final, NamedTuple

from icard_crypto.moments import DAY, HOUR

from .parts import Month

__all__ = [
    "DAY",
    "EPOCH_ORDINAL",
    "HOUR",
    "LONGEST_LIFE",
    "OFFSET",
    "Facts",
    "day_end",
    "day_start",
    "months_of",
    "times_hold",
]

#: The day number of 1970-01-01 in :meth:`datetime.date.toordinal`.
EPOCH_ORDINAL: Final = datetime.date(1970, 1, 1).toordinal()
#: The time of a card is +08:00, a fixed offset; no zone file can change when a permit ends.
OFFSET: Final = 8 * 3600
#: Seconds. A year and a month: a code outlives a yearly renewal, and no lost one lives longer.
LONGEST_LIFE: Final = 400 * DAY


class Facts(NamedTuple):
    """What the decision looks at.

    Args:
        issued_at, not_before, expires: Unix times.
        cti: of the code, 8 bytes.
        status_uri, status_index: where the code's entry stands.
        profile: as the code states it, known or not.
        services: numbers granted.
        has_photo: whether there is a photo to compare.
        category: of the permit; None: not disclosed, as for all that follows.
        names_employer: whether the code says who employs.
        permit_begins, permit_ends: Unix times.
        region: where the permit holds.
        insured: whether the code says anything of insurance.
        schemes: bits.
        paid_through: months since January 1970.
        insurance_region: where the insurance is.
        exemptions: begin and end of each, Unix times.
    """

    issuer: str
    issued_at: int
    not_before: int | None
    expires: int
    cti: bytes
    status_uri: str
    status_index: int
    profile: int
    services: tuple[int, ...]
    has_photo: bool
    category: str | None
    names_employer: bool
    permit_begins: int | None
    permit_ends: int | None
    region: str | None
    insured: bool
    schemes: int | None
    paid_through: int | None
    insurance_region: str | None
    exemptions: tuple[tuple[int, int], ...]


def times_hold(issued_at: int, not_before: int | None, expires: int) -> bool:
    """Whether a code's times are those that the format allows: iat a whole hour, exp after iat and nbf, and at most
    :data:`LONGEST_LIFE` after iat."""
    return (
        issued_at % HOUR == 0
        and issued_at < expires <= issued_at + LONGEST_LIFE
        and (not_before is None or not_before < expires)
    )


def day_start(day: datetime.date) -> int:
    """When a date begins, 00:00 +08:00, in seconds since 1970-01-01T00:00Z."""
    return (day.toordinal() - EPOCH_ORDINAL) * DAY - OFFSET


def day_end(day: datetime.date) -> int:
    """When a date ends, 24:00 +08:00, in seconds since 1970-01-01T00:00Z."""
    return day_start(day) + DAY


def months_of(month: Month) -> int:
    """A calendar month as months since January 1970."""
    return (month.year - 1970) * 12 + month.month - 1
