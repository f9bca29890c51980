"""How a permit ends that an undecided extension had carried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from issuer import cards
from issuer.accounts.principals import Principal
from issuer.acts import Act
from issuer.core import Core
from issuer.rules.days import day_of

from .models import Filing, Permit
from .parties import notify_permit, party_of
from .processes import PERMIT
from .terms import add_end

__all__ = ["end_deemed"]


def end_deemed(
    core: Core, session: Session, now: int, row: Filing, record: Mapping[str, Any], who: Principal
) -> list[Act]:
    """End a permit that went on by law, for its extension was refused or withdrawn; acts for the audit."""
    if row.process != "extension" or row.permit_id is None:
        return []
    permit = session.get_one(Permit, row.permit_id, with_for_update=True)
    if permit.state != "EXTENDED_BY_LAW":
        return []
    content = {"ground": f"extension {row.state.lower()}", "basis": "ALL 70", **record}
    move = PERMIT.move("expire", permit.state, party_of(who))
    add_end(core, session, now, permit, move, day_of(now), content, filing_id=row.id, account_id=who.account_id)
    if permit.card_id is not None:
        cards.revoke_within(core, session, now, permit.card_id)
    notify_permit(core, session, now, "permit.ended", permit)
    return [Act(who.actor, "permit.expire", permit.id)]
