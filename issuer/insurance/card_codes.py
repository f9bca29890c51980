"""What a person's cards say about the insurance, and new codes where the record says something else.

Promises:

1. A card says which schemes the person is enrolled in this month and no treaty exempts from, since when and in which
   region, and the exemptions with their certificates. The month up to which contributions are paid makes no new codes.
2. Registration, certificates, the end of work and time make new codes. Where nothing is lost by them the earlier codes
   run to their own end; where a scheme or an exemption is lost they read replaced at once.
3. What changed is committed first and marked by the day of the next look; the codes follow in transactions of their
   own. Where they cannot be made now, a signer that is away for one, the next look of the worker makes them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card, Exemption, Insurance
from icard_crypto.errors import IcardError
from issuer import cards
from issuer.acts import Actor
from issuer.cards import Decision
from issuer.cards.holder_insurance import HolderInsurance, with_payments
from issuer.cards.models import CardParty, CardRow
from issuer.cards.records import read_record
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .models import InsuredPerson
from .months import first_day, month_of
from .next_look import next_look
from .records import Insured, certificate_of, load_people
from .schemes import NONE, Scheme, scheme_set
from .treaties import exempt_on

__all__ = ["behind", "insurance_on_record", "live_cards", "make_codes", "make_due_codes", "said_of"]

_LAST4: Final = re.compile(r"[0-9A-Z]{4}")
_MOST_EXEMPTIONS: Final = 8
_CHUNK: Final = 500


def insurance_on_record(core: Core, session: Session, person_id: str, now: int) -> HolderInsurance | None:
    """A person's insurance, for a card that is made now; None: they are not insured here."""
    insured = load_people(core, session, [person_id]).get(person_id)
    if insured is None:
        return None
    said = said_of(core, book_of(session), insured, day_of(now))
    return HolderInsurance(said, "lapsed" if insured.row.state == "lapsed" else "good")


def said_of(core: Core, book: RuleBook, insured: Insured, on: date) -> Insurance:
    """What a card says about a person's insurance on a day (promise 1)."""
    person, month = insured.person.as_known(on), month_of(on)
    exempt = exempt_on(book, person.certificates, first_day(month)).schemes
    covered, since = 0, []
    for one in person.enrolments:
        if one.first_month <= month and (one.last_month is None or month <= one.last_month):
            covered |= int(one.schemes) & ~int(exempt)
            since.append(one.first_month)
    number, region = insured.record.number[-4:], insured.row.region
    return Insurance(
        number_last4=number if _LAST4.fullmatch(number) else None,
        schemes=scheme_set(covered),
        enrolled_from=first_day(min(since)) if since else None,
        region=region if core.issuer.covers_region(region) else None,
        exemptions=tuple(_exemptions(book, insured, on)[:_MOST_EXEMPTIONS]),
    )


def _exemptions(book: RuleBook, insured: Insured, on: date) -> list[Exemption]:
    """The certificates that exempt on a day or later, in the order of their days."""
    certificates = insured.person.as_known(on).certificates
    found = []
    for fact in insured.facts:
        if fact.kind != "certificate" or fact.body["outcome"] != "accepted" or not fact.recorded.is_known(on):
            continue
        one = certificate_of(fact.body)
        schemes = exempt_on(book, certificates, max(on, one.first)).schemes if one.last >= on else NONE
        if schemes:
            found.append(Exemption(schemes, fact.body["number"], one.first, one.last))
    return sorted(found, key=lambda each: (each.valid_from, each.certificate))


def live_cards(session: Session, people: Sequence[str]) -> dict[str, list[CardRow]]:
    """The cards of people that are not revoked, by person, in the order of their ids."""
    query = select(CardParty.holder_id, CardRow).join(CardRow, CardRow.id == CardParty.card_id)
    found: dict[str, list[CardRow]] = {}
    wanted = query.where(CardParty.holder_id.in_(people), CardRow.status != "revoked").order_by(CardRow.id)
    for holder, row in session.execute(wanted):
        if holder is not None:
            found.setdefault(holder, []).append(row)
    return found


