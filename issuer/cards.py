"""Cards: issue, replace, renew, suspend, resume, revoke, and the states of permit and insurance.

Promises:

1. What a call returns was committed; what it did not return may still be found done after a failure, never half done.
2. A permit number has one live card at most.
3. A replaced code reads replaced at once; a renewed one runs to its own end; a revoked card comes back never.
4. Every change recomputes the status entries of all the card's codes, tells the publisher and writes the audit, in one
   transaction. Setting a state that stands already changes nothing and is no error.
5. A change of a state may be repeated with the same outcome, so that a lost answer needs no thought.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.card import Card, Profile
from icard_crypto.errors import CardError, StateError

from . import codes
from .audit import Act
from .codes import IssuedCode
from .core import Core
from .db.models import CardLookup, CardRow, CodeRow
from .idempotency import Request, claim
from .indexes import changed
from .records import normal, read_record, write_record

__all__ = [
    "By",
    "CardView",
    "IssuedCard",
    "NewCard",
    "check_card",
    "find_cards",
    "issue",
    "renew",
    "replace",
    "resume",
    "revoke",
    "set_insurance",
    "set_permit",
    "show",
    "suspend",
]


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and why. ``break_glass``: on the host, past the service's own rules of two people."""

    actor: str
    reason: str | None = None
    break_glass: bool = False

    def details(self) -> dict[str, Any]:
        """What the audit keeps of it."""
        return {"actor": self.actor, "reason": self.reason, "break_glass": self.break_glass}


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to issue. ``photo``: whether its picture goes into the codes. ``request``: for idempotency."""

    card: Card
    photo: bool = True
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class IssuedCard:
    """A card's id and the codes that were made together, public to authority."""

    card_id: str
    generation: int
    codes: tuple[IssuedCode, ...]


@dataclass(frozen=True, slots=True)
class CardView:
    """A card as it stands. ``codes`` are the newest generation's; ``entries`` every code's cti, state and entry."""

    card_id: str
    card: Card
    standing: str
    permit: str
    insurance: str
    version: int
    codes: tuple[IssuedCode, ...]
    entries: tuple[tuple[str, Profile, str, int], ...]


_Made = tuple[str, int]


def check_card(core: Core, card: Card) -> None:
    """Refuse a card that this issuer may not issue, before anything is written.

    Raises:
        CardError: ``card.*``, ``issue.region``.
    """
    card.check()
    places = {"permit.region": card.permit.region, "insurance.region": card.insurance and card.insurance.region}
    for path, region in places.items():
        if isinstance(region, str) and not core.issuer.covers_region(region):
            raise CardError("issue.region", path=path, expected="a region of this issuer", found=region)


def issue(core: Core, new: Sequence[NewCard], by: By) -> list[IssuedCard]:
    """Issue cards, all or none, each with one signed code for every profile.

    Raises:
        CardError: ``card.*``, ``issue.region``, ``issue.card_exists``.
        StateError: ``clock.*``, ``list.*``, ``database.*``, ``idempotency.other_body``; the signer's errors.
    """
    for one in new:
        check_card(core, one.card)
    ids: list[str] = [secrets.token_hex(16) for _ in new]
    ctis = [_new_ctis() for _ in new]

    def work(session: Session) -> list[_Made]:
        made: list[_Made] = []
        wanted: list[codes.Wanted] = []
        lookups: list[CardLookup] = []
        now = core.clock.now(session)
        for one, card_id, names in zip(new, ids, ctis, strict=True):
            before = claim(session, one.request, f"{card_id}:1", now) if one.request else None
            if before is not None:
                made.append(_parsed(before))
                continue
            made.append((card_id, 1))
            row = CardRow(
                id=card_id,
                record=b"",
                standing="active",
                permit="good",
                insurance="good",
                photo=one.photo,
                version=1,
                created_at=now,
                changed_at=now,
            )
            lookups += write_record(core, session, row, one.card)
            wanted.append(codes.Wanted(row, one.card, names))
        if wanted:
            session.add_all(one.row for one in wanted)
            session.flush()
            session.add_all(lookups)
            at = codes.intend(core, session, wanted)
            core.audit(session, at, [Act(by.actor, "card.issue", one.row.id, by.details()) for one in wanted])
        return made

    def settled(session: Session) -> list[_Made] | None:
        there = session.scalars(select(CardRow.id).where(CardRow.id.in_(ids))).all()
        return [(card_id, 1) for card_id in ids] if ids and len(there) == len(ids) else None

    made = _transact(core, work, settled)
    return _finished(core, made, dict(zip(ids, ctis, strict=True)))


def replace(core: Core, card_id: str, card: Card | None, by: By, request: Request | None = None) -> IssuedCard:
    """New codes because something changed or a code was lost; the old ones read replaced at once.

    Args:
        card: what it says from now on; None: as before.
    """
    return _reissue(core, card_id, card, by, "card.replace", request, old_end=True)


def renew(core: Core, card_id: str, card: Card | None, by: By, request: Request | None = None) -> IssuedCard:
    """New codes before the old ones end; the old ones run to their own end."""
    return _reissue(core, card_id, card, by, "card.renew", request, old_end=False)


def suspend(core: Core, card_id: str, by: By) -> None:
    """Suspend a card until it is resumed."""
    _set_standing(core, card_id, by, "card.suspend", "suspended")


def resume(core: Core, card_id: str, by: By) -> None:
    """End a suspension."""
    _set_standing(core, card_id, by, "card.resume", "active")


