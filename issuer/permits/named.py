"""Permits that somebody names by their numbers, for a list of them.

Promises:

1. A number that is none of theirs, and one that there is not, are one: neither is found.
2. Numbers are looked for by their keyed hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core

from .models import Permit
from .parties import load_permit, permits_of
from .people import passport_of, permit_name

__all__ = ["NamedPermit", "find_permits", "passport_end"]

#: Numbers that are looked for at a time.
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class NamedPermit:
    """A permit, with whom it is with and its holder's name."""

    permit_id: str
    employer_id: str
    name: str


def find_permits(core: Core, who: Principal, numbers: Sequence[str]) -> dict[str, NamedPermit]:
    """The permits that somebody sees, by number; a number that is none of theirs is left out.

    Raises:
        NotAllowed: ``access.*``.
    """
    keys = {core.at_rest.digest("permit number", number): number for number in numbers}
    wanted = sorted(keys)

    def look(session: Session) -> dict[str, NamedPermit]:
        found: dict[str, NamedPermit] = {}
        seen = permits_of(core, session, who)
        for first in range(0, len(wanted), _CHUNK):
            query = select(Permit).where(seen, Permit.number_key.in_(wanted[first : first + _CHUNK]))
            for row in session.scalars(query):
                found[keys[row.number_key]] = NamedPermit(row.id, row.employer_id, permit_name(core, session, row))
        return found

    return core.database.read(look)


def passport_end(core: Core, who: Principal, permit_id: str) -> str | None:
    """The last day of the passport on record of a permit that somebody sees; None: none is on record.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """

    def look(session: Session) -> str | None:
        permit = load_permit(core, session, who, permit_id)
        return passport_of(core, session, permit.person_id).get("until")

    return core.database.read(look)
