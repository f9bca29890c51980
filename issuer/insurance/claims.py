"""Claims for benefits and subsidies: applied for, decided with reasons and redress.

Promises:

1. The insured person applies, or an officer for them; one claim for a benefit is open or running at a time. It has a
   last day for the decision where a rule row sets one.
2. An officer decides, never on their own claim, and never grants what they applied for on somebody's behalf. What the
   record and the officer's findings do not meet is never granted; an officer may refuse what they meet, with reasons. A
   refusal names the ways of redress.
3. A granted claim says what is paid a month, from which month and for how many; the orders follow from it
   (:mod:`issuer.insurance.claim_payments`).
4. Every step notifies the person and is in the audit.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Conflict, Invalid, NotAllowed, NotFound
from issuer.accounts.principals import Principal
from issuer.acts import Act
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.clocks import calendar_of
from issuer.permits.remedies import redress
from issuer.rules.book import RuleBook
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .benefits import BENEFITS, Eligibility
from .claim_payments import make_orders
from .claim_records import claim_of, conditions_of, read_claim, write_claim
from .claim_stops import stop_claims
from .eligibility import eligibility_within
from .models import BenefitClaim, InsuredPerson
from .money import parse_yuan
from .months import month_of
from .parties import notify_insured, require_insured

__all__ = ["Grant", "apply_claim", "decide_claim", "withdraw_claim"]

_LONGEST: Final = 2000
#: Months for which something is granted, where its row has no end: fifty years.
_MOST_MONTHS: Final = 600
_HANDLING: Final = "insurance_handling"
_OPEN: Final = ("filed", "granted")


@dataclass(frozen=True, slots=True)
class Grant:
    """What is granted.

    Args:
        monthly: in yuan, such as ``1975.00``.
        first_month: in months since 1970-01.
        months: for how many; None: as long as the benefit's row says, or until an event.
    """

    monthly: str
    first_month: int
    months: int | None = None


def apply_claim(
    core: Core,
    who: Principal,
    person_id: str,
    benefit: str,
    told: Mapping[str, Any],
    words: str,
    request: Request | None = None,
) -> str:
    """Apply for a benefit; the claim's id.

    Args:
        told: ``category``, ``reason_of_leaving``, ``cause``, ``facts`` of :class:`issuer.insurance.benefits.Claimant`.
        words: what the person says besides; may be empty.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
        Conflict: ``claim.open``.
        Invalid: ``claim.benefit``, ``claim.words``.
    """
    who.require("insurance.book" if who.role.official else "benefit.own")
    if len(words) > _LONGEST or (words and not is_plain(words)):
        raise Invalid("claim.words", path="words", expected=f"at most {_LONGEST} printable characters")

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        row = _require_own(core, session, who, person_id)
        today = day_of(now)
        book = book_of(session)
        rule = book.find(BENEFITS, benefit, row.region, today)
        if rule is None:
            raise Invalid("claim.benefit", path="benefit", expected="a benefit of the person's region")
        same = select(BenefitClaim.id).where(
            BenefitClaim.person_id == person_id, BenefitClaim.benefit == benefit, BenefitClaim.state.in_(_OPEN)
        )
        if session.scalar(same.limit(1)) is not None:
            raise Conflict("claim.open", path="benefit")
        due = _due(book, row.region, rule.value.get("scheme"), today)
        claim = BenefitClaim(
            id=secrets.token_hex(16),
            person_id=person_id,
            benefit=benefit,
            state="filed",
            filed_on=today.isoformat(),
            due_on=None if due is None else due.isoformat(),
            monthly=None,
            first_month=None,
            last_month=None,
            stopped_on=None,
            stop_event=None,
            decided_by=None,
            decided_at=None,
            revision=1,
            created_at=now,
        )
        by = {"filed_by": who.person_id} if who.role.official else {}
        write_claim(core, claim, {"told": dict(told), "words": words, **by})
        session.add(claim)
        session.flush()
        notify_insured(core, session, now, "benefit.filed", [person_id])
        unit.audit("claim.apply", claim.id, {"benefit": benefit})
        unit.made(claim.id)
        return claim.id

    return core.transact(who.by(), work, request=request)


def decide_claim(
    core: Core,
    who: Principal,
    claim_id: str,
    grant: Grant | None,
    reasons: str,
    facts: Mapping[str, bool] | None = None,
) -> None:
    """Grant a claim, or refuse it.

    Args:
        grant: None: refused.
        reasons: why; kept and shown.
        facts: what the officer found. Facts that the applicant told count for nothing until an officer finds them.

    Raises:
        NotAllowed: ``access.*``, ``account.self``.
        NotFound, Conflict, Invalid: ``claim.*``.
    """
    who.require("insurance.book")
    if not 0 < len(reasons) <= _LONGEST or not is_plain(reasons):
        raise Invalid("claim.words", path="reasons", expected=f"1 to {_LONGEST} printable characters")

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        today = day_of(now)
        claim = claim_of(core, session, who, claim_id, lock=True)
        if who.is_self(claim.person_id):
            raise NotAllowed("account.self")
        if claim.state != "filed":
            raise Conflict("claim.state", expected="filed", found=claim.state)
        content = read_claim(core, claim)
        facts_found = dict(facts or {})
        told = {**content["told"], "facts": facts_found}
        found = eligibility_within(core, session, claim.person_id, claim.benefit, told, today)
        if grant is not None and not found.eligible:
            missing = ", ".join(check.test for check in found.checks if check.state != "met")
            raise Conflict("claim.not_eligible", path="outcome", expected=missing or "a rule that is known here")
        if grant is not None and who.is_self(content.get("filed_by")):
            raise NotAllowed("claim.two_needed", path="outcome")
        content |= {"found": facts_found, "reasons": reasons, "conditions": conditions_of(found)}
        claim.state = "refused" if grant is None else "granted"
        claim.decided_by, claim.decided_at = who.account_id, now
        claim.revision += 1
        if grant is None:
            row = session.get_one(InsuredPerson, claim.person_id)
            content["redress"] = redress(book_of(session), row.region, today)
        else:
            _grant(claim, grant, found, today)
        write_claim(core, claim, content)
        session.flush()
        acts = [Act(who.actor, f"claim.{claim.state}", claim.id, {"benefit": claim.benefit, "reasons": reasons})]
        if claim.state == "granted":
            if claim.benefit == "pension":
                acts += stop_claims(core, session, now, claim.person_id, "pension_drawn", today, who.by())
            make_orders(session, claim, month_of(today), now)
        notify_insured(core, session, now, f"benefit.{claim.state}", [claim.person_id])
        unit.audit_acts(acts)

    core.transact(who.by(), work)


def withdraw_claim(core: Core, who: Principal, claim_id: str) -> None:
    """Withdraw a claim that is not decided: the person themselves, or an officer. Repeating is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``claim.none``.
        Conflict: ``claim.state``.
    """
    who.require("insurance.book" if who.role.official else "benefit.own")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        claim = claim_of(core, session, who, claim_id, lock=True)
        if not who.role.official and claim.person_id != who.person_id:
            raise NotFound("claim.none")
        if claim.state == "withdrawn":
            return True
        if claim.state != "filed":
            raise Conflict("claim.state", expected="filed", found=claim.state)
        claim.state, claim.decided_at = "withdrawn", now
        claim.revision += 1
        session.flush()
        unit.audit("claim.withdraw", claim.id)
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def _require_own(core: Core, session: Session, who: Principal, person_id: str) -> InsuredPerson:
    """The person for whom somebody may apply, locked: oneself, or for officers anybody. An heir does not apply."""
    require_insured(core, session, who, person_id)
    if not who.role.official and person_id != who.person_id:
        raise NotFound("insurance.none")
    # One application after the other: each sees whether the other's claim is open.
    return session.get_one(InsuredPerson, person_id, with_for_update=True)


def _due(book: RuleBook, region: str, scheme: str | None, on: date) -> date | None:
    rule = None if scheme is None else book.find(_HANDLING, scheme, region, on)
    found = None if rule is None else calendar_of(book, region).after(on, int(rule.value["working_days"]))
    return None if found is None else found.day


def _grant(claim: BenefitClaim, grant: Grant, found: Eligibility, today: date) -> None:
    amount = parse_yuan(grant.monthly, "monthly")
    if amount == 0:
        raise Invalid("insurance.amount", path="monthly", expected="more than nothing")
    longest = found.months
    if not month_of(today) - 12 <= grant.first_month <= month_of(today) + 1:
        raise Invalid("claim.month", path="first_month", expected="a month of the last year, or the next")
    if grant.months is not None and not 1 <= grant.months <= (longest or _MOST_MONTHS):
        raise Invalid("claim.month", path="months", expected=f"1 to {longest or _MOST_MONTHS}")
    months = grant.months or longest
    claim.monthly, claim.first_month = amount, grant.first_month
    claim.last_month = None if months is None else grant.first_month + months - 1
