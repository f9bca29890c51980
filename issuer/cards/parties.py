"""The parties of a card (holder, employer, agency), and who may see it.

Promises:

1. A holder sees his own card, an employer its staff's, an agency those of employers that have given it a mandate in
   force now; whoever has ``card.read`` sees any.
2. A card that is another's and one that is not there are the same error.
3. An act on a card is notified to whoever sees it as their own: holder, employer, agencies with a mandate in force.
   A card that nobody with an account holds, looks after or acts for makes no notice.
4. A change of parties changes at that moment who sees the card; those before and those after are notified.
5. Officials can't act on their own cards.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    false,
    select,
    union,
)
from sqlalchemy.orm import Session

from icard_crypto.errors import NotAllowed, NotFound
from issuer.accounts.mandates import clients
from issuer.accounts.models import Account, Mandate
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.kinds import kind_of_act
from issuer.notices.outbox import Notice, notify

from .models import CardParty, CardRow
from .party_rows import check_parties

__all__ = [
    "Parties",
    "SeenCard",
    "notify_holder",
    "notify_parties",
    "notify_person",
    "own_cards",
    "parties_of",
    "refuse_own",
    "require_card",
    "seen_card",
    "set_parties",
]

Parties = tuple[str | None, str | None]

#: Keys of one question to the database; SQLite takes 32,766 values a statement.
_CHUNK: Final = 1000


def set_parties(core: Core, who: Principal, card_id: str, holder_id: str | None, employer_id: str | None) -> None:
    """Say who holds a card (a person) and which employer looks after it. Saying the same again changes nothing.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``issue.no_card``, ``organisation.none``.
        Invalid: ``account.person``.
    """
    who.require("card.issue")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        check_parties(session, holder_id, employer_id)
        if session.get(CardRow, card_id, with_for_update=True) is None:
            raise NotFound("issue.no_card")
        row = session.get(CardParty, card_id)
        if row is None:
            row = CardParty(card_id=card_id, holder_id=None, employer_id=None)
            session.add(row)
        elif (row.holder_id, row.employer_id) == (holder_id, employer_id):
            return True
        told = [card_id]
        # Those who see it no more are notified as well as those who see it now.
        notify_parties(core, session, now, "card.parties", told)
        row.holder_id, row.employer_id = holder_id, employer_id
        session.flush()
        notify_parties(core, session, now, "card.parties", told)
        details = {"holder": holder_id, "employer": employer_id}
        unit.audit("card.parties", card_id, details)
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def refuse_own(who: Principal, holder_id: str | None) -> None:
    """Refuse an official who makes a card their own person's.

    Args:
        holder_id: whose the card is going to be.

    Raises:
        NotAllowed: ``account.self``.
    """
    if who.role.official and who.is_self(holder_id):
        raise NotAllowed("account.self")


def parties_of(core: Core, card_id: str) -> Parties:
    """The ids of a card's holder and employer, where they are known."""

    def look(session: Session) -> Parties:
        row = session.get(CardParty, card_id)
        return (row.holder_id, row.employer_id) if row is not None else (None, None)

    return core.database.read(look)


@dataclass(frozen=True, slots=True)
class SeenCard:
    """A card that somebody may see, and whose it is: a person and an organisation, where they are known."""

    card_id: str
    revision: int
    holder_id: str | None
    employer_id: str | None


def seen_card(core: Core, who: Principal, card_id: str) -> SeenCard:
    """The card, for whoever may see it by their role; what a program's scope allows was asked before.

    Raises:
        NotFound: ``issue.no_card``.
    """

    def look(session: Session) -> SeenCard | None:
        if "card.read" in who.role.rights:
            row = session.get(CardParty, card_id)
        else:
            query = select(CardParty).where(CardParty.card_id == card_id, _own(core, session, who))
            row = session.scalars(query).one_or_none()
            if row is None:
                return None
        card = session.get(CardRow, card_id)
        if card is None:
            return None
        return SeenCard(card_id, card.revision, row.holder_id if row else None, row.employer_id if row else None)

    found = core.database.read(look)
    if found is None:
        raise NotFound("issue.no_card")
    return found