def behind(core: Core, book: RuleBook, insured: Insured, rows: Sequence[CardRow], on: date) -> list[CardRow]:
    """Of a person's cards those whose codes say something else of the insurance than the record does."""
    said = said_of(core, book, insured, on) if rows else Insurance()
    return [row for row in rows if _changed(read_record(core, row), said, on) is not None]


def make_codes(core: Core, people: Sequence[str], by: Actor) -> int:
    """Make the new codes of people right after what changed, as far as that works now (promise 3); for how many cards.

    Args:
        by: who changed the record.
    """
    made = 0
    for person_id in people:
        with contextlib.suppress(IcardError):
            made += _make(core, person_id, by)
    return made


def make_due_codes(core: Core, by: Actor, stop: Callable[[], bool] = lambda: False) -> int:
    """Make the codes of everybody whose day of looking has come; for how many cards.

    Raises:
        IcardError: the first fault, once all others were made.
    """
    made, after = 0, ""
    faults: list[IcardError] = []
    while not stop():
        people = core.database.read(lambda session, after=after: _due(core, session, after))  # type: ignore[misc]
        for person_id in people:
            try:
                made += _make(core, person_id, by)
            except IcardError as fault:
                faults.append(fault)
        if len(people) < _CHUNK:
            break
        after = people[-1]
    if faults:
        raise faults[0]
    return made


def _due(core: Core, session: Session, after: str) -> list[str]:
    today = day_of(core.clock.now(session)).isoformat()
    query = select(InsuredPerson.person_id).where(InsuredPerson.look_on <= today, InsuredPerson.person_id > after)
    return list(session.scalars(query.order_by(InsuredPerson.person_id).limit(_CHUNK)))


def _make(core: Core, person_id: str, by: Actor) -> int:
    """New codes for the cards of a person that are behind; how many cards."""

    def look(session: Session) -> list[tuple[str, bool]]:
        rows = live_cards(session, [person_id]).get(person_id, [])
        if not rows:
            return []
        on = day_of(core.clock.now(session))
        said = said_of(core, book_of(session), load_people(core, session, [person_id])[person_id], on)
        found = [(row.id, _changed(read_record(core, row), said, on)) for row in rows]
        return [(card_id, lost) for card_id, lost in found if lost is not None]

    wanted = core.database.read(look)
    return sum(_reissue(core, person_id, card_id, by, lost=lost) for card_id, lost in wanted)


class _Gone(Exception):
    """Somebody else made the codes, or the card has ended."""


def _reissue(core: Core, person_id: str, card_id: str, by: Actor, *, lost: bool) -> bool:
    def make(unit: UnitOfWork) -> Card:
        session, on = unit.session, day_of(unit.now)
        book = book_of(session)
        insured = load_people(core, session, [person_id], lock=True)[person_id]
        row = session.get_one(CardRow, card_id, with_for_update=True)
        held = read_record(core, row)
        said = said_of(core, book, insured, on)
        if row.status == "revoked" or _changed(held, said, on) is not lost:
            raise _Gone
        day = next_look(book, insured.person.as_known(on), on)
        insured.row.look_on = None if day is None else day.isoformat()
        return replace(held, insurance=with_payments(said, held.insurance))

    decision = Decision(make, lambda _unit, _card_id: None, remove=frozenset({"insurance"}))
    try:
        cards.reissue_decided(core, card_id, decision, by, old_end=lost)
    except _Gone:
        return False
    return True


def _changed(held: Card, said: Insurance, on: date) -> bool | None:
    """Whether something is lost where a card says something else than ``said``; None: it says the same, or is over."""
    before = held.insurance
    if held.permit.valid_until is None or held.permit.valid_until < on or with_payments(said, before) == before:
        return None
    if before is None:
        return False
    schemes = Scheme(0) if before.schemes is None else before.schemes
    in_force = {one for one in before.exemptions if one.valid_until >= on}
    return bool(schemes & ~(said.schemes or NONE)) or not in_force <= set(said.exemptions)