def revoke(core: Core, card_id: str, by: By) -> None:
    """Withdraw a card, for ever."""
    _set_standing(core, card_id, by, "card.revoke", "revoked")


def set_permit(core: Core, card_id: str, state: Literal["good", "suspended"], by: By) -> None:
    """What stands of the permit behind the card."""
    _change(core, card_id, by, f"permit.{state}", lambda row: setattr(row, "permit", state))


def set_insurance(core: Core, card_id: str, state: Literal["good", "lapsed"], by: By) -> None:
    """What stands of the insurance behind the card; public codes never show it."""
    _change(core, card_id, by, f"insurance.{state}", lambda row: setattr(row, "insurance", state))


def show(core: Core, card_id: str) -> CardView:
    """A card as it stands, with its newest codes.

    Raises:
        StateError: ``issue.no_card``.
    """

    def look(session: Session) -> CardView:
        row = session.get(CardRow, card_id)
        if row is None:
            raise StateError("issue.no_card")
        every = session.scalars(
            select(CodeRow).where(CodeRow.card_id == card_id).order_by(CodeRow.generation, CodeRow.profile, CodeRow.cti)
        ).all()
        newest = [code for code in every if code.generation == max(each.generation for each in every)]
        return CardView(
            card_id,
            read_record(core, row),
            row.standing,
            row.permit,
            row.insurance,
            row.version,
            tuple(codes.hand_out(core, session, newest)),
            tuple((code.cti, Profile(code.profile), code.state, code.value) for code in every),
        )

    return core.database.read(look)


def find_cards(core: Core, kind: Literal["permit", "name"], value: str) -> list[str]:
    """The ids of the cards with this permit number or holder's name, found by a keyed hash."""
    digest = core.at_rest.digest(kind, normal(kind, value))
    query = select(CardLookup.card_id).where(CardLookup.kind == kind, CardLookup.digest == digest)
    return core.database.read(lambda session: sorted(session.scalars(query)))


def _reissue(
    core: Core, card_id: str, card: Card | None, by: By, action: str, request: Request | None, *, old_end: bool
) -> IssuedCard:
    if card is not None:
        check_card(core, card)
    ctis = _new_ctis()

    def work(session: Session) -> list[_Made]:
        row = _locked(session, card_id)
        if request is not None:
            before = claim(session, request, f"{card_id}:{row.version + 1}", core.clock.now(session))
            if before is not None:
                return [_parsed(before)]
        if row.standing == "revoked":
            raise StateError("issue.card_revoked")
        says = read_record(core, row) if card is None else card
        row.version += 1
        if old_end:
            for code in _codes(session, card_id):
                code.replaced = True
            _set_entries(session, row)
        if card is not None:
            session.execute(delete(CardLookup).where(CardLookup.card_id == row.id))
            session.add_all(write_record(core, session, row, card))
        session.flush()
        row.changed_at = codes.intend(core, session, [codes.Wanted(row, says, ctis)])
        core.audit(session, row.changed_at, [Act(by.actor, action, card_id, by.details())])
        return [(card_id, row.version)]

    def settled(session: Session) -> list[_Made] | None:
        code = session.get(CodeRow, ctis[0])
        return [(card_id, code.generation)] if code is not None else None

    return _finished(core, _transact(core, work, settled), {card_id: ctis})[0]


def _set_standing(core: Core, card_id: str, by: By, action: str, standing: str) -> None:
    def edit(row: CardRow) -> None:
        if row.standing == "revoked" and standing != "revoked":
            raise StateError("issue.card_revoked")
        row.standing = standing

    _change(core, card_id, by, action, edit)


def _change(core: Core, card_id: str, by: By, action: str, edit: Callable[[CardRow], None]) -> None:
    def work(session: Session) -> bool:
        row = _locked(session, card_id)
        before = row.standing, row.permit, row.insurance
        edit(row)
        if (row.standing, row.permit, row.insurance) == before:
            return True
        now = core.clock.now(session)
        row.changed_at = now
        _set_entries(session, row)
        core.audit(session, now, [Act(by.actor, action, card_id, by.details())])
        return True

    core.database.transact(work, settled=lambda session: None)


def _set_entries(session: Session, row: CardRow) -> None:
    """Recompute the entries of all the card's codes and tell the publisher of the lists."""
    lists = set()
    for code in _codes(session, row.id):
        value = codes.entry_of(row, code)
        if value != code.value:
            code.value = value
            lists.add(code.list_name)
    session.flush()
    changed(session, lists)


def _codes(session: Session, card_id: str) -> Sequence[CodeRow]:
    query = select(CodeRow).where(CodeRow.card_id == card_id).order_by(CodeRow.cti).with_for_update()
    return session.scalars(query).all()


def _locked(session: Session, card_id: str) -> CardRow:
    row = session.get(CardRow, card_id, with_for_update=True)
    if row is None:
        raise StateError("issue.no_card")
    return row


def _transact(
    core: Core, work: Callable[[Session], list[_Made]], settled: Callable[[Session], list[_Made] | None]
) -> list[_Made]:
    try:
        return core.database.transact(work, settled=settled)
    except IntegrityError as fault:
        # The check in the transaction has missed it: another one committed the same permit number meanwhile.
        if "permit" in str(fault.orig):
            raise CardError("issue.card_exists", path="permit.number") from None
        raise


def _finished(core: Core, made: Sequence[_Made], ctis: dict[str, Sequence[str]]) -> list[IssuedCard]:
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
