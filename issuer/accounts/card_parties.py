"""Whose card it is, and who may see it.

Promises:

1. A holder sees his own card, an employer its staff's, an agency those of employers that have given it a mandate in
   force now; whoever has ``card.read`` sees any.
2. A card that is another's and one that is not there are the same error.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.audit import Act
from issuer.core import Core
from issuer.db.models import CardRow
from issuer.db.pages import page_of

from .mandates import clients
from .models import CardParty
from .party_rows import check_parties
from .who import Who

__all__ = ["Parties", "own_cards", "parties_of", "require_card", "set_parties"]

Parties = tuple[str | None, str | None]


def set_parties(core: Core, who: Who, card_id: str, holder_id: str | None, employer_id: str | None) -> None:
    """Say who holds a card (a person) and which employer looks after it. Saying the same again changes nothing.

    Raises:
        StateError: ``access.*``, ``issue.no_card``, ``account.person``, ``organisation.none``.
    """
    who.require("card.issue")

    def work(session: Session) -> bool:
        check_parties(session, holder_id, employer_id)
        if session.get(CardRow, card_id, with_for_update=True) is None:
            raise StateError("issue.no_card")
        row = session.get(CardParty, card_id)
        if row is None:
            row = CardParty(card_id=card_id, holder_id=None, employer_id=None)
            session.add(row)
        elif (row.holder_id, row.employer_id) == (holder_id, employer_id):
            return True
        row.holder_id, row.employer_id = holder_id, employer_id
        details = {"holder": holder_id, "employer": employer_id}
        core.audit(session, core.clock.now(session), [Act(who.actor, "card.parties", card_id, details)])
        return True

    core.database.transact(work, settled=lambda session: None)


def parties_of(core: Core, card_id: str) -> Parties:
    """The ids of a card's holder and employer, where they are known."""

    def look(session: Session) -> Parties:
        row = session.get(CardParty, card_id)
        return (row.holder_id, row.employer_id) if row is not None else (None, None)

    return core.database.read(look)


def require_card(core: Core, who: Who, card_id: str) -> None:
    """Raise unless the card is there and may be seen.

    Raises:
        StateError: ``access.*``, ``issue.no_card``.
    """
    anyone = who.may("card.read")
    if not anyone:
        who.require("card.read_own")

    def look(session: Session) -> bool:
        if anyone:
            return session.get(CardRow, card_id) is not None
        query = select(CardParty.card_id).where(CardParty.card_id == card_id, _own(core, session, who))
        return session.scalar(query) is not None

    if not core.database.read(look):
        raise StateError("issue.no_card")


def own_cards(core: Core, who: Who, *, after: str = "", limit: int = 50) -> list[str]:
    """A page of the ids of one's own cards, one's staff's or one's clients', in their order.

    Args:
        after: the last id of the page before.
        limit: 1 to 201.

    Raises:
        StateError: ``access.*``.
    """
    who.require("card.read_own")

    def look(session: Session) -> list[str]:
        query = select(CardParty.card_id).where(_own(core, session, who))
        return list(session.scalars(page_of(query, CardParty.card_id, after, limit)))

    return core.database.read(look)


def _own(core: Core, session: Session, who: Who) -> ColumnElement[bool]:
    if who.role.organisation == "employer":
        return CardParty.employer_id == who.organisation_id
    if who.role.organisation == "agency":
        return CardParty.employer_id.in_(clients(session, who.organisation_id or "", core.clock.now(session)))
    # What an official sees goes by rights, not by whose it is.
    return false() if who.role.official else CardParty.holder_id == who.person_id
