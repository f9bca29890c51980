"""Issue, replace and renew cards; :mod:`issuer.cards.states` changes their states.

Promises:

1. What a call returns was committed; what it did not return may still be found done after a failure, never half done.
2. A permit number has one live card at most.
3. A replaced code reads replaced at once; a renewed one runs to its own end. New codes may be meant for one revision of
   a card alone: ``issue.changed`` says that somebody was faster.
4. What ends a card, makes it another person's or another permit's, or brings a withdrawn permit number back needs dual
   control, or a break-glass act on the host: ``issue.two_needed``.
5. Unless the settings allow direct issuing, a new card and a card's new record come from a decision alone, or from a
   break-glass act on the host: ``issue.file_needed``. New codes that say what the card said need none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card, Profile
from icard_crypto.errors import Conflict, NotAllowed
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.base import literal_sql
from issuer.db.idempotency import Request, claim
from issuer.db.unit_of_work import UnitOfWork

from . import codes
from .checks import check_card, require_direct
from .codes import IssuedCode
from .holder_insurance import insurance_of
from .models import CardLookup, CardParty, CardRow, CodeRow
from .parties import notify_parties
from .party_rows import check_parties
from .records import decided_for, needs_two, read_record, refuse_lost_fields, write_record
from .requests import IssuedCard, NewCard, Reissue
from .states import end_codes, locked, require_revision

__all__ = [
    "Decision",
    "finish_card",
    "issue",
    "issue_decided",
    "issue_within",
    "reissue_decided",
    "renew",
    "renew_many",
    "replace",
    "replace_within",
]

T = TypeVar("T")

_Made = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """What is decided in the transaction that intends the codes; it runs again when the transaction does.

    Args:
        make: called first: decides, and says what the card is to say.
        then: called when the codes are intended, with the card's id too.
        remove: paths of fields that the record has and the decision may leave out.
        of_person: whether it was decided whose card it is, as an approved application does; what one officer corrects
            or grants does not.
    """

    make: Callable[[UnitOfWork], T]
    then: Callable[[UnitOfWork, str], None]
    remove: frozenset[str] = frozenset()
    of_person: bool = False


def issue(core: Core, new: Sequence[NewCard], by: Actor) -> list[IssuedCard]:
    """Issue cards, all or none, each with one signed code for every profile.

    Raises:
        CardError: ``card.*``, ``issue.region``; Conflict: ``issue.card_exists``.
        NotAllowed: ``issue.file_needed``.
        NotFound: ``organisation.none``.
        Invalid: ``account.person``; ``idempotency.other_body``; the signer's errors.
        Unavailable: ``clock.*``, ``list.*``.
        StateError: ``database.*``.
    """
    require_direct(core, by)
    for one in new:
        check_card(core, one.card)
    return _issue(core, len(new), by, lambda _unit: new, _nothing)


def issue_decided(core: Core, decision: Decision[NewCard], by: Actor, *, request: Request | None = None) -> IssuedCard:
    """Issue a card that a decision makes, in one transaction with it.

    Raises:
        as :func:`issue`, and what the decision raises.
    """

    def make(unit: UnitOfWork) -> Sequence[NewCard]:
        new = decision.make(unit)
        check_card(core, new.card)
        return [new]

    return _issue(core, 1, by, make, decision.then, request)[0]


def _issue(
    core: Core,
    number: int,
    by: Actor,
    make: Callable[[UnitOfWork], Sequence[NewCard]],
    then: Callable[[UnitOfWork, str], None],
    request: Request | None = None,
) -> list[IssuedCard]:
    ids: list[str] = [secrets.token_hex(16) for _ in range(number)]
    ctis = [_new_ctis() for _ in range(number)]

    def work(unit: UnitOfWork) -> list[_Made]:
        new = make(unit)
        # What a file decided was decided by those who handled it.
        two = by.break_glass or then is not _nothing
        made, fresh = _new(core, unit.session, new, ids, ctis, two=two)
        for card_id in fresh:
            then(unit, card_id)
        for card_id in fresh:
            unit.audit("card.issue", card_id, by.details())
        return made

    def settled(session: Session) -> list[_Made] | None:
        there = session.scalars(select(CardRow.id).where(CardRow.id.in_(ids))).all()
        return [(card_id, 1) for card_id in ids] if ids and len(there) == len(ids) else None

    made = _transact(core, by, work, settled, request)
    return _finished(core, made, dict(zip(ids, ctis, strict=True)))


def _new(
    core: Core,
    session: Session,
    new: Sequence[NewCard],
    ids: Sequence[str],
    ctis: Sequence[Sequence[str]],
    *,
    two: bool,
) -> tuple[list[_Made], list[str]]:
    """Write new cards with the intents of their codes; what was made, and the ids of what is new."""
    made: list[_Made] = []
    wanted: list[codes.Wanted] = []
    lookups: list[CardLookup] = []
    parties: list[CardParty] = []
    now = core.clock.now(session)
    for one, card_id, names in zip(new, ids, ctis, strict=True):
        before = claim(session, one.request, f"{card_id}:1", now) if one.request else None
        if before is not None:
            made.append(_parsed(before))
            continue
        made.append((card_id, 1))
        insured = insurance_of(core, session, one.holder, now) if one.holder is not None else None
        row = CardRow(
            id=card_id,
            record=b"",
            status="active",
            permit="good",
            insurance="good" if insured is None else insured.state,
            photo=one.photo,
            version=1,
            created_at=now,
            changed_at=now,
        )
        lookups += write_record(core, session, row, one.card)
        if not two and _was_withdrawn(session, row):
            raise NotAllowed("issue.two_needed", path="permit.number")
        wanted.append(codes.Wanted(row, one.card, names))
        if one.holder is not None or one.employer is not None:
            check_parties(session, one.holder, one.employer)
            parties.append(CardParty(card_id=card_id, holder_id=one.holder, employer_id=one.employer))
    if wanted:
        session.add_all(one.row for one in wanted)
        session.flush()
        session.add_all((*lookups, *parties))
        at = codes.intend(core, session, wanted)
        notify_parties(core, session, at, "card.issue", [one.row.id for one in wanted])
    return made, [one.row.id for one in wanted]


def _was_withdrawn(session: Session, row: CardRow) -> bool:
    """Whether a card with this permit number was withdrawn for good."""
    if row.permit_key is None:
        return False
    query = select(CardRow.id).where(CardRow.permit_key == row.permit_key, CardRow.status == literal_sql("revoked"))
    with session.no_autoflush:
        return session.scalar(query.limit(1)) is not None


def replace(core: Core, asked: Reissue, by: Actor) -> IssuedCard:
    """New codes because something changed or a code was lost; the old ones read replaced at once.

    Raises:
        CardError: ``card.lost_field``: the new record lacks fields that ``remove`` does not name.
        StateError: ``issue.*``.
    """
    return _reissue(core, [asked], by, "card.replace", old_end=True)[0]


def renew(core: Core, asked: Reissue, by: Actor) -> IssuedCard:
    """New codes before the old ones end; the old ones run to their own end. Raises as :func:`replace`."""
    return renew_many(core, [asked], by)[0]


def replace_many(core: Core, asked: Sequence[Reissue], by: Actor) -> list[IssuedCard]:
    """Replace several cards, all or none; each is in ``asked`` once."""
    return _reissue(core, asked, by, "card.replace", old_end=True)


def reissue_decided(core: Core, card_id: str, decision: Decision[Card], by: Actor, *, old_end: bool) -> IssuedCard:
    """New codes for what a decision makes a card say, in one transaction with it.

    Args:
        old_end: the old codes read replaced at once; else they run to their own end.
    """
    action = "card.replace" if old_end else "card.renew"
    return _reissue(core, [Reissue(card_id)], by, action, old_end=old_end, decision=decision)[0]


def renew_many(core: Core, asked: Sequence[Reissue], by: Actor) -> list[IssuedCard]:
    """Renew several cards, all or none; each is in ``asked`` once."""
    return _reissue(core, asked, by, "card.renew", old_end=False)


def _reissue(
    core: Core,
    wishes: Sequence[Reissue],
    by: Actor,
    action: str,
    *,
    old_end: bool,
    decision: Decision[Card] | None = None,
) -> list[IssuedCard]:
    for one in wishes:
        if one.card is not None:
            require_direct(core, by)
            check_card(core, one.card)
    ctis = {one.card_id: _new_ctis() for one in wishes}

    def work(unit: UnitOfWork) -> list[_Made]:
        asked = wishes
        if decision is not None:
            card = decision.make(unit)
            check_card(core, card)
            asked = [Reissue(one.card_id, card, remove=decision.remove) for one in wishes]
        two = by.break_glass or decision is not None
        settled_person = by.break_glass or (decision is not None and decision.of_person)
        made, rows = _anew(core, unit.session, asked, ctis, action, old_end=old_end, two=two, settles=settled_person)
        if decision is not None:
            for row in rows:
                decision.then(unit, row.id)
        for row in rows:
            unit.audit(action, row.id, by.details())
        return made

    def settled(session: Session) -> list[_Made] | None:
        names = [each[0] for each in ctis.values()]
        query = select(CodeRow.card_id, CodeRow.generation).where(CodeRow.cti.in_(names))
        there = dict(session.execute(query).all())
        return [(one.card_id, there[one.card_id]) for one in wishes] if wishes and len(there) == len(ctis) else None

    return _finished(core, _transact(core, by, work, settled), ctis)


def _nothing(_unit: UnitOfWork, _card_id: str) -> None:
    """For cards that no decision makes."""


def _anew(
    core: Core,
    session: Session,
    asked: Sequence[Reissue],
    ctis: Mapping[str, Sequence[str]],
    action: str,
    *,
    old_end: bool,
    two: bool,
    settles: bool,
) -> tuple[list[_Made], list[CardRow]]:
    """Write the intents of new codes; what was made, and the cards that it was made for."""
    rows = locked(session, list(ctis))
    made: list[_Made] = []
    wanted: list[codes.Wanted] = []
    now = core.clock.now(session)
    for one in asked:
        row = rows[one.card_id]
        before = claim(session, one.request, f"{row.id}:{row.version + 1}", now) if one.request else None
        if before is not None:
            made.append(_parsed(before))
            continue
        require_revision(row, one.revision)
        if row.status == "revoked":
            raise Conflict("issue.card_revoked")
        row.version += 1
        made.append((row.id, row.version))
        if one.card is not None:
            held, decided = read_record(core, row), decided_for(core, row)
            refuse_lost_fields(held, one.card, one.remove)
            session.execute(delete(CardLookup).where(CardLookup.card_id == row.id))
            session.add_all(write_record(core, session, row, one.card, None if settles else decided))
            if not two and needs_two(held, one.card, decided):
                raise NotAllowed("issue.two_needed", path="card")
        wanted.append(codes.Wanted(row, one.card or read_record(core, row), ctis[row.id]))
    if wanted:
        if old_end:
            end_codes(session, [one.row for one in wanted], now)
        session.flush()
        at = codes.intend(core, session, wanted)
        for each in wanted:
            each.row.changed_at = at
        notify_parties(core, session, at, action, [each.row.id for each in wanted])
    return made, [each.row for each in wanted]


def replace_within(core: Core, session: Session, asked: Reissue) -> None:
    """Replace a card within another's transaction, the one of an approval, which writes the audit; :func:`finish_card`
    signs.

    Raises:
        CardError, StateError: as :func:`replace`.
    """
    _anew(core, session, [asked], {asked.card_id: _new_ctis()}, "card.replace", old_end=True, two=True, settles=True)


def issue_within(core: Core, session: Session, new: NewCard, card_id: str) -> None:
    """Issue a card within another's transaction, the one of an approval, which writes the audit; :func:`finish_card`
    signs.

    Raises:
        CardError, StateError: as :func:`issue`.
    """
    _new(core, session, [new], [card_id], [_new_ctis()], two=True)


def finish_card(core: Core, card_id: str) -> None:
    """Sign what is intended of a card."""
    query = select(CodeRow.cti).where(CodeRow.card_id == card_id, CodeRow.state == "intent")
    codes.finish(core, core.database.read(lambda session: list(session.scalars(query))))


def _transact(
    core: Core,
    by: Actor,
    work: Callable[[UnitOfWork], list[_Made]],
    settled: Callable[[Session], list[_Made] | None],
    request: Request | None = None,
) -> list[_Made]:
    try:
        return core.transact(by, work, request=request, settled=settled)
    except IntegrityError as fault:
        # The check in the transaction has missed it: another one committed the same permit number meanwhile.
        if "permit" in str(fault.orig):
            raise Conflict("issue.card_exists", path="permit.number") from None
        raise


def _finished(core: Core, made: Sequence[_Made], ctis: Mapping[str, Sequence[str]]) -> list[IssuedCard]:
    """Sign what was intended; whatever another process finished is read from its record."""
    mine = [name for card_id, _ in made for name in ctis.get(card_id, ())]
    fresh = {code.cti: code for code in codes.finish(core, mine)}
    whole = {}
    for card_id, generation in made:
        own = [fresh[name] for name in ctis.get(card_id, ()) if name in fresh]
        whole[card_id] = own if len(own) == len(Profile) else _stored(core, card_id, generation)
    return [IssuedCard(card_id, generation, tuple(whole[card_id])) for card_id, generation in made]


def _stored(core: Core, card_id: str, generation: int) -> list[IssuedCode]:
    def look(session: Session) -> tuple[list[str], list[IssuedCode]]:
        query = select(CodeRow).where(CodeRow.card_id == card_id, CodeRow.generation == generation)
        rows = session.scalars(query.order_by(CodeRow.profile)).all()
        return [row.cti for row in rows if row.state == "intent"], codes.hand_out(core, session, rows)

    waiting, found = core.database.read(look)
    if waiting:
        codes.finish(core, waiting)
        _, found = core.database.read(look)
    return found


def _new_ctis() -> list[str]:
    return [secrets.token_hex(8) for _ in Profile]


def _parsed(made: str) -> _Made:
    card_id, _, generation = made.partition(":")
    return card_id, int(generation)
