"""The log of online look-ups: which official looked at a card, and when, for its holder.

Promises:

1. The row is committed before the card is shown: no look-up without its row.
2. The holder sees role, way and time; the official's account is in the row for the audit's sake and is not shown.
3. The holder is told, in the row's transaction, once a day for each official: the log has every look-up, and an
   official at work on a card does not fill an inbox. Nobody else is told. A search that finds a card is in the log, and
   told to nobody.

Offline checks leave no trace, by design.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.core import Core

from .models import CodeRow, OnlineLookup
from .parties import notify_holder
from .views import there

__all__ = ["LookupView", "Way", "card_of_code", "list_lookups", "note_lookup", "note_lookups"]

#: How the card was reached: by its id, by the cti of a code that was shown, or as one that a search found.
Way = Literal["card", "code", "search"]
_MOST: Final = 201
_DAY: Final = 86400


@dataclass(frozen=True, slots=True)
class LookupView:
    """A look-up as the holder sees it. ``at``: Unix time."""

    lookup_id: str
    role: str
    way: str
    at: int


def note_lookup(core: Core, who: Principal, card_id: str, way: Way) -> None:
    """Write that an official is about to see a card.

    Raises:
        StateError: ``database.*``.
    """
    name = secrets.token_hex(16)

    def work(session: Session) -> bool:
        at = core.clock.now(session)
        today = OnlineLookup.card_id == card_id, OnlineLookup.at >= at - at % _DAY
        seen = select(OnlineLookup.id).where(*today, OnlineLookup.account_id == who.account_id).limit(1)
        if session.scalar(seen) is None:
            notify_holder(core, session, at, "card.looked_up", card_id)
        row = OnlineLookup(id=name, card_id=card_id, account_id=who.account_id, role=who.role.name, way=way, at=at)
        session.add(row)
        return True

    core.database.transact(work, settled=lambda session: True if session.get(OnlineLookup, name) else None)


def note_lookups(core: Core, who: Principal, card_ids: Sequence[str], way: Way) -> None:
    """Write that an official is about to see that these cards are there, and how they stand."""
    if not card_ids:
        return
    rows = {card_id: secrets.token_hex(16) for card_id in card_ids}

    def work(session: Session) -> bool:
        at = core.clock.now(session)
        for card_id, name in rows.items():
            row = OnlineLookup(id=name, card_id=card_id, account_id=who.account_id, role=who.role.name, way=way, at=at)
            session.add(row)
        return True

    last = rows[card_ids[-1]]
    core.database.transact(work, settled=lambda session: True if session.get(OnlineLookup, last) else None)


def card_of_code(core: Core, cti: str) -> str:
    """The card that a code belongs to.

    Raises:
        StateError: ``issue.no_card``.
    """
    query = select(CodeRow.card_id).where(CodeRow.cti == cti)
    return there(core.database.read(lambda session: session.scalar(query)))


def list_lookups(core: Core, card_id: str, *, after: str = "", limit: int = 50) -> list[LookupView]:
    """A page of the look-ups at a card, the newest first.

    Args:
        after: the id of the last one of the page before; one that is not there begins anew.
    """

    def look(session: Session) -> list[LookupView]:
        query = select(OnlineLookup).where(OnlineLookup.card_id == card_id)
        last = session.get(OnlineLookup, after) if after else None
        if last is not None:
            query = query.where(tuple_(OnlineLookup.at, OnlineLookup.id) < (last.at, last.id))
        query = query.order_by(OnlineLookup.at.desc(), OnlineLookup.id.desc()).limit(min(limit, _MOST))
        return [LookupView(row.id, row.role, row.way, row.at) for row in session.scalars(query)]

    return core.database.read(look)
