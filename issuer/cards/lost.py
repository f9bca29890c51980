"""A lost phone: holders end the codes of their own card at once.

Promises:

1. Every code that the card has reads replaced in the next status list; it is the holder's own act, and needs nobody
   else. Repeating it changes nothing.
2. What an officer has set stays: a suspension is neither made nor ended by it.
3. New codes are made by an officer who has checked the person (:func:`issuer.cards.replace`), or with the card's next
   change; until then none is handed out.
"""

from __future__ import annotations

from icard_crypto.errors import Conflict
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork

from .parties import notify_parties, require_card
from .states import end_codes, locked

__all__ = ["report_lost"]


def report_lost(core: Core, who: Principal, card_id: str) -> None:
    """End every code of one's own card.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``issue.no_card``.
        Conflict: ``issue.card_revoked``.
    """
    who.require("card.report_lost")
    require_card(core, who, card_id)

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        row = locked(session, [card_id])[card_id]
        if row.status == "revoked":
            raise Conflict("issue.card_revoked")
        if end_codes(session, [row], now):
            row.changed_at = now
            notify_parties(core, session, now, "card.lost", [card_id])
            unit.audit("card.lost", card_id)
        return True

    core.transact(who.by(), work, settled=lambda session: None)
