"""Events that stop benefits.

Promise: an event that the benefit's row names stops the claim from the day of the event; orders for later months that
are not paid are cancelled in the same transaction. The person is notified.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid
from issuer.accounts.principals import Principal
from issuer.acts import Act, Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .benefits import BENEFITS, stopped_by
from .models import BenefitClaim, BenefitOrder, InsuredPerson
from .months import month_of
from .parties import notify_insured, refuse_own, require_insured

__all__ = ["stop_claims", "stop_claims_for"]


def stop_claims(core: Core, session: Session, now: int, person_id: str, event: str, day: date, by: Actor) -> list[Act]:
    """Stop what an event stops, within a transaction that writes the acts into the audit (promise 4)."""
    book = book_of(session)
    row = session.get_one(InsuredPerson, person_id)
    query = select(BenefitClaim).where(BenefitClaim.person_id == person_id, BenefitClaim.state == "granted")
    acts = []
    for claim in session.scalars(query.order_by(BenefitClaim.id).with_for_update()):
        rule = book.find(BENEFITS, claim.benefit, row.region, day)
        if rule is None or not stopped_by(rule, event):
            continue
        claim.state, claim.stopped_on, claim.stop_event = "stopped", day.isoformat(), event
        claim.revision += 1
        later = select(BenefitOrder).where(
            BenefitOrder.claim_id == claim.id, BenefitOrder.month > month_of(day), BenefitOrder.state == "ordered"
        )
        for order in session.scalars(later):
            order.state = "cancelled"
        acts.append(Act(by.actor, "claim.stop", claim.id, {**by.details(), "event": event}))
    if acts:
        session.flush()
        notify_insured(core, session, now, "benefit.stopped", [person_id])
    return acts


def stop_claims_for(core: Core, who: Principal, person_id: str, event: str, day: date) -> int:
    """Note an event that only an officer learns of, such as ``moved_abroad``; how many claims it stopped.

    Raises:
        NotAllowed: ``access.*``, ``account.self``.
        NotFound: ``insurance.none``.
        Invalid: ``claim.event``.
    """
    who.require("insurance.book")

    def work(unit: UnitOfWork) -> int:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        refuse_own(who, person_id)
        known = {event for rule in book_of(session).all(BENEFITS) for event in rule.value.get("stops", ())}
        if event not in known or day > day_of(now):
            raise Invalid("claim.event", path="event", expected=", ".join(sorted(known)))
        acts = stop_claims(core, session, now, person_id, event, day, who.by())
        unit.audit_acts(acts)
        return len(acts)

    return core.transact(who.by(), work)
