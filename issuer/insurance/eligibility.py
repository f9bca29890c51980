"""Eligibility for a benefit: a person's record as input to the conditions.

Promise: insured is who is enrolled without lapse today; months count once each, those of the pension since the last
payout; what is stated beside the record is the claimant's or an officer's word, never the record's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .benefits import Claimant, Eligibility, eligibility
from .departure import pension_account
from .history import Person
from .ledger import balances
from .parties import require_insured
from .records import load_people
from .schemes import Scheme, scheme_names
from .views import scheme_states

__all__ = ["benefit_of", "eligibility_within"]


def benefit_of(core: Core, who: Principal, person_id: str, name: str, told: Mapping[str, Any]) -> Eligibility:
    """Whether a person may claim a benefit, by the record and what an officer has found besides.

    Args:
        told: ``category``, ``reason_of_leaving``, ``cause``, ``facts`` of :class:`issuer.insurance.benefits.Claimant`.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
        Invalid: ``insurance.condition``.
    """

    def look(session: Session) -> Eligibility:
        require_insured(core, session, who, person_id)
        return eligibility_within(core, session, person_id, name, told, day_of(int(core.clock.local())))

    return core.database.read(look)


def eligibility_within(
    core: Core, session: Session, person_id: str, name: str, told: Mapping[str, Any], today: date
) -> Eligibility:
    """As :func:`benefit_of`, within a transaction that has looked whether the person may be seen."""
    insured = load_people(core, session, [person_id])[person_id]
    book = book_of(session)
    person = insured.person.as_known(today)
    states, _ = scheme_states(book, person, today)
    covered = insured.row.state == "good"
    now = Scheme(0)
    for scheme in Scheme:
        if covered and states[scheme_names(scheme)[0]] == "ENROLLED":
            now |= scheme
    claimant = Claimant(
        insured.record.born,
        insured.record.sex,
        insured.row.region,
        months_paid={**_months_paid(person), Scheme.PENSION: pension_account(insured)[1]},
        insured=now,
        **told,
    )
    return eligibility(book, name, claimant, today)


def _months_paid(person: Person) -> dict[Scheme, int]:
    """The months of each scheme for which anything is paid, each once."""
    months: dict[Scheme, set[int]] = {}
    for (_, month, scheme), balance in balances(person.entries).items():
        if balance.paid > 0:
            months.setdefault(scheme, set()).add(month)
    return {scheme: len(found) for scheme, found in months.items()}
