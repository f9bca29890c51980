"""Who a record is of, in lists that officials read: by name and number, as far as they may see them.

Promise: where somebody may not see whose record it is, its number stands there alone.
"""

from __future__ import annotations

from icard_crypto.errors import NotFound
from issuer.permits.person_records import name_person

from .parts import Fact
from .visits import Visit

__all__ = ["person_facts"]


def person_facts(visit: Visit, person_id: str) -> list[Fact]:
    """The name, and the number of the permit or, where there is none, of the passport."""
    t = visit.words
    unnamed = [Fact(t("lookups.person"), person_id, code=True)]
    try:
        found = name_person(visit.core, visit.call.who, person_id)
    except NotFound:
        return unnamed
    # An erased record has no name any more.
    if not found.name:
        return unnamed
    facts = [Fact(t("card.name"), found.name)]
    if found.number:
        facts.append(Fact(t("card.number"), found.number, code=True))
    elif found.passport:
        facts.append(Fact(t("filing.f_passport"), found.passport, code=True))
    return facts
