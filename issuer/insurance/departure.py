"""Leaving China and death: the holder's recorded choice, the heirs' payout, and the effect on later months.

Promises:

1. The account is kept or paid out by the holder's own written choice; an officer pays heirs after a death. Nobody
   chooses while work goes on.
2. What is paid out is the employee's own part since the last payout, and the months until then no longer count. A
   choice is on record with its sum and rule; it is made once, a repetition pays nothing.
3. A death ends work and enrolment with its day; nothing is due afterwards. The accounts of whoever is said to have died
   are notified: a record that is wrong comes to light.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal

from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotAllowed
from issuer.accounts.principals import Principal
from issuer.cards.parties import notify_person
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .card_codes import make_codes
from .claim_stops import stop_claims
from .lapses import follow
from .leaving import Choice, account_balance, choices, months_counted, require_chooser
from .ledger import balances
from .months import month_of
from .parties import notify_insured, refuse_own, require_insured
from .records import Insured, add_fact, end_fact, load_people, write_person
from .schemes import Scheme

__all__ = ["choices_of", "choose", "paid_out_months", "pension_account", "record_death"]


def paid_out_months(insured: Insured) -> list[int]:
    """The months in which the personal account was paid out."""
    return [
        int(fact.body["month"]) for fact in insured.facts if fact.kind == "payout" and fact.body["choice"] != "keep"
    ]


def pension_account(insured: Insured) -> tuple[int, int]:
    """The personal account in fen, and the months that count: both since the last payout."""
    since = max(paid_out_months(insured), default=-1)
    entries = [entry for entry in insured.person.entries if entry.month > since]
    months = [
        month
        for (_, month, scheme), balance in balances(insured.person.entries).items()
        if scheme == Scheme.PENSION and balance.paid > 0
    ]
    return account_balance(entries), months_counted(months, paid_out_months(insured))


def choices_of(session: Session, insured: Insured, on: date) -> list[Choice]:
    """What can be chosen on a day, with what each choice means."""
    balance, months = pension_account(insured)
    dead = insured.record.died is not None
    return choices(book_of(session), insured.row.region, on, dead=dead, balance=balance, months=months)


def choose(
    core: Core,
    who: Principal,
    person_id: str,
    name: Literal["keep", "pay_out", "death"],
    *,
    signed: bool,
    request: Request | None = None,
) -> Choice:
    """Make a choice: the holder's own, or for heirs by an officer after a death.

    Args:
        signed: whether the written request is at hand.

    Raises:
        NotAllowed: ``access.*``, ``insurance.not_yours_to_choose``.
        NotFound: ``insurance.none``.
        Conflict: ``insurance.still_working``, ``insurance.chosen``.
        Invalid: ``insurance.written_request``.
    """
    who.require("insurance.book" if who.role.official else "benefit.own")
    chooser = "heirs" if who.role.official else "holder"

    def work(unit: UnitOfWork) -> Choice:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        refuse_own(who, person_id)
        today = day_of(now)
        insured = load_people(core, session, [person_id], lock=True)[person_id]
        made = next((one for one in choices_of(session, insured, today) if one.name == name), None)
        if made is None or not made.answer.rules:
            raise NotAllowed("insurance.not_yours_to_choose", path="choice")
        require_chooser(made.answer.rules[0], chooser, written=signed)
        if any(one.ended is None for one in insured.person.as_known(today).employments):
            raise Conflict("insurance.still_working", path="choice")
        if name != "keep" and made.paid == 0:
            raise Conflict("insurance.chosen", path="choice")
        body = {"choice": name, "month": month_of(today), "paid": made.paid, "rule": made.answer.rules[0].name}
        fact_id = add_fact(core, session, now, person_id, "payout", body)
        _changed(insured, now)
        notify_insured(core, session, now, "insurance.chosen", [person_id])
        session.flush()
        _, acts = follow(core, session, now, [person_id], who.by(), codes=True)
        if name == "pay_out":
            acts += stop_claims(core, session, now, person_id, "relation_ended", today, who.by())
        details = {"choice": name, "rule": body["rule"], "fact": fact_id}
        unit.audit("insurance.choose", person_id, details)
        unit.audit_acts(acts)
        unit.made(person_id)
        return made

    made = core.transact(who.by(), work, request=request)
    make_codes(core, [person_id], who.by())
    return made


def record_death(core: Core, who: Principal, person_id: str, day: date) -> None:
    """Note a person's death; repeating it with the same day is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
        Invalid: ``insurance.day``.
    """
    who.require("insurance.book")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        refuse_own(who, person_id)
        insured = load_people(core, session, [person_id], lock=True)[person_id]
        if insured.record.died == day:
            return True
        if insured.record.died is not None or not insured.record.born <= day <= day_of(now):
            raise Invalid("insurance.day", path="day", expected="the day of death, once")
        write_person(core, insured.row, replace(insured.record, died=day))
        _end_everything(core, session, now, insured, day)
        _changed(insured, now)
        session.flush()
        _, acts = follow(core, session, now, [person_id], who.by(), codes=True)
        acts += stop_claims(core, session, now, person_id, "death", day, who.by())
        notify_person(core, session, now, "insurance.death", person_id)
        unit.audit("insurance.death", person_id)
        unit.audit_acts(acts)
        return True

    core.transact(who.by(), work, settled=lambda session: None)
    make_codes(core, [person_id], who.by())


def _end_everything(core: Core, session: Session, now: int, insured: Insured, day: date) -> None:
    for fact in insured.facts:
        if fact.recorded.is_known(day_of(now)) and fact.kind in ("employment", "enrolment"):
            end_fact(core, session, now, fact, day)


def _changed(insured: Insured, now: int) -> None:
    insured.row.revision += 1
    insured.row.changed_at = now
