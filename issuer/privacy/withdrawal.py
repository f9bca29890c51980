"""Withdrawing a consent, with everything that rests on it, in one step and one transaction."""

from __future__ import annotations

from issuer import cards
from issuer.accounts.consents import withdraw_within
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.insurance.service_grants import end_grants_within

__all__ = ["withdraw_consent"]


def withdraw_consent(core: Core, who: Principal, consent_id: str) -> None:
    """Withdraw one's own consent; repeating it is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``consent.none``.
    """

    def work(unit: UnitOfWork) -> list[str]:
        session, now = unit.session, unit.now
        row = withdraw_within(core, session, now, who, consent_id)
        found, acts = end_grants_within(core, session, now, who, row.id)
        unit.audit("consent.withdraw", row.id, {"purpose": row.purpose})
        unit.audit_acts(acts)
        return found

    for card_id in core.transact(who.by(), work):
        cards.finish_card(core, card_id)
