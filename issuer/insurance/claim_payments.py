"""Pay orders of a granted claim, month by month, and their payment.

Promise: a pay order is made for each month once; the service pays nobody, it keeps the record of what was ordered and
paid.
"""

from __future__ import annotations

import secrets
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.principals import Principal
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of

from .claim_records import claim_of
from .models import BenefitClaim, BenefitOrder
from .months import month_of, month_text
from .parties import notify_insured, refuse_own

__all__ = ["make_orders", "order_month", "record_payment"]

_CHUNK: Final = 500


def order_month(core: Core, by: Actor) -> int:
    """Make the pay orders of this month that are missing, in chunks; how many."""
    made, last = 0, ""
    while True:
        fresh, last = core.transact(by, partial(_order_chunk, last))
        made += fresh
        if not last:
            return made


def _order_chunk(after: str, unit: UnitOfWork) -> tuple[int, str]:
    session, now = unit.session, unit.now
    month = month_of(day_of(now))
    query = select(BenefitClaim).where(BenefitClaim.state == "granted", BenefitClaim.id > after)
    claims = session.scalars(query.order_by(BenefitClaim.id).limit(_CHUNK).with_for_update()).all()
    fresh = sum(make_orders(session, claim, month, now) for claim in claims)
    if fresh:
        details = {**unit.actor.details(), "month": month_text(month), "orders": fresh}
        unit.audit("claim.order", claims[0].id, details)
    return fresh, claims[-1].id if claims else ""


def record_payment(core: Core, who: Principal, claim_id: str, order_id: str, day: date) -> None:
    """Note that an order was paid; repeating it with the same day is no error.

    Raises:
        NotAllowed: ``access.*``, ``account.self``.
        NotFound: ``claim.none``.
        Conflict: ``claim.order``.
        Invalid: ``claim.day``.
    """
    who.require("insurance.book")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        claim = claim_of(core, session, who, claim_id, lock=True)
        refuse_own(who, claim.person_id)
        order = session.get(BenefitOrder, order_id, with_for_update=True)
        if order is None or order.claim_id != claim.id:
            raise NotFound("claim.none", path="order_id")
        if order.state == "paid" and order.paid_on == day.isoformat():
            return True
        if order.state != "ordered":
            raise Conflict("claim.order", expected="ordered", found=order.state)
        if day > day_of(now):
            raise Invalid("claim.day", path="day", expected="a day that has come")
        order.state, order.paid_on = "paid", day.isoformat()
        session.flush()
        notify_insured(core, session, now, "benefit.paid", [claim.person_id])
        unit.audit("claim.paid", claim.id, {"order": order.id})
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def make_orders(session: Session, claim: BenefitClaim, through: int, now: int) -> int:
    """Make the orders of a claim up to a month that are missing; how many."""
    if claim.first_month is None or claim.monthly is None:
        return 0
    last = through if claim.last_month is None else min(through, claim.last_month)
    there = set(session.scalars(select(BenefitOrder.month).where(BenefitOrder.claim_id == claim.id)))
    missing = [month for month in range(claim.first_month, last + 1) if month not in there]
    for month in missing:
        order = BenefitOrder(
            id=secrets.token_hex(16),
            claim_id=claim.id,
            month=month,
            amount=claim.monthly,
            state="ordered",
            paid_on=None,
            created_at=now,
        )
        session.add(order)
    session.flush()
    return len(missing)
