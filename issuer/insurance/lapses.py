"""Lapse and restoration of insurance: computed from the books, and applied to the cards.

Promises:

1. Whatever changes the books computes the person's state again in the same transaction, and the status entries of the
   person's cards with it: ``work`` and ``authority`` codes read lapsed, ``public`` ones never.
   What is kept of earlier reports about the person is out of date with it (:mod:`issuer.insurance.kept_sums`).
2. Time alone is looked at once: each person's row has the day on which a month may lapse next.
3. Many people are followed in chunks of 500: other writers get their turn between two.
4. A state that is already set changes nothing and notifies nobody.
5. Cards that say something else of the insurance than the record are marked by the day of the next look, and get new
   codes afterwards (:mod:`issuer.insurance.card_codes`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.acts import Act, Actor
from issuer.cards.states import set_insurance_within
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .card_codes import behind, live_cards
from .contributions import Rates
from .coverage import Duties
from .due_days import lapse_day
from .history import Person
from .kept_sums import note_changes
from .lapse import Lapse, LapseMonth, lapse_of
from .ledger import balances
from .models import FindingState, InsuredPerson
from .months import month_of
from .next_look import next_look
from .records import Insured, load_people
from .schemes import Scheme, scheme_set

__all__ = ["CHUNK", "Followed", "follow", "follow_due", "lapse_months"]

#: People a transaction: a chunk's locks are held for a fraction of a second.
CHUNK: Final = 500
#: Seconds between two chunks: a writer that waits for the database's one lock would else lose it to the next chunk.
_TURN: Final = 0.02
_SCHEMES: Final = tuple((scheme, int(scheme)) for scheme in Scheme)


@dataclass(frozen=True, slots=True)
class Followed:
    """What a look at people changed: how many were looked at, lapsed, restored."""

    people: int
    lapsed: int
    restored: int


def lapse_months(
    book: RuleBook, duties: Duties, rates: Rates, person: Person, on: date, contested: Iterable[tuple[str, int]] = ()
) -> list[LapseMonth]:
    """The months of a person that were enrolled and due, with what was owed and paid.

    Args:
        contested: employers and months under dispute.
    """
    disputed = set(contested)
    books = balances(person.entries)
    found: list[LapseMonth] = []
    for employment in person.employments:
        last = on if employment.ended is None else min(on, employment.ended)
        for enrolment in person.enrolments:
            if enrolment.employer != employment.employer:
                continue
            first_month = max(enrolment.first_month, month_of(employment.began))
            last_month = month_of(last) if enrolment.last_month is None else min(month_of(last), enrolment.last_month)
            for month in range(first_month, last_month + 1):
                if on <= lapse_day(book, employment.region, month).day:
                    break
                duty = duties.month(person, employment, month)
                # Plain integers: operators of flags cost ten times as much, and this runs for everybody's months.
                enrolled = int(enrolment.schemes) & int(duty.due)
                terms = rates.terms(employment.region, month)
                owed: dict[int, int] = {}
                if employment.wage is not None:
                    for one in rates.owed(
                        employment.region,
                        month,
                        employment.wage,
                        scheme_set(enrolled),
                        employment.injury_rate,
                        known_on=on,
                    ):
                        bit = int(one.scheme)
                        owed[bit] = owed.get(bit, 0) + (0 if one.late else one.total)
                contested_month = (employment.employer, month) in disputed
                for scheme, bit in _SCHEMES:
                    if not bit & enrolled or terms.hosts.get(bit, 0) & enrolled:
                        continue
                    balance = books.get((employment.employer, month, scheme))
                    found.append(
                        LapseMonth(
                            month,
                            scheme,
                            employment.region,
                            owed.get(bit),
                            0 if balance is None else balance.paid,
                            0 if balance is None else balance.payments,
                            contested_month,
                        )
                    )
    return found


def follow(
    core: Core,
    session: Session,
    now: int,
    people: Sequence[str],
    by: Actor,
    *,
    codes: bool = False,
    written: bool = True,
) -> tuple[Followed, list[Act]]:
    """Compute the states of people again and let their cards follow, within another's transaction.

    Args:
        codes: what the cards say may have changed too; left out where only the books did.
        written: False: nothing was, about these people; time has gone by or a rule is another.

    Returns:
        What changed, and the acts that the transaction has to write into the audit.
    """
    book, today = book_of(session), day_of(now)
    duties, rates = Duties(book), Rates(book)
    loaded = load_people(core, session, people, lock=True)
    if written:
        note_changes(session, loaded)
    contested = _contested(session, list(loaded))
    held = live_cards(session, list(loaded)) if codes else {}
    changed: dict[str, bool] = {}
    for person_id, insured in loaded.items():
        person = insured.person.as_known(today)
        months = lapse_months(book, duties, rates, person, today, contested.get(person_id, ()))
        found = lapse_of(book, months, today)
        waits = behind(core, book, insured, held.get(person_id, ()), today) if codes else _is_marked(insured, today)
        if _write(insured, found, today if waits else next_look(book, person, today), now):
            changed[person_id] = found.lapsed
    acts = []
    states: tuple[Literal["lapsed", "good"], ...] = ("lapsed", "good")
    for state in states:
        those = sorted(person for person, lapsed in changed.items() if lapsed is (state == "lapsed"))
        acts += [Act(by.actor, f"insurance.person_{state}", person, by.details()) for person in those]
        cards = sorted(row.id for rows in live_cards(session, those).values() for row in rows)
        moved = set_insurance_within(core, session, now, cards, state) if cards else []
        acts += [Act(by.actor, f"insurance.{state}", card, by.details()) for card in moved]
    lapsed_now = sum(changed.values())
    return Followed(len(loaded), lapsed_now, len(changed) - lapsed_now), acts


def follow_due(core: Core, by: Actor, stop: Callable[[], bool] = lambda: False) -> Followed:
    """Follow everyone whose day has come, in chunks (promise 3).

    Args:
        stop: asked between two chunks; what is left is taken up by the next look.
    """
    total, after = Followed(0, 0, 0), ""
    while not stop():
        done, last = core.transact(by, lambda unit, after=after: _follow_chunk(core, unit, after))  # type: ignore[misc]
        total = Followed(total.people + done.people, total.lapsed + done.lapsed, total.restored + done.restored)
        if done.people < CHUNK:
            break
        # Whoever waits for codes stays due: the next chunk is of those behind.
        after = last
        time.sleep(_TURN)
    return total


def _follow_chunk(core: Core, unit: UnitOfWork, after: str) -> tuple[Followed, str]:
    session, now = unit.session, unit.now
    due = select(InsuredPerson.person_id).where(InsuredPerson.look_on <= day_of(now).isoformat())
    query = due.where(InsuredPerson.person_id > after).order_by(InsuredPerson.person_id).limit(CHUNK)
    people = session.scalars(query).all()
    if not people:
        return Followed(0, 0, 0), after
    done, acts = follow(core, session, now, people, unit.actor, codes=True, written=False)
    unit.audit_acts(acts)
    return done, people[-1]


def _is_marked(insured: Insured, today: date) -> bool:
    """Whether somebody is to look at a person anyway: a mark for new codes is not lost by a payment."""
    return insured.row.look_on is not None and insured.row.look_on <= today.isoformat()


def _write(insured: Insured, found: Lapse, look_on: date | None, now: int) -> bool:
    """Put a state into its row; whether it is another one than before."""
    row = insured.row
    state = "lapsed" if found.lapsed else "good"
    changed = row.state != state
    row.state = state
    row.lapsed_since = found.since.isoformat() if found.since else None
    row.look_on = look_on.isoformat() if look_on else None
    if changed:
        row.revision += 1
        row.changed_at = now
    return changed


def _contested(session: Session, people: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    query = select(FindingState).where(FindingState.person_id.in_(people), FindingState.state == "contested")
    for row in session.scalars(query):
        if row.month is not None:
            found.setdefault(row.person_id, []).append((row.employer_id, row.month))
    return found