def require_card(core: Core, who: Principal, card_id: str) -> None:
    """Raise unless the card is there and may be seen.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``issue.no_card``.
    """
    if not who.may("card.read"):
        who.require("card.read_own")
    seen_card(core, who, card_id)


def own_cards(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[str]:
    """A page of the ids of one's own cards, one's staff's or one's clients', in their order.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        NotAllowed: ``access.*``.
    """
    who.require("card.read_own")

    def look(session: Session) -> list[str]:
        query = page_of(select(CardParty).where(_own(core, session, who)), CardParty.card_id, after, limit)
        return [row.card_id for row in session.scalars(query)]

    return core.database.read(look)


def _own(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    if who.role.organisation == "employer":
        return CardParty.employer_id == who.organisation_id
    if who.role.organisation == "agency":
        return CardParty.employer_id.in_(clients(session, who, core.clock.now(session)))
    # What an official sees depends on permissions, not on whose card it is.
    return false() if who.role.official else CardParty.holder_id == who.person_id


def notify_parties(core: Core, session: Session, now: int, act: str, cards: Sequence[str]) -> None:
    """Tell the holders of these cards, the employers who look after them, and the agencies that act for those employers
    now, of an act on the card: whoever sees a card as its own.

    Args:
        act: the act's name in the audit, such as ``card.suspend``.
    """
    kind = kind_of_act(act)
    found: list[Notice] = []
    for start in range(0, len(cards), _CHUNK):
        told = session.execute(_all_told(), {"cards": cards[start : start + _CHUNK], "now": now}).all()
        found += [Notice(kind.name, account, {"card": card}) for card, account in sorted((*row,) for row in told)]
    notify(core, session, now, found)


@functools.cache
def _all_told() -> CompoundSelect[str, str]:
    """Those of some ``cards`` ``now``: made once, for every act asks it."""
    chunk = CardParty.card_id.in_(bindparam("cards", expanding=True))
    return union(*(query.where(chunk) for query in _told(bindparam("now", type_=BigInteger))))


def _told(now: int | BindParameter[int]) -> tuple[Select[str, str], ...]:
    """Cards and the accounts that are notified of them: apart, so that each finds its accounts by an index."""
    # Locked accounts are notified too; who never came, or left, is not.
    query = select(CardParty.card_id, Account.id).where(Account.in_use())
    holds = and_(Account.person_id == CardParty.holder_id, Account.role == "holder")
    employs = and_(Account.organisation_id == CardParty.employer_id, Account.role == "employer")
    acts = and_(
        Account.organisation_id == Mandate.agency_id,
        Account.role == "agency",
        Mandate.handled_by(Account.id.expression),
    )
    in_force = and_(Mandate.employer_id == CardParty.employer_id, *Mandate.in_force(now))
    return query.join(Account, holds), query.join(Account, employs), query.join(Mandate, in_force).join(Account, acts)


def notify_holder(core: Core, session: Session, now: int, kind: str, card: str) -> None:
    """Tell a card's holder alone, by a kind that says the card's id."""
    holders = _told(now)[0].where(CardParty.card_id == card)
    accounts = sorted(account for _, account in session.execute(holders))
    notify(core, session, now, [Notice(kind, account, {"card": card}) for account in accounts])


def notify_person(core: Core, session: Session, now: int, kind: str, person_id: str) -> None:
    """Notify a person's own accounts, by a kind that has the person's id."""
    query = select(Account.id).where(Account.person_id == person_id, Account.role == "holder", Account.in_use())
    accounts = session.scalars(query.order_by(Account.id))
    notify(core, session, now, [Notice(kind, account, {"person": person_id}) for account in accounts])
