"""Claims: their records, and what is shown of them.

Promises:

1. The insured person sees their own claims and officials any; an employer sees none.
2. A claim that waits shows its conditions as they are now; a decided one as they were found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from icard_crypto.errors import NotFound
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.pages import page_of
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place

from .benefits import Eligibility
from .eligibility import eligibility_within
from .models import BenefitClaim, BenefitOrder, InsuredPerson
from .money import in_yuan
from .months import month_text
from .parties import seen_by

__all__ = [
    "ClaimView",
    "OrderView",
    "claim_of",
    "claims_on_record",
    "conditions_of",
    "list_claims",
    "orders_on_record",
    "read_claim",
    "show_claim",
    "waiting_claims",
    "write_claim",
]


@dataclass(frozen=True, slots=True)
class OrderView:
    """A pay order. ``amount`` in yuan; ``paid_on``: None: not yet."""

    order_id: str
    month: str
    amount: str
    state: Literal["ordered", "paid", "cancelled"]
    paid_on: str | None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim.

    Args:
        due_on: by when it is decided; None: no rule is known here.
        conditions: as they were found at the decision; at once for a claim that waits.
        reasons: the officer's words; None: not decided.
        stopped_by: the event that ended it.
    """

    claim_id: str
    person_id: str
    benefit: str
    state: Literal["filed", "granted", "refused", "withdrawn", "stopped"]
    filed_on: str
    due_on: str | None
    overdue: bool
    conditions: list[dict[str, Any]]
    reasons: str | None
    redress: list[dict[str, Any]]
    monthly: str | None
    first_month: str | None
    last_month: str | None
    stopped_on: str | None
    stopped_by: str | None
    orders: list[OrderView]
    revision: int


def list_claims(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[ClaimView]:
    """A page of one's own claims, or of all for officials, in the order of their ids.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[ClaimView]:
        query = page_of(select(BenefitClaim).where(_seen(core, session, who)), BenefitClaim.id, after, limit)
        return [_view(core, session, claim) for claim in session.scalars(query)]

    return core.database.read(look)


def waiting_claims(core: Core, who: Principal, *, limit: int = 50) -> list[ClaimView]:
    """Claims that nobody has decided, of oneself or for officials of all, those with the nearest last day first.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[ClaimView]:
        query = select(BenefitClaim).where(_seen(core, session, who), BenefitClaim.state == "filed")
        ordered = query.order_by(BenefitClaim.due_on.is_(None), BenefitClaim.due_on, BenefitClaim.id).limit(limit)
        return [_view(core, session, claim) for claim in session.scalars(ordered)]

    return core.database.read(look)


def claims_on_record(core: Core, state: str | None = None) -> list[dict[str, Any]]:
    """Claims for the host, the oldest first, without their sealed content.

    Args:
        state: only those; None: those that wait or run.
    """
    wanted = BenefitClaim.state.in_(("filed", "granted") if state is None else (state,))
    query = select(BenefitClaim).where(wanted).order_by(BenefitClaim.filed_on, BenefitClaim.id)
    return core.database.read(lambda session: [_brief(row) for row in session.scalars(query)])


def orders_on_record(core: Core, month: int) -> list[dict[str, Any]]:
    """The pay orders of a month for the host, with the person of each, in the order of their claims."""
    query = (
        select(BenefitOrder, BenefitClaim)
        .join(BenefitClaim, BenefitClaim.id == BenefitOrder.claim_id)
        .where(BenefitOrder.month == month)
        .order_by(BenefitOrder.claim_id)
    )

    def look(session: Session) -> list[dict[str, Any]]:
        return [
            {**asdict(_order_view(order)), "claim_id": claim.id, "person_id": claim.person_id, "benefit": claim.benefit}
            for order, claim in session.execute(query)
        ]

    return core.database.read(look)


def show_claim(core: Core, who: Principal, claim_id: str) -> ClaimView:
    """A claim.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``claim.none``.
    """
    return core.database.read(lambda session: _view(core, session, claim_of(core, session, who, claim_id)))


def _seen(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    """A claim is no business of an employer."""
    if not who.role.official:
        who.require("benefit.own")
    people = select(InsuredPerson.person_id).where(seen_by(core, session, who))
    return BenefitClaim.person_id.in_(people)


def claim_of(core: Core, session: Session, who: Principal, claim_id: str, *, lock: bool = False) -> BenefitClaim:
    """A claim that somebody sees.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``claim.none``.
    """
    query = select(BenefitClaim).where(BenefitClaim.id == claim_id, _seen(core, session, who))
    claim = session.scalar(query.with_for_update() if lock else query)
    if claim is None:
        raise NotFound("claim.none")
    return claim


def conditions_of(found: Eligibility) -> list[dict[str, Any]]:
    """Every condition with what was found, for a program or a screen."""
    return [
        {
            "test": check.test,
            "state": check.state,
            "text": {"en": check.text("en"), "zh": check.text("zh")},
            "met_on": None if check.met_on is None else check.met_on.isoformat(),
        }
        for check in found.checks
    ]


def _view(core: Core, session: Session, claim: BenefitClaim) -> ClaimView:
    content = read_claim(core, claim)
    today = day_of(core.clock.now(session))
    conditions = content.get("conditions")
    if conditions is None:
        found = eligibility_within(core, session, claim.person_id, claim.benefit, content["told"], today)
        conditions = conditions_of(found)
    orders = session.scalars(
        select(BenefitOrder).where(BenefitOrder.claim_id == claim.id).order_by(BenefitOrder.month)
    ).all()
    return ClaimView(
        claim.id,
        claim.person_id,
        claim.benefit,
        cast("Any", claim.state),
        claim.filed_on,
        claim.due_on,
        claim.state == "filed" and claim.due_on is not None and today.isoformat() > claim.due_on,
        conditions,
        content.get("reasons"),
        content.get("redress", []),
        None if claim.monthly is None else in_yuan(claim.monthly),
        None if claim.first_month is None else month_text(claim.first_month),
        None if claim.last_month is None else month_text(claim.last_month),
        claim.stopped_on,
        claim.stop_event,
        [_order_view(order) for order in orders],
        claim.revision,
    )


def _order_view(order: BenefitOrder) -> OrderView:
    return OrderView(order.id, month_text(order.month), in_yuan(order.amount), cast("Any", order.state), order.paid_on)


def _brief(claim: BenefitClaim) -> dict[str, Any]:
    return {
        "claim_id": claim.id,
        "person_id": claim.person_id,
        "benefit": claim.benefit,
        "state": claim.state,
        "filed_on": claim.filed_on,
        "due_on": claim.due_on,
        "monthly": None if claim.monthly is None else in_yuan(claim.monthly),
        "first_month": None if claim.first_month is None else month_text(claim.first_month),
        "last_month": None if claim.last_month is None else month_text(claim.last_month),
    }


def write_claim(core: Core, claim: BenefitClaim, content: Mapping[str, Any]) -> None:
    """Put what a claim says into its row, sealed."""
    claim.body = core.at_rest.seal(_place(claim), json.dumps(content, ensure_ascii=False).encode())


def read_claim(core: Core, claim: BenefitClaim) -> dict[str, Any]:
    """What a claim says: told, words, and once decided facts found, reasons, conditions, redress."""
    content: dict[str, Any] = json.loads(core.at_rest.open(_place(claim), claim.body))
    return content


def _place(claim: BenefitClaim) -> Place:
    return Place("benefit_claims", "body", claim.id)
