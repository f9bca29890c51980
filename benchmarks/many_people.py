"""Many more people in a service that exists: each has a permit in force and is insured.

Promises:

1. Rows are those of the tables, sealed and bound, made by the service's own code; people are spread over all employers.
2. Nothing else is made: no card, no application, no payment.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.insurance import add_people, person_id_of
from issuer.accounts.models import Organisation
from issuer.core import Core
from issuer.permits.terms import NewTerm, grant
from issuer.rules.days import day_of
from issuer.settings import Settings

__all__ = ["add_permits"]

_REGION: Final = "310115"
#: For which everybody has worked.
_MONTHS: Final = 3
#: Days that a permit has left at least.
_LEFT: Final = 100


def add_permits(folder: Path, people: int) -> None:
    """Write so many people into the service in a folder."""
    core = Core.open(Settings.load(folder))
    query = select(Organisation.id).where(Organisation.kind == "employer", Organisation.state == "active")
    employers = core.database.read(lambda session: list(session.scalars(query)))
    today = day_of(int(core.clock.local()))
    each = people // len(employers)
    for number, employer_id in enumerate(employers):
        places = range(number * each, (number + 1) * each)
        add_people(core, employer_id, places, _MONTHS)

        def work(session: Session, employer_id: str = employer_id, places: range = places) -> None:
            now = core.clock.now(session)
            for place in places:
                until = today + timedelta(days=_LEFT + place % 700)
                term = NewTerm(employer_id, "B", today, until, _REGION, "overseas", "Engineer")
                grant(core, session, now, person_id_of(place), None, term).state = "ACTIVE"

        core.database.transact(work)
    core.close()
