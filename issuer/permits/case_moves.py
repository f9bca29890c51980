"""Events of a filed application other than its decision: pauses, transfer to another office, proof of delivery.

Promises:

1. The time for a decision pauses on the grounds alone that the rules have; the applicant gets notice, and nothing is
   decided until it goes on.
2. A head hands an application to another office; its days are computed again by that region's rules, and applicant and
   office get notice.
3. How and when a decision was delivered is on record. The ways of redress count from that day.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from icard_crypto.moments import ONE_DAY
from issuer.accounts.fields import check_text
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.citations import cite
from issuer.rules.days import day_of
from issuer.rules.regions import NATION, is_known
from issuer.rules.store import book_of

from .clocks import pauses_of, set_days, write_pauses
from .models import Filing
from .moves import move
from .parties import load_filing, nearest_office, notify_office, party_of, require_handler, require_own
from .records import read_filing

__all__ = ["WAYS", "pause_filing", "record_delivery", "resume_filing", "transfer_filing"]

#: How a decision is delivered.
WAYS: Final = ("electronic", "window", "post", "public_notice")
_LONGEST: Final = 1000


def pause_filing(core: Core, who: Principal, filing_id: str, ground: str, reason: str, revision: int) -> None:
    """Stop the time for a decision on a ground of kind ``pauses``.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
        StateError: ``filing.*``.
    """
    who.require("filing.decide")
    words = check_text(reason, "reason", _LONGEST)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = _handled(core, session, who, filing_id, revision)
        book, today = book_of(session), day_of(now)
        known = {rule.id: rule for rule in book.effective("pauses", row.region, today)}
        if ground not in known:
            raise Invalid("filing.field", path="ground", expected=", ".join(known))
        pauses = pauses_of(row)
        if pauses and pauses[-1].last is None:
            raise Conflict("filing.paused", found=pauses[-1].first.isoformat())
        rule = known[ground]
        content = {"ground": ground, "reason": words, "rule": {"en": cite(rule, "en"), "zh": cite(rule, "zh")}}
        move(core, session, now, row, "pause", party_of(who), who.account_id, content)
        write_pauses(row, [*((one.first, one.last) for one in pauses), (today, None)])
        set_days(book, row, read_filing(core, row).category)
        unit.audit("filing.pause", row.id, {"ground": ground, "reason": words})

    core.transact(who.by(), work)


def resume_filing(core: Core, who: Principal, filing_id: str, revision: int) -> None:
    """Let the time for a decision go on; today counts again.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        StateError: ``filing.*``.
    """
    who.require("filing.decide")

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = _handled(core, session, who, filing_id, revision)
        pauses, today = pauses_of(row), day_of(now)
        if not pauses or pauses[-1].last is not None:
            raise Conflict("process.move", path="filing", expected="a pause", found="none")
        last = today - ONE_DAY
        kept = [(one.first, one.last) for one in pauses[:-1]]
        # Within one day nothing was lost.
        write_pauses(row, kept if pauses[-1].first > last else [*kept, (pauses[-1].first, last)])
        move(core, session, now, row, "resume", party_of(who), who.account_id, {})
        set_days(book_of(session), row, read_filing(core, row).category)
        unit.audit("filing.resume", row.id)

    core.transact(who.by(), work)


def transfer_filing(core: Core, who: Principal, filing_id: str, region: str, reason: str, revision: int) -> None:
    """Hand an application to the office of another region, as a head of the office that has it.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``office.none``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
        StateError: ``filing.*``.
    """
    who.require("filing.lead")
    words = check_text(reason, "reason", _LONGEST)
    if region == NATION or not is_known(region):
        raise Invalid("filing.field", path="region", expected="a code of GB/T 2260")

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
        require_handler(who, row)
        office = nearest_office(session, region)
        if office is None or row.region == region:
            raise NotFound("office.none", path="region")
        content = {"from": row.region, "to": region, "reason": words}
        move(core, session, now, row, "transfer", party_of(who), who.account_id, content)
        row.region = region
        set_days(book_of(session), row, read_filing(core, row).category)
        session.flush()
        notify_office(core, session, now, "filing.transfer", region, {"filing": row.id}, "office_head")
        unit.audit("filing.transfer", row.id, content)

    core.transact(who.by(), work)


def record_delivery(
    core: Core, who: Principal, filing_id: str, way: str, day: date | None, evidence: str | None, revision: int
) -> None:
    """Record that a decision was delivered: by an officer, or by the side that filed and received it here.

    Args:
        way: one of :data:`WAYS`; whoever received it here has ``electronic``, of today.
        day, evidence: an officer's: the day, and what proves it, such as the number of the registered letter.

    Raises:
        NotAllowed: ``access.*``.
        Conflict: ``process.move``.
        Invalid: ``account.field``.
        StateError: ``filing.*``.
    """
    officer = who.may("filing.decide")
    if not officer:
        who.require("permit.own" if who.may("permit.own") else "filing.file")
    words = check_text(evidence or "", "evidence", _LONGEST) if officer else None
    if way not in WAYS or (not officer and way != "electronic"):
        raise Invalid("filing.field", path="way", expected=", ".join(WAYS if officer else WAYS[:1]))

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
        # Ways of redress count from it: nobody shortens another's time, nor an official their own.
        (require_handler if officer else require_own)(who, row)
        today = day_of(now)
        delivered = today if day is None or not officer else day
        if delivered > today or row.decided_on is None or delivered.isoformat() < row.decided_on:
            expected = f"{row.decided_on or 'a decision'} to {today.isoformat()}"
            raise Invalid("filing.field", path="day", expected=expected, found=delivered.isoformat())
        content: dict[str, Any] = {"way": way, "day": delivered.isoformat(), "evidence": words}
        move(core, session, now, row, "deliver", party_of(who), who.account_id, content)
        # What was proven first stands; a later proof is kept beside it.
        row.delivered_on = min(row.delivered_on or delivered.isoformat(), delivered.isoformat())
        unit.audit("filing.deliver", row.id, {"way": way})

    core.transact(who.by(), work)


def _handled(core: Core, session: Session, who: Principal, filing_id: str, revision: int) -> Filing:
    row = load_filing(core, session, who, filing_id, lock=True, revision=revision)
    require_handler(who, row)
    return row
